"""Searches images: their metadata, field by field, and their layers, each once.

A layer that several images have, or several platforms, is searched where it is met first, and what
is in it is told of that image only. What later layers do to a file in which something was found is
seen from their names, which go by as they are searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from itertools import accumulate, islice

from leakguard import artifacts, images, unpack
from leakguard.images import Contents, Document, Field, Image, Layer, Layout, Overlay, fields
from leakguard.model import Finding, ImagePlace, Skip
from leakguard.scanner.findings import Found, together
from leakguard.scanner.labels import Labels
from leakguard.scanner.search import Search, Sifted
from leakguard.unpack import Blob, Readable, Row
from leakguard.unpack.base import Short, StoppedError

_METADATA = "metadata"
_SHA256 = "sha256:"
_PIECE = 1 << 20
_NOWHERE = (0, 0)
# So many fields are looked at in one go, with this between them.
_MANY = 4096
_BETWEEN = b"\n"
# What Docker before 25 wrote for Docker before 1.10: all of it is in the configuration, too.
_LEGACY = re.compile(r"[0-9a-f]{64}(?:/json|\.json)")


@dataclass(frozen=True, slots=True)
class _Told:
    """Something that is told of a layer.

    Attributes:
        item: A finding whose place in the image is not known yet, or a skip.
        layer: Where it is.
        digest: Of the layer, as it is stored.
        diff_id: Of the layer, uncompressed.
        member: The file of the layer that it is in.
    """

    item: Finding | Skip
    layer: Layer
    digest: str
    diff_id: str
    member: str


class ImageSearch:
    """Searches one layout after the other, and remembers which layers it has searched."""

    def __init__(self, search: Search, *, ahead: bool) -> None:
        """Begin.

        Args:
            search: How blobs are searched.
            ahead: Whether a thread decompresses a layer while it is searched.
        """
        self._search = search
        self._reporter = search.reporter
        self._ahead = ahead
        self._digests: set[str] = set()
        self._parts: set[str] = set()  # of the layout at hand

    def of(self, layout: Layout) -> Iterator[Finding | Skip]:
        """Yield what is in a layout, and what of it could not be searched."""
        for skip in layout.skips:
            yield self._shown(skip)
        self._parts.clear()
        known: set[tuple[str, str]] = set()
        for image in (Image(layout.reference, "", layout.documents, ()), *layout.images):
            for finding in self._metadata(layout, image):
                known.add((finding.name, finding.fingerprint))
                yield finding
            yield from self._layers(layout, image)
        yield from self._rest(layout, known)

    def _shown(self, skip: Skip) -> Skip:
        """Return a skip that may be shown: its detail may quote what an image says of itself."""
        return replace(self._reporter.skip(skip), detail=self._reporter.masked(skip.detail))

    # Metadata

    def _metadata(self, layout: Layout, image: Image) -> Iterator[Finding]:
        """Yield what is in the documents of an image, each value in each field once."""
        seen: set[tuple[str, str, str]] = set()
        for document in image.documents:
            for name, finding in self._in_document(layout, image, document):
                fact = (finding.name, finding.fingerprint, name)
                if fact not in seen:
                    seen.add(fact)
                    yield finding

    def _in_document(
        self, layout: Layout, image: Image, document: Document
    ) -> Iterator[tuple[str, Finding]]:
        """Yield what is in a document, with the name of the field."""
        for field in self._touched(fields.of(document.content, document.name)):
            for finding in self._in_field(field, layout.store.path):
                place = ImagePlace(
                    reference=self._reporter.masked(image.reference),
                    platform=self._reporter.masked(image.platform),
                    layer=None,
                    digest=document.digest,
                    diff_id="",
                    created_by="",
                    state=_METADATA,
                    field=self._reporter.masked(field.name),
                )
                yield field.name, replace(finding, image=place)

    def _touched(self, found: Iterator[Field]) -> Iterator[Field]:
        """Yield the fields in which something may be, by a look at many of them at a time."""
        while batch := list(islice(found, _MANY)):
            texts = [_with_key(field) for field in batch]
            ends = list(accumulate(len(text) + len(_BETWEEN) for text in texts))
            row = [
                Short(str(number), end - len(_BETWEEN) - len(text), end - len(_BETWEEN), b"")
                for number, (text, end) in enumerate(zip(texts, ends, strict=True))
            ]
            data = _BETWEEN.join(texts)
            for blob in Sifted(self._search.matcher).touched(Row(data, row)):
                yield batch[int(blob.path)]

    def _in_field(self, field: Field, path: str) -> Iterator[Finding]:
        text = field.value
        matches = self._search.matcher.find(text)
        if not matches and field.key:
            # A value that looks like nothing by itself may look like a credential by its name.
            text = _with_key(field)
            matches = self._search.matcher.find(text)
        kept = self._reporter.conditions.kept(matches, text, path)
        for told in self._reporter.distinct().of(kept):
            found = Found.within(told.match, text).moved(0, 0)
            yield together(self._reporter.finding(path, found, _NOWHERE), told.also)

    # Layers

    def _layers(self, layout: Layout, image: Image) -> Iterator[Finding | Skip]:
        overlay = Overlay()
        told: list[_Told] = []
        last = {layer.part.location: layer.index for layer in image.layers}
        for layer in image.layers:
            if last[layer.part.location] != layer.index:
                continue  # it is there again, further up
            found = list(self._layer(layout, layer, overlay))
            for one in found:
                overlay.watch(layer.index, one.member)
            told += found
        for one in told:
            yield self._placed(image, one, overlay)

    def _layer(self, layout: Layout, layer: Layer, overlay: Overlay) -> Iterator[_Told]:
        """Yield what is told of a layer; let `overlay` have its names."""
        if layer.part.location in self._parts or self._is_known(layer):
            if overlay.watches:
                self._take_names(layout, layer, overlay)
        else:
            yield from self._searched(layout, layer, overlay)
        self._parts.add(layer.part.location)

    def _is_known(self, layer: Layer) -> bool:
        """Say whether the same layer was searched in another place; that it says so is no proof."""
        if not {layer.part.digest, layer.diff_id} & self._digests:
            return False
        with suppress(OSError, StoppedError), self._contents(layer) as (stream, found):
            while stream.read(_PIECE):
                """Only the digest is asked for."""
            return found.diff_id in self._digests
        return False

    def _take_names(self, layout: Layout, layer: Layer, overlay: Overlay) -> None:
        """Let `overlay` have the names in a layer that has been searched, and been told of."""
        path = layout.store.path
        limits = replace(self._search.limits, max_depth=1)
        with suppress(OSError), self._contents(layer) as (stream, _):
            for _ in _noted(unpack.rows(path, stream, limits), path, overlay):
                """Only the names are asked for."""

    def _searched(self, layout: Layout, layer: Layer, overlay: Overlay) -> Iterator[_Told]:
        path, search = layout.store.path, self._search
        items: list[tuple[str, Finding | Skip]] = []
        digest, diff_id = layer.part.digest, layer.diff_id
        try:
            with self._contents(layer) as (stream, found):
                rows = unpack.rows(path, stream, search.limits, search.excluded)
                items += search.told(path, _noted(rows, path, overlay))
                items += ((path, self._shown(skip)) for skip in _differing(layer, found))
                self._digests |= {found.digest, found.diff_id} - {""}
                digest, diff_id = digest or found.digest, diff_id or found.diff_id
        except OSError as error:
            items.append((path, Skip(path, "unreadable", artifacts.shown(error))))
        for raw_path, item in items:
            if raw_path == path and isinstance(item, Skip):
                item = replace(item, path=self._reporter.masked(_layer_path(layer)))
            yield _Told(item, layer, digest, diff_id, _member(raw_path, path))

    def _contents(self, layer: Layer) -> AbstractContextManager[tuple[Readable, Contents]]:
        return images.contents(layer.part, self._search.limits, ahead=self._ahead)

    def _placed(self, image: Image, told: _Told, overlay: Overlay) -> Finding | Skip:
        """Return what is told with its place in the image."""
        if isinstance(told.item, Skip):
            return told.item
        masked = self._reporter.masked
        place = ImagePlace(
            reference=masked(image.reference),
            platform=masked(image.platform),
            layer=told.layer.index,
            digest=masked(told.digest),
            diff_id=masked(told.diff_id),
            created_by=masked(told.layer.created_by),
            state=overlay.state(told.layer.index, told.member),
        )
        return replace(told.item, image=place)

    # Files that no image names

    def _rest(self, layout: Layout, known: Set[tuple[str, str]]) -> Iterator[Finding | Skip]:
        for name in layout.rest:
            for item in self._file(layout, name):
                again = isinstance(item, Finding) and (item.name, item.fingerprint) in known
                if not (again and _LEGACY.fullmatch(name)):
                    yield item

    def _file(self, layout: Layout, name: str) -> Iterator[Finding | Skip]:
        path, search = f"{layout.store.path}!{name}", self._search
        if search.excluded(path):
            return
        labels = Labels(search.matcher, self._reporter, layout.store.path)
        labels.add(path)
        yield from (finding for _, finding in labels.findings())
        try:
            with layout.store.open(name) as stream:
                rows = unpack.rows(path, stream, search.limits, search.excluded)
                yield from (item for _, item in search.told(path, rows))
        except OSError as error:
            skip = Skip(path, "unreadable", artifacts.shown(error))
            yield self._reporter.skip(skip)


def _with_key(field: Field) -> bytes:
    return b'%b="%b"' % (field.key, field.value) if field.key else field.value


def _noted(
    rows: Iterable[Blob | Row | Skip], path: str, overlay: Overlay
) -> Iterator[Blob | Row | Skip]:
    """Yield what is in a layer, and let `overlay` have the names that go by."""
    begin = len(path) + 1
    for each in rows:
        if overlay.watches and not isinstance(each, Skip):
            names = (each.path,) if isinstance(each, Blob) else (one.name for one in each.blobs)
            for name in names:
                overlay.take(name[begin:])
        yield each


def _differing(layer: Layer, found: Contents) -> Iterator[Skip]:
    """Yield what is wrong with the digests of a layer, as far as they are known."""
    stored, unpacked = layer.part.digest, layer.diff_id
    if found.digest and stored.startswith(_SHA256) and stored != found.digest:
        yield Skip(_layer_path(layer), "damaged", f"was searched, but is {found.digest}")
    elif found.diff_id and unpacked.startswith(_SHA256) and unpacked != found.diff_id:
        detail = f"was searched, but holds {found.diff_id}, and the image says {unpacked}"
        yield Skip(_layer_path(layer), "damaged", detail)


def _layer_path(layer: Layer) -> str:
    return f"{layer.part.store.path}!{layer.part.digest or layer.part.name}"


def _member(path: str, above: str) -> str:
    """Return the file of a layer that a path is in, of which archives in it are a part."""
    return path[len(above) + 1 :].partition("!")[0]
