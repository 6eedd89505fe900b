"""Whether a value looks like a secret at all: no word, no placeholder, no name of what it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from leakguard.checks.check import Check, Facts
from leakguard.checks.digits import decoded

# What documentation writes for a password.
_SAMPLE = re.compile(
    rb"(?i)(?:pass(?:word|wd)?|secret|foo|bar|baz|hello|world|test|user(?:name)?|guest|example|x+)\d*"
)


def _basic_auth(secret: bytes) -> bool:
    """Return whether it decodes to printable text of the form `user:password`."""
    text = decoded(secret)
    user, colon, password = text.partition(b":")
    text.decode()
    printable = all(byte >= 0x20 and byte != 0x7F for byte in text)
    if not (printable and colon and password) or _SAMPLE.fullmatch(password):
        return False
    return len(user + password) >= 4


def _basic_auth_facts(secret: bytes) -> Facts:
    return {"user": decoded(secret).partition(b":")[0].decode()} if _basic_auth(secret) else {}


def _password(secret: bytes) -> bool:
    """Return whether somebody seems to have meant this as a password, not as a word to replace.

    At least eight bytes, a digit beside letters or both cases within a word, and not called one.
    """
    if re.search(rb"(?i)pass(?:word|wd|phrase)|passw0rd|secret|token", secret):
        return False
    letters, digits = re.search(rb"[A-Za-z]", secret), re.search(rb"[0-9]", secret)
    mixed = re.search(rb"[a-z][A-Z]|[A-Z]{2}[a-z]", secret)
    return len(secret) >= 8 and bool(letters and (digits or mixed))


def _mixed(secret: bytes) -> bool:
    """Return whether letters and digits both occur, as chance would have it in a random string."""
    return bool(re.search(rb"[A-Za-z]", secret) and re.search(rb"[0-9]", secret))


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "basic-auth": Check(_basic_auth, _basic_auth_facts),
        "letters-and-digits": Check(_mixed),
        "password": Check(_password),
    }
)
