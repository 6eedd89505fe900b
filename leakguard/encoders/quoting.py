"""Encoders that quote for shells, regular expressions, SQL, string literals and their like.

A table says what becomes of a character, whatever stands beside it. Where a tool decides by its
neighbors, by the type of quotes around or by what else the string holds, there is a table for each
outcome.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakguard.encoders.markup import JSON_ASCII, JSON_PLAIN
from leakguard.encoders.parts import Reach
from leakguard.encoders.registry import Encoder, bytes_of, escape, text_of
from leakguard.encoders.styles import Style, Styles, backslashed

ENCODERS: list[Encoder] = []

_CONTROLS = frozenset(range(32)) | {127}
_BEYOND = frozenset(range(128, 256))
_MARKS = frozenset(b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_BLANKS = " \t"
_CONTROL_RUN = re.compile("[\x00-\x1f\x7f]+")
_QUOTE_RUN = re.compile("'+")
_NOT_WORD = re.compile(rb"[^A-Za-z0-9_]")


def _all_but(kept: bytes) -> str:
    return "".join(map(chr, sorted(_MARKS - frozenset(kept))))


_PRINTF_Q = _BLANKS + "!\"$&'()*,;<>?[\\]^`{|}"
_QUOTES = (
    {39: "'\\''"},  # bash, and most others
    {39: "'\"'\"'"},  # Python; dash, which puts quotes in a row between one pair
)
_SHELL = Styles.of(
    *_QUOTES,
    *map(
        backslashed,
        (
            _PRINTF_Q,
            _PRINTF_Q + "#~",
            _all_but(b"_-.,:+/@") + _BLANKS,  # Ruby, zsh
            '"$`\\',  # between double quotes
            '"$`\\!',
            "\"'\\",
            "'\\",
            "'",
            '"',
            " ",
        ),
    ),
)
_ANSI_C = {code: f"\\{code:03o}" for code in _CONTROLS} | dict(
    zip(
        b"\a\b\t\n\v\f\r\x1b'\\",
        ("\\a", "\\b", "\\t", "\\n", "\\v", "\\f", "\\r", "\\E", "\\'", "\\\\"),
        strict=True,
    )
)


@escape(ENCODERS, "shell", _CONTROLS | _BEYOND | (_MARKS - frozenset(b"_.-")) | {32}, Reach.ALL)
def _shell(text: str) -> Iterator[str]:
    """An argument, as `set -x`, `printf %q` and quoting libraries show it."""
    yield from _SHELL.spellings(text)
    yield _QUOTE_RUN.sub("'\"\\g<0>\"'", text)
    ansi = text.translate(_ANSI_C)
    yield from (ansi, _octal_beyond(ansi))
    yield _CONTROL_RUN.sub(_ansi_c_run, text.translate(_QUOTES[0]))
    if "'" in text:
        for table in _QUOTES:
            yield from (style(text).translate(table) for style in (JSON_PLAIN, JSON_ASCII))
            yield JSON_PLAIN(text.translate(table))


def _octal_beyond(text: str) -> str:
    """Return `text` with each byte that is not ASCII in octal, as a C locale has it."""
    if text.isascii():
        return text
    return "".join([f"\\{byte:03o}" if byte > 127 else chr(byte) for byte in bytes_of(text)])


def _ansi_c_run(run: re.Match[str]) -> str:
    """Return control characters as `ls` quotes them: alone, between two quoted pieces."""
    return f"'$'{run[0].translate(_ANSI_C)}''"


_REGEX = Styles.of(
    *map(
        backslashed,
        (
            "".join([char for char in map(chr, range(128)) if re.escape(char) != char]),
            _all_but(b"_") + " \t\n",  # Perl, and Python before 3.7
            _all_but(b"") + " \t\n",
            ".*+?^${}()|[]\\",  # JavaScript, Go, Java
            ".*+?^${}()|[]\\/",
            ".*+?^${}()|[]\\/-",
            ".\\+*?[^]$(){}=!<>|:-#/",  # PHP
            ".*[]^$\\",  # sed, grep
            ".*[]^$\\/",
            "\\/&",  # what sed puts in
        ),
    )
)


@escape(ENCODERS, "regex", _MARKS | _CONTROLS | _BEYOND | {32}, Reach.ALL)
def _regex(text: str) -> Iterator[str]:
    """A literal inside a regular expression."""
    yield from _REGEX.spellings(text)
    if not text.isascii():
        # Perl and old shells put a backslash before each byte that is no letter to them.
        yield text_of(_NOT_WORD.sub(rb"\\\g<0>", bytes_of(text)))


_DOUBLED = Styles.of(
    {39: "''"},  # SQL, YAML, PowerShell, workflow expressions
    {34: '""'},  # CSV, Visual Basic, PowerShell
    {36: "$$"},  # make, Compose, Jenkins
    {37: "%%"},  # printf, cmd, INI files
    {92: "\\\\"},
    {123: "{{", 125: "}}"},  # format strings
    backslashed("'\"\\") | {0: "\\0", 10: "\\n", 13: "\\r", 26: "\\Z"},  # MySQL
    backslashed(":=#!\\"),  # Java properties
    {124: "||", 39: "|'", 10: "|n", 13: "|r", 91: "|[", 93: "|]"},  # TeamCity
)


@escape(ENCODERS, "doubled", frozenset(b"'\"$%\\{}:=#!|[]\0\n\r\x1a"))
def _doubled(text: str) -> Iterator[str]:
    """A string of SQL, CSV, YAML, make, and formats that escape as they do."""
    return _DOUBLED.spellings(text)


_CARET = {ord(character): "^" + character for character in "&|<>^"}
_CARET_GROUP = _CARET | {40: "^(", 41: "^)"}
_WINDOWS = Styles.of(
    {96: "``", 34: '`"', 36: "`$", 10: "`n", 13: "`r", 9: "`t"},
    {96: "``", 34: '`"', 36: "`$"},
    {96: "``", 34: '`"', 36: "`$", 39: "`'"},
    {96: "``", 34: '""', 36: "`$"},
    _CARET,
    _CARET | {37: "%%"},
    _CARET | {37: "%%", 33: "^^!"},
    _CARET_GROUP,
    _CARET_GROUP | {34: '^"'},
    _CARET_GROUP | {34: '^"', 33: "^!", 37: "^%"},
)


@escape(ENCODERS, "windows", frozenset(b"`\"$'\n\r\t&|<>^()!%"), Reach.ALL)
def _windows(text: str) -> Iterator[str]:
    """An argument that PowerShell or cmd.exe escaped."""
    return _WINDOWS.spellings(text)


_C = {code: f"\\x{code:02x}" for code in _CONTROLS} | dict(
    zip(
        b'\a\b\t\n\v\f\r"\\',
        ("\\a", "\\b", "\\t", "\\n", "\\v", "\\f", "\\r", '\\"', "\\\\"),
        strict=True,
    )
)


@escape(ENCODERS, "literal", _CONTROLS | _BEYOND | frozenset(b"\"'\\$@"))
def _literal(text: str) -> Iterator[str]:
    """A string literal, as Python, Go, C, Ruby and JavaScript print one."""
    yield from _python_literals(text)
    yield text.translate(_C)
    yield Style(_C, "\\u%04x")(text)
    yield text.translate(_C | {0: "\\0", 27: "\\e"})
    yield text.translate(_C | {39: "\\'"})
    yield _octal_beyond(text.translate(_C | backslashed("$@")))  # Perl


def _python_literals(text: str) -> Iterator[str]:
    value = bytes_of(text)
    # Whether quotes are escaped depends on what else the string holds: all of them are, or none.
    both = "\"'"
    yield from (repr(both + text)[4:-1], ascii(both + text)[4:-1])
    yield repr(both.encode() + value)[5:-1]
    yield "'".join([repr(piece)[1:-1] for piece in text.split("'")])
    yield "'".join([ascii(piece)[1:-1] for piece in text.split("'")])
    yield "'".join([repr(piece)[2:-1] for piece in value.split(b"'")])
