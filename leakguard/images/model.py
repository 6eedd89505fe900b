"""Images, layers and documents, in the words of the OCI image specification.

They are found and named here, not read: a layer's bytes come as a stream when it is asked for.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from leakguard.errors import UsageError
from leakguard.model import Skip
from leakguard.unpack import Readable


class NotAnImageError(UsageError):
    """A file or directory holds no image."""


class Store(Protocol):
    """The files that images are made of, by name: those of a directory, or of a tar archive.

    Attributes:
        path: What the store is called in reports.
        skips: What of it cannot be read.
    """

    @property
    def path(self) -> str:
        """What the store is called in reports."""

    @property
    def skips(self) -> Collection[Skip]:
        """What of it cannot be read, known once `names` has been asked for."""

    def names(self) -> Collection[str]:
        """Return the names of all files, in order."""

    def has(self, name: str) -> bool:
        """Say whether there is a file of that name, or a link that leads to one."""

    def location(self, name: str) -> str:
        """Return the name of the file that `name` leads to, which must be there."""

    def open(self, name: str) -> AbstractContextManager[Readable]:
        """Open a file that is there.

        Raises:
            OSError: If it cannot be read.
        """


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a store.

    Attributes:
        store: Where it is.
        name: What it is called there.
        digest: What its SHA-256 must be, as `sha256:…`; empty when nothing tells it.
    """

    store: Store
    name: str
    digest: str

    @property
    def location(self) -> str:
        """The name of the file that it is, if `name` is that of a link."""
        return self.store.location(self.name)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer, or whatever else an image has in its place.

    Attributes:
        index: Its place in the image, from 0.
        part: Its bytes as they are stored.
        diff_id: What the digest of its uncompressed tar must be; empty when nothing tells it.
        created_by: The instruction that made it; empty when nothing tells it.
    """

    index: int
    part: Part
    diff_id: str
    created_by: str


@dataclass(frozen=True, slots=True)
class Document:
    """A blob of metadata.

    Attributes:
        name: What fields in it are called by, before their own name; may be empty.
        digest: Of the blob.
        content: Its bytes.
    """

    name: str
    digest: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Image:
    """An image for one platform.

    Attributes:
        reference: What it is called, with its tag if it has one.
        platform: Such as `linux/amd64`; empty when nothing tells it.
        documents: Its manifest and its configuration.
        layers: From the lowest on.
    """

    reference: str
    platform: str
    documents: tuple[Document, ...]
    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """All images that a source holds, or those that were asked for.

    Attributes:
        reference: What the source is called.
        store: Where the images are.
        images: In the order in which they are named.
        documents: What belongs to no single image: indexes, and lists of images.
        skips: What is named and cannot be read.
        rest: Files that none of the images names, when all of them were asked for.
    """

    reference: str
    store: Store
    images: tuple[Image, ...]
    documents: tuple[Document, ...]
    skips: tuple[Skip, ...]
    rest: tuple[str, ...]
