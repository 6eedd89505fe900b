"""Searches the images that references name, one after the other; each layer of all of them once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from leakguard import images
from leakguard.artifacts import excluder
from leakguard.errors import UsageError
from leakguard.matcher import Matcher
from leakguard.model import Finding, Skip
from leakguard.scanner.findings import Reporter
from leakguard.scanner.layers import ImageSearch
from leakguard.scanner.search import Progress, Search
from leakguard.unpack import Limits

_DEFAULT = Limits()


def scan_images(  # noqa: PLR0913  # the options of a public function, each by keyword
    references: Iterable[str],
    matcher: Matcher,
    *,
    limits: Limits = _DEFAULT,
    exclude: Iterable[str] = (),
    jobs: int = 1,
    key: bytes = b"",
    progress: Progress | None = None,
) -> Iterator[Finding | Skip]:
    """Search container images: their metadata and all of their layers.

    A finding says where in its image it is, and what later layers do to that file; one in metadata
    has line 0. A layer that images share is searched once, and told of the first of them only.

    Args:
        references: Such as `docker-archive:FILE`, `oci:DIR` or `docker://NAME`, or just a path or a
            name; `leakguard.images.syntaxes` lists them.
        matcher: What to look for.
        limits: How far each layer is unpacked; what lies beyond is a skip.
        exclude: Globs of names and paths to leave out.
        jobs: With more than one, a thread decompresses ahead of the search.
        key: Key of the fingerprints.
        progress: Called each time an image is done.

    Raises:
        UsageError: If no reference could be opened; if only some could not, each is a skip.
    """
    search = Search(matcher, Reporter(matcher, key), limits, excluder(exclude))
    within = ImageSearch(search, ahead=jobs > 1)
    wanted = tuple(dict.fromkeys(references))
    failed: list[str] = []
    for done, reference in enumerate(wanted, 1):
        with ExitStack() as stack:
            try:
                layout = stack.enter_context(images.opened(reference, limits))
            except UsageError as error:
                # It may name the tags of other images.
                failed.append(search.reporter.masked(str(error)))
                if len(failed) == len(wanted):
                    raise UsageError(failed[0]) from None
                yield search.reporter.skip(Skip(reference, "unreadable", failed[-1]))
                continue
            yield from within.of(layout)
        if progress:
            progress(done, len(wanted))
