"""Name the parts of a value that may be seen alone: lines, leaves, passwords, decoded forms.

A value is split, and its parts are split again, by each function in one table. A part is a needle
of its own only if `policy` says so: no brace, field name, PEM header, address or short word that
logs are full of. One that is not says why. The value itself, without the blanks and quotes around
it, is the first part; those reveal nothing, and to mask them would join lines or break JSON.
"""

from __future__ import annotations

import json
import re
import unicodedata
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from leakguard.policy import (
    BLANK,
    LITTLE,
    NAME,
    PART_BITS,
    STRUCTURE,
    bare,
    is_token,
    is_uuid,
    names_public,
    names_secret,
    shown_key,
    tells,
    weakness,
    worthless,
)

PARTS = {
    "raw": "the value as it was given",
    "trimmed": "without the white space around it",
    "unquoted": "without the quotes around it",
    "joined": "with other blanks: its lines joined differently, a JSON document laid out anew",
    "line": "one of its lines",
    "leaf": "a string inside a JSON document, a dotenv or YAML file, a connection string",
    "password": "the password inside a URL, or of a pair of user and password",
    "decoded": "what is left when base64, hex, percent signs or backslashes are undone",
    "alike": "a UUID or hex number written differently, or another Unicode normal form",
}
_DEEPEST = 4
_LONGEST_PATH = 80
_FEWEST_LETTERS = 6


