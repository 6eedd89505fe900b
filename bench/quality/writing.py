"""Templates of credentials, written out with random characters: another one for each chance.

`<alphabet:N>` or `<alphabet:N-M>` draws characters, `<check:NAME>` ends the token so that its
checksum holds, and `<maker:ARGUMENT>` is anything that a function makes. Inside an argument the
same is written with square brackets. `<lt>` is a `<`, and a pilcrow a line feed.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from random import Random
from typing import TypeAlias

from leakguard.checks import COMPLETIONS

Maker: TypeAlias = Callable[[Random, str], str]

_LOWER, _UPPER, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
_BASE62 = _DIGITS + _UPPER + _LOWER
ALPHABETS: Mapping[str, str] = {
    "digits": _DIGITS,
    "letters": _UPPER + _LOWER,
    "hex": _DIGITS + "abcdef",
    "upper-hex": _DIGITS + "ABCDEF",
    "base32": _UPPER + "234567",
    "base32-lower": _LOWER + "234567",
    "base32-ulid": "0123456789ABCDEFGHJKMNPQRSTVWXYZ",
    "bech32": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "bech32-lower": "qpzry9x8gf2tvdw0s3jn54khce6mua7l",
    "base36": _DIGITS + _LOWER,
    "upper36": _DIGITS + _UPPER,
    "base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "base62": _BASE62,
    "base64": _BASE62 + "+/",
    "base64url": _BASE62 + "-_",
    "crypt": "./" + _BASE62,
    "django": _LOWER + _DIGITS + "!@#$%^&*(-_=+)",
    "entra": _BASE62 + "._~-",
    "hcp": _BASE62 + "._~-",
    "owner": "AIQY",
    "month": "ABCDEFGHIJKL",
    "xy": "XY",
}
_DIRECTIVE = re.compile(r"<(?P<name>[a-z0-9-]+)(?::(?P<argument>[^>]*))?>")
_NESTED = re.compile(r"\[([a-z0-9-]+:[^\[\]]*)\]")
# A token that a checksum belongs to begins behind one of these.
_BEFORE_TOKEN = re.compile(r"[\s\"']")
_MAKERS: dict[str, Maker] = {}


def maker(name: str) -> Callable[[Maker], Maker]:
    """Return a decorator that makes a function known to templates."""

    def known(function: Maker) -> Maker:
        _MAKERS[name] = function
        return function

    return known


def written(template: str, chance: Random) -> str:
    """Return `template` written out.

    Raises:
        ValueError: If a directive is not known, or nothing can make a checksum hold.
    """
    text, place = "", 0
    for directive in _DIRECTIVE.finditer(template):
        text += template[place : directive.start()]
        argument = nested(directive["argument"] or "", chance)
        text += _made(directive["name"], argument, text, chance)
        place = directive.end()
    return (text + template[place:]).replace("¶", "\n")


def nested(argument: str, chance: Random) -> str:
    """Return the argument of a directive with the directives in it written out."""
    return _NESTED.sub(lambda inner: written(f"<{inner[1]}>", chance), argument)


def drawn(alphabet: str, count: int, chance: Random) -> str:
    """Return `count` characters of an alphabet."""
    return "".join(chance.choices(ALPHABETS[alphabet], k=count))


def _made(name: str, argument: str, text: str, chance: Random) -> str:
    if name == "lt":
        return "<"
    if name == "check":
        return _completed(_BEFORE_TOKEN.split(text)[-1], argument)
    if name in ALPHABETS:
        least, _, most = argument.partition("-")
        return drawn(name, chance.randint(int(least), int(most or least)), chance)
    if name not in _MAKERS:
        raise ValueError(f"nothing makes '{name}'")
    return _MAKERS[name](chance, argument)


def _completed(token: str, check: str) -> str:
    digits = COMPLETIONS[check](token.encode())
    if not digits:
        raise ValueError(f"nothing ends this so that '{check}' holds")
    return digits.decode()


@maker("uuid")
def _uuid(chance: Random, _: str) -> str:
    return str(uuid.UUID(bytes=chance.randbytes(16), version=4))
