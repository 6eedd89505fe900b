"""Reads what `index.json` and `manifest.json` of a store say, and unites both by digest.

Neither alone names everything: an archive of many platforms has in `manifest.json` only that of the
host, and no attestation. What they name and the store lacks is a skip; what nobody names is left
over in `Layout.rest`, so that every file of a store can be searched. A blob is what its shape says,
since manifests without a media type are common.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from leakguard.errors import UsageError
from leakguard.images.documents import (
    Documents,
    Object,
    blob_name,
    digest_in,
    items,
    obj,
    text,
)
from leakguard.images.model import Document, Image, Layer, Layout, NotAnImageError, Part, Store

INDEX, LIST, MARKER = "index.json", "manifest.json", "oci-layout"

_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
_DEFAULT_REGISTRY = ("docker.io/library/", "docker.io/")
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which images of a store are asked for; all by default.

    Attributes:
        tag: Their tag, or their name and tag.
        digest: The digest of a manifest or an index.
    """

    tag: str = ""
    digest: str = ""

    def __bool__(self) -> bool:
        return bool(self.tag or self.digest)

    def takes(self, digest: str, names: Iterable[str]) -> bool:
        """Say whether what has that digest and these names is asked for."""
        if self.digest:
            return digest == self.digest
        tag = familiar(self.tag)
        return not tag or any(name in (tag, f"{tag}:latest") for name in names)


def read(reference: str, store: Store, selection: Selection, *, tags: bool = True) -> Layout:
    """Return the images in a store.

    Args:
        reference: What the store is called as a source of images.
        store: Where they are.
        selection: Which of them.
        tags: Whether `reference` names an image only together with the tag of that image.

    Raises:
        NotAnImageError: If there is no list of images in it, or none in the list.
        UsageError: If what is asked for is not there.
    """
    if not store.has(INDEX) and not store.has(LIST):
        raise NotAnImageError(f"{store.path}: no image: there is no {LIST} and no {INDEX} in it")
    reader = _Reader(reference, store, selection, tags=tags)
    reader.read_index()
    reader.read_list()
    return reader.layout()


def familiar(name: str) -> str:
    """Return a name the way people write it: without the default registry."""
    for prefix in _DEFAULT_REGISTRY:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


@dataclass(frozen=True, slots=True)
class _Named:
    """What an index names.

    Attributes:
        digest: Of a manifest, or of another index.
        names: What the image is called, by its descriptor or one above.
        platform: What the descriptor says of it.
        by: What names it.
        asked: Whether it is asked for, or an index above is.
    """

    digest: str
    names: tuple[str, ...]
    platform: str
    by: str
    asked: bool