class Reach(IntEnum):
    """Which encoders a part is given to: none, those worth it for each line of a key, or all."""

    ALONE = 0
    LINE = 1
    ALL = 2


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a secret.

    Attributes:
        value: Its bytes.
        label: How it came to be: a key of `PARTS`.
        reach: Which encoders it is given to.
        is_sure: Whether it is a secret for another reason than its looks.
        reason: Why it is no needle itself, or None if it is one: a mere name may hold a password.
        key: Where it stood in the value, such as `db.password`; empty if nothing names it.
    """

    value: bytes = field(repr=False)
    label: str
    reach: Reach = Reach.ALL
    is_sure: bool = True
    reason: str | None = None
    key: str = ""

    @property
    def is_needle(self) -> bool:
        """Whether it is a secret itself."""
        return self.reason is None


_Splitter: TypeAlias = Callable[[bytes], Iterable[Part]]
_SPLITTERS: list[_Splitter] = []


def parts(value: bytes, *, min_length: int) -> list[Part]:
    """Return what may be seen alone, the value itself first; nothing if the value is weak."""
    return [part for part in judged(value, min_length=min_length) if part.is_needle]


def judged(value: bytes, *, min_length: int) -> list[Part]:
    """Return the parts of a value and also what was left out of them; the value itself first."""
    core = bare(value)
    if weakness(core, min_length=min_length):
        return []
    label = "raw" if core == value else "trimmed" if core == value.strip() else "unquoted"
    seen = {core: Part(core, label)}
    layer = list(seen.values())
    for _ in range(_DEEPEST):
        layer = [part for whole in layer for part in _split(whole, min_length, seen)]
    return list(seen.values())


def _split(whole: Part, min_length: int, seen: dict[bytes, Part]) -> Iterator[Part]:
    """Yield the new parts of `whole` that can be split again, and enter all of them into `seen`."""
    for split in _SPLITTERS if whole.reach is Reach.ALL else ():
        for found in split(whole.value):
            part = _placed(found if whole.is_sure else _doubted(found, whole), whole)
            known = seen.get(part.value)
            if known and (known.is_needle or not part.is_needle):
                continue
            weak = weakness(part.value, min_length=min_length)
            if weak == BLANK:
                continue
            seen[part.value] = replace(part, reason=part.reason or weak)
            if not weak:
                yield part


def _placed(part: Part, whole: Part) -> Part:
    """Return `part` with its place in the whole of the wholes."""
    return replace(part, key=_path(whole.key, part.key)) if whole.key else part


def _path(above: str, key: str) -> str:
    if not key or len(above) > _LONGEST_PATH:
        return above
    return f"{above}.{key}".removeprefix(".")


def _doubted(part: Part, whole: Part) -> Part:
    """Return `part` of something that may be a mere name: then so may be what it decodes to."""
    if part.label in {"leaf", "password"}:
        return part
    if whole.reason and part.reach is Reach.ALONE:
        return replace(part, is_sure=False, reason=whole.reason)  # the same, spelled differently
    reason = part.reason or worthless(part.value, keyed=False)
    return replace(part, is_sure=False, reason=reason)


def _splitter(function: _Splitter) -> _Splitter:
    """Enter the decorated function into the table."""
    _SPLITTERS.append(function)
    return function


@_splitter
def _joined(value: bytes) -> Iterator[Part]:
    """Lines go through `echo`, `tr`, `paste`, Windows and YAML, and come out joined differently."""
    lines = [line for row in value.splitlines() if (line := row.strip())]
    if len(lines) > 1:
        for joint in (b"\n", b"\r\n", b" ", b"", b"\n\n", b"\r\n\r\n", b"\\n", b"\\r\\n", b","):
            yield Part(joint.join(lines), "joined", Reach.ALONE)
    if len(words := value.split()) > 1:
        yield Part(b" ".join(words), "joined", Reach.ALONE)


@_splitter
def _document(value: bytes) -> Iterator[Part]:
    """The leaves of a JSON document; else the lines and fields of a text."""
    node = _parsed(value)
    if node is None:
        yield from _rows(value)
        return
    for spelling in _reserialized(node):
        if len(spelling) < 4 * len(value):  # Deep nesting indents without end.
            yield Part(spelling.encode("utf-8", "surrogatepass"), "joined", Reach.ALONE)
    yield from _leaves(node)


def _parsed(value: bytes) -> object:
    if value[:1] not in {b"{", b"["}:
        return None
    try:
        node: object = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return node


def _reserialized(node: object) -> Iterator[str]:
    try:
        for ascii_only in (False, True):
            yield json.dumps(node, ensure_ascii=ascii_only, separators=(",", ":"))
            for indent in (None, 2, 4):
                yield json.dumps(node, ensure_ascii=ascii_only, indent=indent)
    except RecursionError:
        return  # Nested deeper than any tool would print; its leaves are parts all the same.


def _leaves(document: object) -> Iterator[Part]:
    """Yield each string in a JSON value, and each number that a key above it calls secret."""
    # A stack, not recursion: a document may nest as deeply as the parser allows.
    stack = [(document, _Place())]
    while stack:
        node, place = stack.pop()
        if isinstance(node, str):
            yield _leaf(node.encode("utf-8", "surrogatepass"), place)
        elif isinstance(node, int | float) and not isinstance(node, bool) and place.keyed:
            yield _leaf(json.dumps(node).encode(), place)
        elif isinstance(node, list):
            listed = replace(place, path=f"{place.path}[]")
            stack += [(child, listed) for child in reversed(node)]
        elif isinstance(node, dict):
            stack += [(child, place.under(key)) for key, child in reversed(node.items())]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a leaf stands in a document, and whether a key above it says what it is."""

    path: str = ""
    keyed: bool = False
    public: bool = False

    def under(self, key: str) -> _Place:
        """Return the place of what stands under `key`."""
        public = names_public(key)
        keyed = names_secret(key) or (self.keyed and not public)
        return _Place(_path(self.path, shown_key(key)), keyed, public)


def _leaf(value: bytes, place: _Place) -> Part:
    core = bare(value)
    reason = worthless(core, keyed=place.keyed)
    if place.public and is_uuid(core):
        reason = NAME
    framed = core.strip(b"\"' ")
    if _STRUCTURE.fullmatch(framed) or not (place.keyed or _has_letters(framed)):
        reason = STRUCTURE
    return Part(core, "leaf", is_sure=place.keyed, reason=reason, key=place.path)


# `KEY=value`, `key: value`, `"key": "value",`, `export KEY=value`, `//host/:_authToken=value`
_FIELD = re.compile(
    rb"(?:export +|set +|- +)?[\"']?([A-Za-z_./@:][\w./@: -]{0,79}?)[\"']?"
    rb"(?: *:=? +| *=>? *(?!=))(\S.*?)[,;]?"
)
_STRUCTURE = re.compile(
    rb"-----[^-]*-----"
    rb"|(?:#[! ]|// |<!--|--+ ).*"
    rb"|\[[\w. :\"-]+\]|</?[\w:.-]+/?>|[\"']?[\w. -]+[\"']?:"
    rb"|.*[\s)][{(\[]"
)


