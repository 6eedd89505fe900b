"""Find in a stream the commands by which a job registers a secret with its CI system.

GitHub Actions takes a line `::add-mask::VALUE`, white space in front allowed, and
`##[add-mask]VALUE`; Azure Pipelines takes `##vso[task.setsecret]VALUE` and
`##vso[task.setvariable …issecret=true]VALUE` anywhere in a line. Only bytes that may still become a
command are held, a bounded number of them, and how the stream was cut does not show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# A longer value is taken as far as this, and the rest of its line is dropped.
_LONGEST = 64 * 1024

_ADD_MASK = b"::add-mask"
_HASHED = (b"##[add-mask]", b"##vso[task.setsecret]", b"##vso[task.setvariable ")

_COMMAND = re.compile(
    rb"(?:(?<=[\r\n])[ \t]{0,64}::add-mask(?: [^:\r\n]{0,256})?::"
    rb"|##\[add-mask\]"
    rb"|(?P<azure>##vso\[task\.(?:setsecret"
    rb"|setvariable (?=[^\]\r\n]{0,512}issecret=true)[^\]\r\n]{0,512})\]))",
    re.IGNORECASE,
)
_LINE_END = re.compile(rb"\r\n?|\n")


def _beginnings(literal: bytes) -> bytes:
    return b"|".join(re.escape(literal[:length]) for length in range(1, len(literal) + 1))


# What the end of the text at hand looks like when a command may have begun in it.
_BEGUN = re.compile(
    rb"(?:(?<=[\r\n])[ \t]{0,64}(?:"
    + _beginnings(_ADD_MASK)
    + rb"|::add-mask(?::| [^:\r\n]{0,256}:?))?|"
    + b"|".join(map(_beginnings, _HASHED))
    + rb"|##vso\[task\.setvariable [^\]\r\n]{0,512})\Z",
    re.IGNORECASE,
)
_BEGUN_WITHIN = 700  # bytes from the end in which such a beginning must begin

_GITHUB_ESCAPES = ((b"%0D", b"\r"), (b"%0A", b"\n"), (b"%25", b"%"))
_AZURE_ESCAPES = (
    (b"%3B", b";"),
    (b"%0D", b"\r"),
    (b"%0A", b"\n"),
    (b"%5D", b"]"),
    (b"%AZP25", b"%"),
)


@dataclass(frozen=True, slots=True)
class Registration:
    """A command of the stream: a value to protect from here on.

    Attributes:
        value: The value, its escapes undone.
        line: The command as it came, with its line end.
    """

    value: bytes = field(repr=False)
    line: bytes = field(repr=False)


class Commands:
    """Takes a stream apart into plain text and commands."""

    def __init__(self) -> None:
        self._before = b"\n"  # the byte in front of `_text`: a stream begins at the start of a line
        self._text = b""
        self._dropping = False

    @property
    def held(self) -> int:
        """How many bytes are held back."""
        return len(self._text)

    def feed(self, data: bytes) -> Iterator[bytes | Registration]:
        """Take the next bytes; yield what they complete, in order."""
        self._text += data
        yield from self._parts(final=False)

    def flush(self) -> Iterator[bytes | Registration]:
        """Yield the rest: the stream ends here."""
        yield from self._parts(final=True)

    def idle(self) -> bytes:
        """Return what is held if it is too short to tell anything: the stream has fallen silent."""
        return self._left(len(self._text)) if len(self._text) <= len(b"::a") else b""

    def _parts(self, *, final: bool) -> Iterator[bytes | Registration]:
        while True:
            if self._dropping and not self._drop():
                return
            command = _COMMAND.search(self._before + self._text)
            # What began earlier and may become a command takes the later one as its own text.
            if command is None or (not final and self._begun() < command.start() - 1):
                break
            if text := self._left(command.start() - 1):
                yield text
            registration = self._taken(command, final=final)
            if registration is None:
                return
            yield registration
        limit = len(self._text) if final else self._begun()
        if text := self._left(limit):
            yield text

    def _taken(self, command: re.Match[bytes], *, final: bool) -> Registration | None:
        """Return the command that `_text` begins with, or None while its line has not ended."""
        head = command.end() - command.start()
        end = _LINE_END.search(self._text, head)
        whole = end is not None and (final or end.end() < len(self._text) or end[0] != b"\r")
        if not whole and not final and len(self._text) <= _LONGEST:
            return None
        stop = end.start() if end else min(len(self._text), _LONGEST)
        self._dropping = end is None and not final
        escapes = _AZURE_ESCAPES if command["azure"] else _GITHUB_ESCAPES
        value = _unescaped(self._text[head:stop], escapes)
        return Registration(value, self._left(end.end() if end else len(self._text)))

    def _drop(self) -> bool:
        """Drop the rest of a line that is too long; return whether its end has come."""
        end = _LINE_END.search(self._text)
        self._left(end.end() if end else len(self._text))
        self._dropping = end is None
        return end is not None

    def _begun(self) -> int:
        """Return up to where the text can be no part of a command."""
        text = self._before + self._text
        begun = _BEGUN.search(text, max(0, len(text) - _BEGUN_WITHIN))
        return begun.start() - 1 if begun else len(self._text)

    def _left(self, length: int) -> bytes:
        """Take `length` bytes off the front of what is held, and return them."""
        left, self._text = self._text[:length], self._text[length:]
        self._before = left[-1:] or self._before
        return left


def _unescaped(value: bytes, escapes: tuple[tuple[bytes, bytes], ...]) -> bytes:
    for escaped, plain in escapes:
        value = value.replace(escaped, plain)
    return value
