"""Whether a value looks like a secret at all: no word, no placeholder, no name of what it is.

A value that only says what should stand in its place is broken; one that may be meant, such as a
word that somebody chose, is open; and what nobody writes by accident holds.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from types import MappingProxyType

from leakguard.checks.check import Check, Facts, Proof
from leakguard.checks.digits import decoded, unquoted

# What documentation and tests write for a password, in a row or joined.
_SAMPLE = re.compile(
    rb"(?>(?:pass(?:word|wd|code|phrase)?|p(?:ass)?w[d]?|secrets?|key|token|user(?:name)?|name|word|"
    rb"my|your|the|some|this|is|in|clear|foo|ba[rz]|qux|abc|hello|world|test(?:ing)?|guest|"
    rb"example|sample|dummy|value|string|change|me|here|goes|an?|x)+)"
)
_LONGEST_SAMPLE = 64
_NO_LETTERS = bytes(set(range(256)) - set(string.ascii_letters.encode()))
_CALLED = re.compile(rb"(?i)pass(?:word|wd|phrase)|passw0rd|secret|token")
# How people disguise a word that they were told not to use.
_DISGUISED = bytes.maketrans(b"@$043", b"asoae")
_LEAST, _LEAST_TOGETHER = 8, 4
# User names that are keys themselves, with nothing for a password, are no shorter.
_LEAST_KEY = 16

# Tokens that say where to go on, or that a request is the same as one before.
_PLACES = tuple(
    b"-next -page -paging -pagination -continue -continuation -starting -resume -resumption -sync "
    b"-change -input -output -idempotency -cursor -marker -delta -lock -version -client-request "
    b"-lifecycle-action".split()
)
_OPENINGS = (b'"', b"'", b"\\", b">")
_SEPARATED = re.compile(rb"(?s:(.*?))[=: \t>]{1,8}([^=: \t>]+={0,2})\Z")
_DIGITS_FIRST = re.compile(rb"[0-9].*[A-Za-z]")
_JOINED = re.compile(rb"[A-Z][a-z]{4,}[A-Z][a-z]{2}")
_BETWEEN = re.compile(rb"[^0-9A-Za-z]+")
_LONGEST_UNQUOTED = 300
_NAMING = re.compile(rb"[0-9A-Za-z_-]+")

# A name is made of words, each with a vowel; chance seldom has so many letters in a row.
_PIECE = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_VOWEL = re.compile(rb"(?i)[aeiouy]")
_NAME = re.compile(rb"[A-Za-z]+(?:[-._:/, ]{1,2}[A-Za-z]+)*[.:!?]?")
_WORD_LENGTH, _DRAWN_LENGTH = 3.5, 2.5


def _basic_auth(secret: bytes) -> Proof:
    """Return what the base64 of `user:password` proves, by its password, or by a key before it."""
    text = decoded(secret)
    user, colon, password = text.partition(b":")
    text.decode()
    printable = all(byte >= 0x20 and byte != 0x7F for byte in text)
    if not (printable and colon and len(user + password) >= _LEAST_TOGETHER):
        return Proof.BROKEN
    if len(password) <= 1:
        return Proof.HOLDS if len(user) >= _LEAST_KEY and _is_meant(user) else Proof.BROKEN
    return _password(password)


def _basic_auth_facts(secret: bytes) -> Facts:
    if _basic_auth(secret) is Proof.BROKEN:
        return {}
    user, _, password = decoded(secret).partition(b":")
    return {"user": user.decode()} if len(password) > 1 else {}


def _password(secret: bytes) -> Proof:
    """Return whether somebody seems to have meant this as a password, not as a word to replace."""
    text = unquoted(secret)
    if _is_sample(text):
        return Proof.BROKEN
    return Proof.HOLDS if _is_meant(text) else Proof.OPEN


def _is_sample(text: bytes) -> bool:
    """Return whether nothing but samples is left of a text without signs, and digits behind it."""
    if len(text) > _LONGEST_SAMPLE:
        return False
    word = text.rstrip(_NO_LETTERS).lower().translate(_DISGUISED)
    return _SAMPLE.fullmatch(word.translate(None, _NO_LETTERS)) is not None


def _is_meant(text: bytes) -> bool:
    """Return whether there is a digit beside letters or both cases within a word, and no name."""
    if _CALLED.search(text):
        return False
    letters, digits = re.search(rb"[A-Za-z]", text), re.search(rb"[0-9]", text)
    mixed = re.search(rb"[a-z][A-Z]|[A-Z]{2}[a-z]", text)
    return len(text) >= _LEAST and bool(letters and (digits or mixed))


def _assigned(text: bytes) -> bool:
    """Return whether what is assigned looks meant; in front of it are a name and a mark."""
    place = max(text.rfind(mark) for mark in _OPENINGS) + 1
    head, value = text[:place], text[place:]
    if value.endswith(b"...") or _is_place(head):
        return False
    return _is_meant(value) and not _is_sample(value) and not _is_name(value)


def _unquoted(text: bytes) -> bool:
    """Return whether what is assigned without quotes looks drawn: names of code stand so, too."""
    separated = _SEPARATED.search(text[-_LONGEST_UNQUOTED:])
    if separated is None or _is_place(separated[1]):
        return False
    value = unquoted(separated[2])
    return _is_meant(value) and not _is_sample(value) and _is_drawn(value)


def _is_drawn(value: bytes) -> bool:
    """Return whether digits and cases change as chance has it, and nothing in it is a word."""
    pieces = _PIECE.findall(value)
    changing = sum(map(len, pieces)) < _DRAWN_LENGTH * len(pieces)
    if not (changing or _DIGITS_FIRST.search(value)) or _JOINED.search(value):
        return False
    words = (piece for piece in _BETWEEN.split(value) if len(piece) > 3 and piece.isalpha())
    return not any(_is_name(word) for word in words)


def _is_place(head: bytes) -> bool:
    """Return whether a text ends with the name of a token that is a place in a list or the like."""
    called = _NAMING.findall(head)[-1:]
    name = b"".join(b"-%b" % word.lower() for each in called for word in _PIECE.findall(each))
    front, token, _ = name.rpartition(b"-token")
    return bool(token) and front.endswith(_PLACES)


def _is_name(text: bytes) -> bool:
    """Return whether a text is words: a class, a member of something, a sentence."""
    if not _NAME.fullmatch(text):
        return False
    pieces = _PIECE.findall(text)
    longer = [piece for piece in pieces if len(piece) > 2]
    long_enough = sum(map(len, pieces)) >= _WORD_LENGTH * len(pieces)
    return long_enough and all(_VOWEL.search(piece) for piece in longer)


def _mixed(secret: bytes) -> bool:
    """Return whether letters and digits both occur, as chance would have it in a random string."""
    return bool(re.search(rb"[A-Za-z]", secret) and re.search(rb"[0-9]", secret))


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "assigned-value": Check(_assigned),
        "basic-auth": Check(_basic_auth, _basic_auth_facts),
        "letters-and-digits": Check(_mixed),
        "password": Check(_password),
        "unquoted-value": Check(_unquoted),
    }
)