def _rows(value: bytes) -> Iterator[Part]:
    """Yield the lines of a text; of a line that is a field, only the field's value."""
    rows = value.splitlines()
    for row in rows:
        line = row.strip(b" \t\r,;\"'\\")
        found = _FIELD.fullmatch(row.strip()) or _NETRC.fullmatch(line)
        if found and not is_token(found[1]):
            # One row of many fields is a connection string: `_pairs` knows those.
            if len(rows) > 1 or not _PAIR.search(found[2]):
                yield _leaf(found[2], _named(found[1]))
        elif len(rows) > 1:
            yield Part(line, "line", Reach.LINE, reason=_why_no_line(line))


def _named(key: bytes) -> _Place:
    """Return the place of the value of a field; what looks like a key may be half a password."""
    name = key.decode("latin-1")
    place = _Place().under(name)
    return place if place.keyed or place.public else replace(place, path="")


def _why_no_line(line: bytes) -> str | None:
    if _is_structure(line):
        return STRUCTURE
    return None if tells(line, PART_BITS) else LITTLE


def _is_structure(line: bytes) -> bool:
    """Tell whether a line only frames others: a brace, a tag, a comment, a PEM header."""
    return not _has_letters(line) or bool(_STRUCTURE.fullmatch(line))


def _has_letters(line: bytes) -> bool:
    return len(re.findall(rb"[0-9A-Za-z\x80-\xff]", line)) >= _FEWEST_LETTERS


_PAIR = re.compile(
    rb"([A-Za-z_][\w .-]{0,63}?)\s*=\s*(\"[^\"]*\"|'[^']*'|(?:(?!,\s*[\w .-]+=)[^;&\s])+)"
)
_ELEMENT = re.compile(rb"<([A-Za-z_][\w.:-]*)[^<>]*>([^<>]+)</")
_NETRC = re.compile(rb"\b(machine|login|account|password)\s+(\S+)")


@_splitter
def _pairs(value: bytes) -> Iterator[Part]:
    """Connection strings, query strings, attributes, XML elements, netrc files."""
    found: list[tuple[bytes, bytes]] = []
    if b"=" in value:
        found += _PAIR.findall(value)
    if b"</" in value:
        found += _ELEMENT.findall(value)
    if value.startswith(b"machine "):
        found += _NETRC.findall(value)
    for key, leaf in found:
        if (place := _named(key)).keyed:
            yield _leaf(leaf, place)


_USERINFO = re.compile(rb"://([^\s:/?#@]*)(?::([^\s/?#]*))?@")
# Not every tool insists that `/`, `?` and `#` are escaped in a password.
_LAX_USERINFO = re.compile(rb"[\w+.-]+://([^\s:/?#@]*):(\S+)@[^\s@/]+(?:/\S*)?")
# `user:password`, `user:password@host`, `user:password@tcp(host)/database`
_BASIC = re.compile(
    rb"([\w.+%-]{1,64}):(?!//|\d+[,:/]|\S*://)(\S+?)(?:@(?:[\w.-]+|\w+\([^)]*\))(?:[:/]\S*)?)?"
)
_PGPASS = re.compile(rb"(?m)^[^:\s]+:(?:\d+|\*):([^:\s]+):[^:\s]+:(\S+)$")


@_splitter
def _credentials(value: bytes) -> Iterator[Part]:
    """The password of each URL in it, of a pair of user and password, of a `.pgpass` line."""
    if b":" not in value:
        return
    found = _USERINFO.findall(value)
    if not found and (pair := _LAX_USERINFO.fullmatch(value) or _BASIC.fullmatch(value)):
        found = [pair.groups()]
    for user, password in found + _PGPASS.findall(value):
        yield Part(password, "password")
        is_secret = is_token(user) and tells(user, PART_BITS)
        yield Part(user, "password" if is_secret else "user", reason=None if is_secret else NAME)


