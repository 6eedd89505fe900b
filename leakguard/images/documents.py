"""Reads the documents of a store: small blobs of JSON, checked against the digest that names them.

What is not there, is too long, is no JSON or does not match is told once; what can be read is
returned all the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import partial
from typing import TypeAlias

from leakguard import artifacts
from leakguard.images.fields import Json, Pairs, parsed
from leakguard.images.model import Document, Store
from leakguard.model import Skip
from leakguard.unpack import Readable

# A longer document is no manifest and no configuration.
LONGEST = 8 << 20
_PIECE = 1 << 18
_DIGEST = re.compile(r"([a-z0-9+._-]+):([0-9a-f]{32,})")
_HEX = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_DAMAGED = "damaged"
_ATTESTATION = "https://in-toto.io/"

Object: TypeAlias = dict[str, Json]


class Documents:
    """The documents of one store.

    Attributes:
        skips: What could not be read, or does not match.
        used: Locations of all files that were read or asked for.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: dict[tuple[str, str], Skip] = {}
        self.used: set[str] = set()

    @property
    def skips(self) -> tuple[Skip, ...]:
        """What could not be read, or does not match."""
        return tuple(self._told.values())

    def use(self, name: str, by: str) -> bool:
        """Say whether a file is there that `by` names, and count it as used; tell if it is not."""
        if self._store.has(name):
            self.used.add(self._store.location(name))
            return True
        self.tell(name, "absent", f"is named by {by or 'nobody'}, and is not there")
        return False

    def read(self, name: str, title: str, digest: str, by: str) -> Document | None:
        """Return a document.

        Args:
            name: Its file.
            title: What its fields are called by.
            digest: What its digest must be; empty when nothing tells.
            by: What names it.
        """
        if not self.use(name, by):
            return None
        try:
            with self._store.open(name) as stream:
                content = _whole(stream)
        except OSError as error:
            self.tell(name, "unreadable", artifacts.shown(error))
            return None
        if len(content) > LONGEST:
            self.used.discard(self._store.location(name))
            self.tell(name, "too-large", f"longer than {LONGEST} bytes, and not read as metadata")
            return None
        document = Document(title, digest_of(content), content)
        self._check(name, document, digest)
        return document

    def top(self, name: str, title: str) -> Document | None:
        """Return a document that nothing names; one that is no JSON is not one, and is not told."""
        if not self._store.has(name):
            return None
        found = self.read(name, title, "", "")
        if found is None or self.json(found) is not None:
            return found
        self.used.discard(self._store.location(name))
        self._told.pop((name, _DAMAGED), None)
        return None

    def json(self, document: Document) -> Json:
        """Return what a document holds, None if it is no JSON."""
        try:
            return parsed(document.content)
        except ValueError:
            return None

    def instead_of_layer(self, name: str, digest: str, by: str) -> Document | None:
        """Return the document that stands in the place of a layer, None if it is a layer."""
        if not self._store.has(name):
            return None
        try:
            with self._store.open(name) as stream:
                first = stream.read(1)
                content = first + _whole(stream) if first in (b"{", b"[") else b""
            body = parsed(content) if len(content) <= LONGEST else None
        except (OSError, ValueError):
            return None
        if not isinstance(body, Pairs | list):
            return None
        kind = text(obj(body).get("_type"))
        title = "attestation" if kind.startswith(_ATTESTATION) else "blob"
        return self.read(name, title, digest, by)

    def tell(self, name: str, reason: str, detail: str) -> None:
        """Note what is wrong with a file, once."""
        skip = Skip(f"{self._store.path}!{name}", reason, detail)
        self._told.setdefault((name, reason), skip)

    def _check(self, name: str, document: Document, digest: str) -> None:
        if digest.startswith("sha256:") and digest != document.digest:
            self.tell(name, _DAMAGED, f"was searched, but its digest is {document.digest}")
        elif self.json(document) is None:
            self.tell(name, _DAMAGED, "was searched, but it is no JSON")


def blob_name(digest: str) -> str:
    """Return where a blob is in a layout; a digest that is none leads nowhere."""
    match = _DIGEST.fullmatch(digest)
    return f"blobs/{match[1]}/{match[2]}" if match else f"blobs/{digest}"


def digest_in(name: str) -> str:
    """Return the digest that a file is named by, empty if there is none in its name."""
    match = _HEX.search(name.rpartition("/")[2])
    return f"sha256:{match[0]}" if match else ""


def digest_of(content: bytes) -> str:
    """Return the digest of a blob."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def obj(value: Json) -> Object:
    """Return a JSON object as a dictionary; anything else is an empty one."""
    return dict(value) if isinstance(value, Pairs) else {}


def items(value: Json) -> Iterator[Json]:
    """Yield what a JSON list holds; anything else holds nothing."""
    yield from value if isinstance(value, list) else ()


def text(value: Json) -> str:
    """Return a JSON string; anything else is an empty one."""
    return value if isinstance(value, str) else ""


def _whole(stream: Readable) -> bytes:
    """Return what a stream holds, and no more than shows that it is too long."""
    pieces, size = [], 0
    for piece in iter(partial(stream.read, _PIECE), b""):
        pieces.append(piece)
        size += len(piece)
        if size > LONGEST:
            break
    return b"".join(pieces)