class _Reader:
    """Collects what the documents of a store name."""

    def __init__(self, reference: str, store: Store, selection: Selection, *, tags: bool) -> None:
        self._reference = reference
        self._tags = tags
        self._store = store
        self._selection = selection
        self._from = Documents(store)
        self._images: list[Image] = []
        self._documents: list[Document] = []
        self._configurations: set[str] = set()
        self._names: set[str] = set()
        self._met = not selection

    def layout(self) -> Layout:
        """Return what was collected.

        Raises:
            NotAnImageError: If no image is named.
            UsageError: If what is asked for was not met.
        """
        if not self._met:
            wanted = self._selection.digest or self._selection.tag
            known = ", ".join(sorted(self._names)) or "some without a name"
            raise UsageError(f"{self._store.path}: no image {wanted} in it, only {known}")
        skips = (*self._store.skips, *self._from.skips)
        if not self._images and not self._from.skips:
            raise NotAnImageError(f"{self._store.path}: no image: none is named in it")
        rest = () if self._selection else self._rest()
        images, documents = tuple(self._images), tuple(self._documents)
        return Layout(self._reference, self._store, images, documents, skips, rest)

    def read_index(self) -> None:
        """Read `index.json` and all that it leads to."""
        found = self._top(INDEX, "index")
        if found is None:
            return
        top = _Named("", (), "", INDEX, asked=not self._selection)
        pending = deque(self._descriptors(obj(self._from.json(found)), top))
        seen: set[tuple[str, bool]] = set()
        while pending:
            named = pending.popleft()
            if (named.digest, named.asked) not in seen:
                seen.add((named.digest, named.asked))
                pending.extendleft(reversed(self._follow(named)))

    def read_list(self) -> None:
        """Read `manifest.json`, and the images in it that no index has named."""
        found = self._top(LIST, LIST)
        for entry in items(self._from.json(found)) if found else ():
            fields = obj(entry)
            if not {"Config", "Layers"} <= set(fields):
                continue  # it is somebody else's file of that name
            names = tuple(familiar(text(name)) for name in items(fields.get("RepoTags")))
            self._names.update(names)
            if not self._selection.digest and self._selection.takes("", names):
                self._met = True
                self._listed(fields, names)

    def _top(self, name: str, title: str) -> Document | None:
        found = self._from.top(name, title)
        self._documents += [found] if found else []
        return found

    def _rest(self) -> tuple[str, ...]:
        used = {MARKER, *self._from.used}
        return tuple(name for name in self._store.names() if name not in used)

    def _descriptors(self, index: Object, above: _Named) -> Iterator[_Named]:
        for entry in map(obj, items(index.get("manifests"))):
            digest, names = text(entry.get("digest")), _names(entry) or above.names
            self._names.update(names)
            asked = above.asked or self._selection.takes(digest, names)
            platform = _platform(obj(entry.get("platform")))
            yield _Named(digest, names, platform, above.digest or INDEX, asked)

    def _follow(self, named: _Named) -> list[_Named]:
        """Read what a descriptor names; return the descriptors in it if it is an index."""
        self._met = self._met or named.asked
        name = blob_name(named.digest)
        if not named.asked and not self._store.has(name):
            return []
        found = self._from.read(name, "", named.digest, named.by)
        body = obj(self._from.json(found)) if found else {}
        if found and "manifests" in body:
            self._documents += [replace(found, name="index")] if named.asked else []
            return list(self._descriptors(body, named))
        if found and named.asked:
            self._manifest(found, body, named)
        return []

    def _manifest(self, found: Document, body: Object, named: _Named) -> None:
        """Take the image whose manifest was read."""
        digest = text(obj(body.get("config")).get("digest"))
        self._configurations.add(digest)
        described = [text(obj(entry).get("digest")) for entry in items(body.get("layers"))]
        parts = [Part(self._store, blob_name(layer), layer) for layer in described]
        config = self._config(blob_name(digest), digest, named.digest) if digest else None
        self._add(named, (found,), config, parts)

    def _listed(self, entry: Object, names: tuple[str, ...]) -> None:
        """Take an image as `manifest.json` has it, unless an index has named it."""
        name = text(entry.get("Config"))
        digest = digest_in(name)
        if digest in self._configurations:
            return
        config = self._config(name, digest, LIST)
        # What other files are named by may be the digest of something else than their bytes.
        parts = [
            Part(self._store, layer, digest_in(layer) if layer.startswith("blobs/") else "")
            for layer in map(text, items(entry.get("Layers")))
        ]
        self._add(_Named("", names, "", LIST, asked=True), (), config, parts)

    def _config(self, name: str, digest: str, by: str) -> Document | None:
        return self._from.read(name, "", digest, by)

    def _add(
        self,
        named: _Named,
        documents: tuple[Document, ...],
        config: Document | None,
        parts: list[Part],
    ) -> None:
        body = obj(self._from.json(config)) if config else {}
        documents += (config,) if config else ()
        layers: list[Layer] = []
        for index, (part, (diff_id, made)) in enumerate(
            zip(parts, _origins(body, len(parts)), strict=True)
        ):
            by = named.digest or named.by
            if document := self._from.instead_of_layer(part.name, part.digest, by):
                documents += (document,)
            elif self._from.use(part.name, by):
                layers.append(Layer(index, part, diff_id, made))
        tag = f":{named.names[0]}" if named.names and self._tags else ""
        platform = _platform(body) or named.platform
        self._images.append(Image(self._reference + tag, platform, documents, tuple(layers)))


def _origins(config: Object, count: int) -> list[tuple[str, str]]:
    """Return the digest and the instruction of each layer, as far as a configuration tells them.

    Nothing is told where the numbers do not match: some builders squash layers, and keep history.
    """
    diff_ids = [text(one) for one in items(obj(config.get("rootfs")).get("diff_ids"))]
    if len(diff_ids) != count:
        return [("", "")] * count
    history = map(obj, items(config.get("history")))
    made = [text(one.get("created_by")) for one in history if one.get("empty_layer") is not True]
    return list(zip(diff_ids, made if len(made) == count else [""] * count, strict=True))


def _names(descriptor: Object) -> tuple[str, ...]:
    annotations = obj(descriptor.get("annotations"))
    names = (familiar(text(annotations.get(key))) for key in _NAMES)
    return tuple(name for name in names if name)


def _platform(fields: Object) -> str:
    """Return a platform in one word, from a descriptor's platform or a configuration."""
    system, machine = text(fields.get("os")), text(fields.get("architecture"))
    if not system or not machine or _UNKNOWN in (system, machine):
        return ""
    variant = text(fields.get("variant"))
    return f"{system}/{machine}/{variant}" if variant else f"{system}/{machine}"
