r"""Encoders that escape for JSON, XML, HTML, URLs and mail.

Each tool escapes a few more characters than its format needs, and spells them its own way: one
entry in a table for each. What any of them writes, the format's own decoder undoes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import codepoint2name
from urllib.parse import quote_from_bytes

from leakguard.encoders.bases import base64_spellings, own_base64
from leakguard.encoders.parts import Reach
from leakguard.encoders.registry import Encoder, bytes_of, escape, text_of
from leakguard.encoders.styles import Style, Styles, distinct

ENCODERS: list[Encoder] = []

_CONTROLS = frozenset(range(32)) | {127}
_BEYOND = frozenset(range(128, 256))


def _json_table(coded: str = "", *, upper: bool = False, slash: bool = False) -> dict[int, str]:
    r"""Return what JSON makes of characters; those `coded` become `\uNNNN`."""
    code = "\\u{:04X}" if upper else "\\u{:04x}"
    coding = {byte: code.format(byte) for byte in (*range(32), *map(ord, coded))}
    short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}
    kept = {byte: text for byte, text in short.items() if chr(byte) not in coded}
    return coding | kept | ({47: "\\/"} if slash else {})


_LOWER, _UPPER = "\\u%04x", "\\u%04X"
JSON_PLAIN = Style(_json_table())
JSON_ASCII = Style(_json_table("\x7f"), _LOWER)
_JSON_GO = Style(_json_table("<>&\u2028\u2029"))
_JSON = Styles(
    JSON_PLAIN,
    JSON_ASCII,
    _JSON_GO,
    Style(_json_table("\x7f", upper=True), _UPPER),
    Style(_json_table(slash=True)),  # PHP
    Style(_json_table(slash=True), _LOWER),
    Style(_json_table("<>&'\"+`\x7f", upper=True), _UPPER),  # .NET
    Style(_json_table("<>&'\"")),  # Newtonsoft
    Style(_json_table("<>&'\"", upper=True, slash=True), _LOWER),  # PHP with JSON_HEX_*
    Style(_json_table("<>&='")),  # Gson
    Style(_json_table("<>&\x7f", upper=True), _LOWER),  # Django
)
_JSON_TOUCHED = _CONTROLS | _BEYOND | frozenset(b"\"\\/<>&'+`=")


@escape(ENCODERS, "json", _JSON_TOUCHED)
def _json(text: str) -> Iterator[str]:
    """A JSON string, as the libraries of many languages write it."""
    return _JSON.spellings(text)


@escape(ENCODERS, "json-2", _JSON_TOUCHED, Reach.ALL)
def _json_twice(text: str) -> Iterator[str]:
    """JSON inside JSON, as structured loggers and Docker write it."""
    return (outer(inner) for inner in _JSON.spellings(text) for outer in (JSON_PLAIN, _JSON_GO))


@escape(ENCODERS, "json-3", _JSON_TOUCHED, Reach.ALL)
def _json_thrice(text: str) -> Iterator[str]:
    """Three levels of JSON."""
    once = distinct(style(text) for style in (JSON_PLAIN, JSON_ASCII, _JSON_GO))
    twice = distinct(style(inner) for inner in once for style in (JSON_PLAIN, _JSON_GO))
    return map(JSON_PLAIN, twice)


@escape(ENCODERS, "base64-json", _JSON_TOUCHED, Reach.ALL)
def _base64_json(text: str) -> Iterator[str]:
    """Base64 of a JSON document that holds the value, as in a JWT or a Docker configuration."""
    for form in distinct(style(text) for style in (JSON_PLAIN, JSON_ASCII, _JSON_GO)):
        yield from map(text_of, base64_spellings(own_base64(bytes_of(form))))


_TAGS = {38: "&amp;", 60: "&lt;"}
_TEXT = _TAGS | {62: "&gt;"}
_QUOTED = _TEXT | {34: "&quot;"}
_NAMED = {code: f"&{name};" for code, name in codepoint2name.items() if code > 127}
_XML = Styles.of(
    _TAGS,
    _TEXT,
    _QUOTED,
    _TAGS | {34: "&quot;"},
    _QUOTED | {39: "&#x27;"},  # Python
    _QUOTED | {39: "&#39;"},  # Ruby, JavaScript
    _QUOTED | {39: "&apos;"},
    _QUOTED | {39: "&#039;"},  # PHP
    _TEXT | {34: "&#34;", 39: "&#39;"},  # Go, Jinja
    _TEXT | {34: "&#34;", 39: "&#39;", 43: "&#43;"},  # Go's html/template
    _QUOTED | {9: "&#9;", 10: "&#10;", 13: "&#13;"},
    _QUOTED | {9: "&#x9;", 10: "&#xA;", 13: "&#xD;"},
    _QUOTED | {9: "&#09;", 10: "&#10;", 13: "&#13;"},
    _TEXT | {9: "&#9;", 10: "&#10;", 13: "&#13;"},
    _QUOTED | {13: "&#13;"},
)
_XML_BEYOND = Styles(
    *(
        Style(table, code)
        for table in (_TEXT, _QUOTED, _QUOTED | {39: "&#39;"})
        for code in ("&#%d;", "&#x%x;", "&#x%X;")
    )
)
_XML_TOUCHED = frozenset(b"&<>\"'+\t\r\n") | _BEYOND


@escape(ENCODERS, "xml", _XML_TOUCHED)
def _xml(text: str) -> Iterator[str]:
    """Text or an attribute of XML or HTML."""
    yield from _XML.spellings(text)
    if not text.isascii():
        yield text.translate(_QUOTED | _NAMED)
        yield from _XML_BEYOND.spellings(text)


@escape(ENCODERS, "xml-2", _XML_TOUCHED | _JSON_TOUCHED, Reach.ALL)
def _xml_twice(text: str) -> Iterator[str]:
    """Markup inside markup, and JSON inside markup, as in reports of what a test printed."""
    inner = distinct((*_xml(text), JSON_PLAIN(text), JSON_ASCII(text)))
    return (form.translate(outer) for form in inner for outer in (_TEXT, _QUOTED))


_PERCENT_SAFE = (
    "",  # RFC 3986
    "/",  # Python
    "!*'()",  # encodeURIComponent
    ";,/?:@&=+$!*'()#",  # encodeURI
    "$&+=:@",  # a segment of a path, in Go
    "$&+,/:;=@",  # a path, in Go
    "$&+,;=",  # user and password, in Go
    "!$&'()*+,;=",  # user and password, in RFC 3986
    "!$&'()*+,;=:@/",  # a path, in RFC 3986
    "!#$%&'()*+,/:;=?@[]",  # Python's requests
    "!$%&'()*+,/:;=@[\\]^|",  # a path, a query and a password, in browsers
    "!$%&()*+,/:;=?@[\\]^`{|}",
    "!$%&'()*+,",
)
_PERCENT_CODE = re.compile("%[0-9A-F]{2}")
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_PERCENT_TOUCHED = frozenset(range(256)) - _WORD
_COMMAND = {37: "%25", 10: "%0A", 13: "%0D"}


@escape(ENCODERS, "percent", _PERCENT_TOUCHED, Reach.ALL)
def _percent(text: str) -> Iterator[str]:
    """A part of a URL, of a form, or of a workflow command."""
    for form in distinct(_percent_upper(bytes_of(text))):
        yield form
        yield _lower(form)
    yield text.translate(_COMMAND)
    yield text.translate(_COMMAND | {37: "%AZP25"})


def _percent_upper(value: bytes) -> Iterator[str]:
    # Sets that keep the same of this value's characters give the same form.
    kept = {"".join([mark for mark in safe if ord(mark) in value]) for safe in _PERCENT_SAFE}
    for safe in sorted(kept):
        yield quote_from_bytes(value, safe)
    for safe in (" ", " *"):
        form = quote_from_bytes(value, safe).replace(" ", "+")
        yield from (form, form.replace("~", "%7E"))


def _lower(form: str) -> str:
    return _PERCENT_CODE.sub(lambda code: code[0].lower(), form)


@escape(ENCODERS, "percent-2", _PERCENT_TOUCHED, Reach.ALL)
def _percent_twice(text: str) -> Iterator[str]:
    """A URL inside a URL, and JSON inside one."""
    for safe in ("", "/", "!*'()"):
        once = quote_from_bytes(bytes_of(text), safe)
        yield once.replace("%", "%25")
        yield _lower(once).replace("%", "%25")
    for style in (JSON_PLAIN, JSON_ASCII):
        yield quote_from_bytes(bytes_of(style(text)), "")


@escape(ENCODERS, "quoted-printable", _BEYOND | _CONTROLS | {61}, Reach.ALL)
def _quoted_printable(text: str) -> Iterator[str]:
    """Quoted-printable text of a mail."""
    kept = (_WORD | frozenset(range(32, 127))) - {61}
    yield "".join([chr(byte) if byte in kept else f"={byte:02X}" for byte in bytes_of(text)])
