"""Writes a rule's examples out: templates in, texts that look like tokens out, at run time only.

The same template gives the same text at every run, so that an example that holds once holds always.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from leakguard.checks import COMPLETIONS

ALPHABETS: Mapping[str, bytes] = MappingProxyType(
    {
        "bytes": bytes(range(256)),
        "digits": b"0123456789",
        "hex": b"0123456789abcdef",
        "upper-hex": b"0123456789ABCDEF",
        "letters": b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "base32": b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "base32-lower": b"abcdefghijklmnopqrstuvwxyz234567",
        "bech32": b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
        "upper36": b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "base36": b"0123456789abcdefghijklmnopqrstuvwxyz",
        "base62": b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "base64": b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "base64url": b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    }
)
"""The alphabets that examples draw from."""

_DIRECTIVE = re.compile(
    rb"<(<|secret>|/secret>|check>|=(?P<bytes>(?:[0-9a-f]{2}){1,64})>|(?P<alphabet>[a-z0-9-]+):(?P<count>[0-9]{1,4})>)"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A template written out.

    Attributes:
        text: What it says.
        start: Offset of its secret.
        end: Offset behind its secret.
    """

    text: bytes = field(repr=False)
    start: int
    end: int


def sample(template: bytes, *, seed: str, check: str, preface: int = 0) -> Sample:
    """Return `template` written out.

    Args:
        template: See `leakguard.rules`.
        seed: Decides which characters are drawn.
        check: Name of the check that `<check>` is to satisfy.
        preface: Bytes in front of the secret that the check sees, too.

    Raises:
        ValueError: If a directive is not known, or `<check>` cannot be satisfied.
    """
    text, marks, place = b"", [], 0
    while (at := template.find(b"<", place)) >= 0:
        text += template[place:at]
        directive = _DIRECTIVE.match(template, at)
        if directive is None:
            raise ValueError("a '<' begins nothing that is known; for the character write '<<'")
        if directive[1] in (b"secret>", b"/secret>"):
            marks.append(len(text))
        text += _written(directive, text[max(0, marks[0] - preface) if marks else 0 :], seed, check)
        place = directive.end()
    text += template[place:]
    if len(marks) not in (0, 2):
        raise ValueError("it needs one <secret> and one </secret>, or neither")
    start, end = marks or (0, len(text))
    return Sample(text, start, end)


def _written(directive: re.Match[bytes], secret: bytes, seed: str, check: str) -> bytes:
    if directive["alphabet"]:
        place = f"{seed}:{directive.start()}"
        return _drawn(directive["alphabet"].decode(), int(directive["count"]), place)
    if directive["bytes"]:
        return bytes.fromhex(directive["bytes"].decode())
    if directive[0] == b"<check>":
        return _completed(secret, check)
    return b"<" if directive[0] == b"<<" else b""


def _drawn(alphabet: str, count: int, seed: str) -> bytes:
    if alphabet not in ALPHABETS:
        raise ValueError(f"there is no alphabet '{alphabet}'; there are {', '.join(ALPHABETS)}")
    letters = ALPHABETS[alphabet]
    draws = hashlib.shake_256(seed.encode()).digest(count)
    return bytes(letters[draw % len(letters)] for draw in draws)


def _completed(secret: bytes, check: str) -> bytes:
    complete = COMPLETIONS.get(check)
    written = complete(secret) if complete else b""
    if not written:
        raise ValueError(
            f"<check> cannot be made for the check '{check}' from what stands before it"
        )
    return written
