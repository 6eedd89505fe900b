"""The frozen values that travel through leakguard.

A type that holds secret bytes keeps them out of its `repr` and cannot be pickled; a type that
leaves the process (`Finding`, `Skip`) has no field for them at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NoReturn


class Confidence(IntEnum):
    """How sure a match is, from context and entropy alone up to a value the job itself holds."""

    POSSIBLE = 1
    LIKELY = 2
    CERTAIN = 3
    KNOWN = 4

    @property
    def label(self) -> str:
        """Return the word used in rules, options and reports, such as `likely`."""
        return self.name.lower()

    @classmethod
    def of(cls, label: str) -> Confidence:
        """Return the confidence named `label`.

        Raises:
            KeyError: If there is none of that name.
        """
        return cls[label.upper()]


class _Unpicklable:
    """Keeps secret bytes inside this process: no pickle, so no cache, queue or file gets them."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds a secret and cannot be pickled")


@dataclass(frozen=True, slots=True)
class Secret(_Unpicklable):
    """A value to protect.

    Attributes:
        name: What reports and labels call it, such as `DB_PASSWORD`.
        value: The raw bytes, any length, any content.
    """

    name: str
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Needle(_Unpicklable):
    """One form of a secret, as the exact bytes to search for.

    Attributes:
        value: The bytes; never empty.
        name: The name of the secret.
        encoding: How the form came to be, such as `raw`, `base64` or `json`.
        spills: Whether the characters in front of it and behind it tell a few bits more, which they
            share with what else was encoded.
    """

    value: bytes = field(repr=False)
    name: str
    encoding: str
    spills: tuple[bool, bool] = (False, False)


@dataclass(frozen=True, slots=True)
class Match:
    """A half-open range of a byte stream that must not be seen, and why.

    Attributes:
        start: Offset of the first byte, from the start of the stream.
        end: Offset behind the last byte.
        name: The secret's name, or the rule's id.
        kind: `secret` or `rule`.
        encoding: The form that was found; `raw` for a rule.
        confidence: How sure it is.
        kept: Ranges in it that are no part of the secret and have an effect of their own, such as a
            color; they stay when the rest is masked.
    """

    start: int
    end: int
    name: str
    kind: str
    encoding: str
    confidence: Confidence
    kept: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ImagePlace:
    """Where in a container image something sits, in the words of the OCI image specification.

    Attributes:
        reference: The image as it was named, such as `docker-archive:app.tar`, and its tag.
        platform: Such as `linux/amd64`; empty when the image does not say.
        layer: Index of the layer, from 0; None for what sits in no layer.
        digest: Digest of the blob as it is stored.
        diff_id: Digest of the layer's uncompressed tar; empty for what sits in no layer.
        created_by: The instruction that made the layer; empty when nothing tells it.
        state: `present`, `overwritten` or `deleted` by a later layer, or `metadata`.
        field: The metadata field, such as `config.Env[1]`; empty for what sits in a layer.
    """

    reference: str
    platform: str
    layer: int | None
    digest: str
    diff_id: str
    created_by: str
    state: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A match, and where it sits; the secret itself stays behind.

    Attributes:
        path: Origin, with `!` between an archive and its member.
        line: Line, from 1.
        column: Byte in its line, from 1.
        offset: Byte in the innermost blob, from 0.
        name: The secret's name, or the rule's id.
        kind: `secret` or `rule`.
        confidence: How sure it is.
        encoding: The form that was found.
        fingerprint: Keyed HMAC of the value, shortened (see `leakguard.fingerprint`).
        description: What it is, in words.
        remediation: What to do about it.
        image: Where in a container image it sits; None outside of images.
        stream: Of what a masker masked, the stream, such as `stdout`, which is the path, too. Then
            this stands for all that was masked of one name and form there, and the place is that of
            the first. Empty for what a scan has found.
        count: How many times it is there; a scan tells each place by itself.
        details: What the credential tells of itself without a network, such as when it expires, and
            in `also` the rules that found the same: names and short texts.
    """

    path: str
    line: int
    column: int
    offset: int
    name: str
    kind: str
    confidence: Confidence
    encoding: str
    fingerprint: str
    description: str
    remediation: str
    image: ImagePlace | None = None
    stream: str = ""
    count: int = 1
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """Something that was not searched, and why.

    Attributes:
        path: Origin, with `!` between an archive and its member.
        reason: A stable word such as `encrypted`, `damaged`, `unreadable` or `too-deep`.
        detail: One line for people; may be empty.
    """

    path: str
    reason: str
    detail: str = ""
