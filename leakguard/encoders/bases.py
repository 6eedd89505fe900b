"""Encoders that write bytes in another base or another width: base64, base32, hex, UTF-16.

What comes before the value shifts base64 and base32, so that a foreign byte shares a character with
the value's first or last. Only the characters between those are a needle; what is left of the value
beside it is at most four bits at each end of each layer.
"""

from __future__ import annotations

from base64 import b32encode
from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote_from_bytes, unquote_to_bytes

from leakguard.encoders.parts import Reach
from leakguard.encoders.registry import Encoder, Forms, encoder, text_of

ENCODERS: list[Encoder] = []

# Beyond this, nobody spells a value byte by byte, and doing so would cost many times its size.
_LONGEST_SPELLED = 1024
# Where, behind 0, 1, 2 ... foreign bytes, the first character lies that is the value's own.
_BASE64_STARTS = (0, 2, 3)
_BASE32_STARTS = (0, 2, 4, 5, 7)
_URL_ALPHABET = bytes.maketrans(b"+/", b"-_")
_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
_OCTAL = tuple(b"\\%03o" % byte for byte in range(256))


def own_base64(value: bytes) -> Iterator[bytes]:
    """Yield, for each alignment, the base64 characters that `value` alone decides."""
    for lead, start in enumerate(_BASE64_STARTS):
        text = b2a_base64(bytes(lead) + value, newline=False)
        yield text[start : (lead + len(value)) * 8 // 6]


@lru_cache(4)  # needles and traces ask for the same, one behind the other
def own_base32(value: bytes) -> tuple[bytes, ...]:
    """Return, for each alignment, the base32 characters that `value` alone decides."""
    return tuple(
        b32encode(bytes(lead) + value)[start : (lead + len(value)) * 8 // 5]
        for lead, start in enumerate(_BASE32_STARTS)
    )


class Spills:
    """Tells of the base64 forms of a value where digits beside them tell bits of it, too."""

    def __init__(self, value: bytes) -> None:
        self._value = value
        self._own = tuple(own_base64(value))

    def of(self, form: bytes) -> tuple[bool, bool]:
        """Return whether the digits in front of `form` and behind it do."""
        digits = form
        if not form.isalnum():
            plain = form.replace(b"\\/", b"/").replace(b"\\u002B", b"+")
            digits = unquote_to_bytes(plain).translate(_STANDARD_ALPHABET)
        for lead, text in enumerate(self._own):
            if digits.startswith(text):
                return lead > 0, digits == text and (lead + len(self._value)) % 3 > 0
        return True, not digits.endswith(b"=")


def base64_spellings(texts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield base64 text as is, in the URL alphabet, and as JSON and URLs write `+` and `/`."""
    for text in texts:
        yield text
        if b"+" in text or b"/" in text:
            yield text.translate(_URL_ALPHABET)
            yield text.replace(b"/", b"\\/")
            yield text.replace(b"+", b"\\u002B")
            quoted = quote_from_bytes(text, "").encode()
            yield quoted
            yield quoted.replace(b"%2B", b"%2b").replace(b"%2F", b"%2f").replace(b"%3D", b"%3d")


@encoder(ENCODERS, "base64")
def _base64(value: bytes) -> Forms:
    """Base64 at any offset, in both alphabets, also with the line feed that `echo` adds."""
    return base64_spellings(_base64_endings(value))


def _base64_endings(value: bytes) -> Iterator[bytes]:
    """Yield base64 that goes on, that ends with the value, and that ends with a line feed."""
    for lead, start in enumerate(_BASE64_STARTS):
        text = b2a_base64(bytes(lead) + value, newline=False)
        yield text[start : (lead + len(value)) * 8 // 6]
        yield text[start:]
        yield b2a_base64(bytes(lead) + value + b"\n", newline=False)[start:]


@encoder(ENCODERS, "base64-wrapped", Reach.ALL)
def _base64_wrapped(value: bytes) -> Forms:
    """Base64 of the value from its start, in lines of 76 or 64 characters."""
    text = next(own_base64(value))
    for width in (76, 64):
        rows = [text[at : at + width] for at in range(0, len(text), width)]
        if len(rows) > 1:
            yield from (joint.join(rows) for joint in (b"\n", b"\r\n", b"\\n", b"\\r\\n"))


@encoder(ENCODERS, "base64-base64", Reach.ALL)
def _base64_base64(value: bytes) -> Forms:
    """Base64 of base64, as Kubernetes makes of a value that was encoded before."""
    for inner in own_base64(value):
        yield from own_base64(inner)
        if b"+" in inner or b"/" in inner:
            yield from own_base64(inner.translate(_URL_ALPHABET))


@encoder(ENCODERS, "base64-utf16", Reach.ALL)
def _base64_utf16(value: bytes) -> Forms:
    """Base64 of UTF-16, as PowerShell's `-EncodedCommand` takes it."""
    return base64_spellings(own_base64(_wide(value).encode("utf-16-le", "surrogatepass")))


@encoder(ENCODERS, "base32", Reach.ALL)
def _base32(value: bytes) -> Forms:
    """Base32 at any offset."""
    return own_base32(value)


@encoder(ENCODERS, "utf-16")
def _utf16(value: bytes) -> Forms:
    """UTF-16, in both byte orders."""
    text = _wide(value)
    return text.encode("utf-16-le", "surrogatepass"), text.encode("utf-16-be", "surrogatepass")


@encoder(ENCODERS, "hex", Reach.ALL)
def _hex(value: bytes) -> Forms:
    """Hexadecimal digits, in both cases."""
    digits = value.hex().encode()
    return digits, digits.upper()


@encoder(ENCODERS, "hex-bytes", Reach.ALL, _LONGEST_SPELLED)
def _hex_bytes(value: bytes) -> Forms:
    """Hexadecimal bytes apart from each other, as in fingerprints, dumps and C sources."""
    spaced = value.hex(" ").encode()
    for digits in (spaced, spaced.upper()):
        yield from (digits, digits.replace(b" ", b":"), digits.replace(b" ", b"-"))
        yield b"0x" + digits.replace(b" ", b", 0x")
    for joint in (b",0x", b" 0x"):
        yield b"0x" + spaced.replace(b" ", joint)


@encoder(ENCODERS, "decimal-bytes", Reach.ALL, _LONGEST_SPELLED)
def _decimal_bytes(value: bytes) -> Forms:
    """Bytes as decimal numbers, as a list of bytes is printed."""
    numbers = " ".join(map(str, value)).encode()
    return numbers.replace(b" ", b", "), numbers.replace(b" ", b","), numbers


@encoder(ENCODERS, "spelled", Reach.ALL, _LONGEST_SPELLED)
def _spelled(value: bytes) -> Forms:
    r"""Every character escaped, as `\xNN`, `%NN`, `\ooo`, `\uNNNN`, `&#NN;` or `&#xNN;`."""
    text = _wide(value)
    pairs = value.hex(" ").encode()
    units = text.encode("utf-16-be", "surrogatepass").hex(" ", 2).encode()
    for mark, digits in ((b"\\x", pairs), (b"%", pairs), (b"\\u", units)):
        for cased in (digits, digits.upper()):
            yield mark + cased.replace(b" ", mark)
    yield b"".join(map(_OCTAL.__getitem__, value))
    points = value if value.isascii() else list(map(ord, text))
    yield f"&#{';&#'.join(map(str, points))};".encode()
    yield b"\\u{%b}" % b"}\\u{".join(b"%x" % point for point in points)
    numbers = ";&#x".join(map("%x".__mod__, points))
    yield f"&#x{numbers};".encode()
    yield f"&#x{numbers.upper().replace('X', 'x')};".encode()


def _wide(value: bytes) -> str:
    """Return `value` as text; what is not UTF-8 is widened byte by byte, as Latin-1 is."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@encoder(ENCODERS, "charset", Reach.ALL)
def _charset(value: bytes) -> Forms:
    """Another character set, or question marks where the console has none for a character."""
    if value.isascii():
        return
    for code_page in ("latin-1", "cp1252", "cp850", "cp437", "ascii"):
        encoded = text_of(value).encode(code_page, "replace")
        # What is mostly question marks would match where there is no secret.
        if encoded.count(b"?") * 2 < len(encoded):
            yield encoded
    for code_page in ("latin-1", "cp1252"):
        yield value.decode(code_page, "replace").encode()  # read wrongly, and written again