_AUTHORIZATION = re.compile(
    rb"(?:(?:proxy-)?authorization: *)?(?:bearer|basic|token|apikey|negotiate) +(\S+)",
    re.IGNORECASE,
)


@_splitter
def _authorization(value: bytes) -> Iterator[Part]:
    """`Bearer` and its like are no part of the secret."""
    if found := _AUTHORIZATION.fullmatch(value):
        yield Part(found[1], "leaf")


@_splitter
def _unescaped(value: bytes) -> Iterator[Part]:
    r"""Registered in an escaped form, such as a key whose line ends are `\n`, but printed plain."""
    if b"%" in value and b"://" not in value:
        yield Part(unquote_to_bytes(value).strip(), "decoded")
    if b"\\" in value and b"\n" not in value:
        yield Part(_without_backslashes(value).strip(), "decoded")


def _without_backslashes(value: bytes) -> bytes:
    try:
        text: str = json.loads(b'"%b"' % value)
    except ValueError:
        return value.replace(b"\\r\\n", b"\n").replace(b"\\n", b"\n")
    return text.encode("utf-8", "surrogatepass")


_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{12,}|[A-Za-z0-9_-]{12,})={0,2}")
_BINARY_BASE64 = re.compile(rb"[+/]|.{22}=")
_HEX = re.compile(rb"(?:[0-9a-f]{2}){8,}|(?:[0-9A-F]{2}){8,}")
_URL_ALPHABET = bytes.maketrans(b"+/", b"-_")
_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")


@_splitter
def _decoded(value: bytes) -> Iterator[Part]:
    """Registered in base64 or hex, but printed by the program that decoded it."""
    text = b"".join(value.splitlines())
    if _HEX.fullmatch(text) and _is_text(plain := bytes.fromhex(text.decode())):
        yield Part(plain.strip(), "decoded")
    if not _BASE64.fullmatch(text):
        return
    digits = text.rstrip(b"=").translate(_STANDARD_ALPHABET)
    plain = b64decode(digits[: len(digits) - (len(digits) % 4 == 1)] + b"==")
    if _is_text(plain):
        yield Part(plain.strip(), "decoded")
    elif _BINARY_BASE64.search(text):
        yield from _respelled(plain, digits)


def _respelled(plain: bytes, digits: bytes) -> Iterator[Part]:
    """A binary key, if it is printed at all, is printed in hex or in the other alphabet."""
    hexadecimal = plain.hex().encode()
    url = digits.translate(_URL_ALPHABET)
    for form in (plain, hexadecimal, hexadecimal.upper(), digits, url):
        yield Part(form, "decoded", Reach.ALONE)


def _is_text(plain: bytes) -> bool:
    try:
        text = plain.decode()
    except UnicodeDecodeError:
        return False
    return text.translate({9: " ", 10: " ", 13: " "}).isprintable()


_UUID = re.compile(rb"\{?(\w{8})-?(\w{4})-?(\w{4})-?(\w{4})-?(\w{12})\}?")
_HEX_DIGITS = re.compile(rb"[0-9a-fA-F]+")


@_splitter
def _alike(value: bytes) -> Iterator[Part]:
    """The same number or the same text to those who compare it, though not the same bytes."""
    for form in (*_numbers(value), *_normal_forms(value)):
        yield Part(form, "alike", Reach.ALONE)


def _numbers(value: bytes) -> Iterator[bytes]:
    digits = value.strip(b"{}").replace(b"-", b"")
    if not _HEX_DIGITS.fullmatch(digits):
        return
    forms = [value] if _HEX.fullmatch(value) else []
    if found := _UUID.fullmatch(value):
        forms += [digits, b"-".join(found.groups())]
    for form in forms:
        yield from (form.lower(), form.upper())


def _normal_forms(value: bytes) -> Iterator[bytes]:
    if value.isascii():
        return
    text = value.decode("utf-8", "surrogateescape")
    for form in ("NFC", "NFD"):
        yield unicodedata.normalize(form, text).encode("utf-8", "surrogateescape")
