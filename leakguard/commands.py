"""Find in a stream the commands by which a job registers a secret with its CI system.

A command is a line, blanks in front of it allowed: `::add-mask::VALUE` and `##[add-mask]VALUE` as
GitHub's runner reads them, `##vso[task.setsecret]VALUE` and `##vso[task.setvariable …]VALUE` with
`issecret=true` as Azure's agent does. Whole lines are taken out and nothing else, so that what is
left joins to no command. A host CI that takes commands itself still gets its own, as they came, but
only where it is certain to obey: what it does not obey it prints. Only bytes that may still become
a command are held, a bounded number of them, and how the stream was cut does not show.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

# A longer line is taken as far as this, and the value with it.
_LONGEST = 64 * 1024
# More blanks than these leave before it is known what they stand in front of.
_LONGEST_LEAD = 256
_LONGEST_TOKEN = 256
# So few bytes tell nothing, and a prompt may end in them.
_HARMLESS = 3

# White space as .NET's `String.TrimStart` has it, but for line ends.
_BLANK = (
    rb"(?:[\t\x0b\x0c ]|\xc2[\x85\xa0]|\xe1\x9a\x80"
    rb"|\xe2(?:\x80[\x80-\x8a\xa8\xa9\xaf]|\x81\x9f)|\xe3\x80\x80)"
)
_BEGUN_BLANK = rb"(?:\xc2|\xe1\x9a?|\xe2[\x80\x81]?|\xe3\x80?)"
_MARK = b"\xef\xbb\xbf"  # what some editors and shells begin a text with
_LEAD = rb"(?>(?:\xef\xbb\xbf)?)" + _BLANK + rb"*+"
_LEADING = re.compile(_LEAD)
_OPENING = re.compile(_LEAD + rb"(?:::|##)")
_NEXT_OPENING = re.compile(rb"[\r\n](?=" + _LEAD + rb"(?:::|##))")
_BEGUN_OPENING = re.compile(rb"\xef\xbb?|" + _LEAD + rb"(?:" + _BEGUN_BLANK + rb"|:|#)?")
_LINE_END = re.compile(rb"[\r\n]")

_REGISTERING = (
    b"::add-mask",
    b"##[add-mask",
    b"##vso[task.setsecret",
    b"##vso[task.setvariable",
)
_STOP = b"::stop-commands"
_AZURE_PREFIX = b"##vso["
_OLD_STOP = re.compile(rb"##\[stop-commands", re.IGNORECASE)
_TRUE = {b"true", b"1", b"$true"}

# What the cut at the longest length may have left of an escape.
_CUT_ESCAPE = re.compile(rb"%[0-9A-Za-z]{0,5}\Z")

_Escapes: TypeAlias = tuple[tuple[bytes, bytes], ...]
_ESCAPES: _Escapes = ((b"%0D", b"\r"), (b"%0A", b"\n"), (b"%25", b"%"))
_OLD_ESCAPES: _Escapes = ((b"%3B", b";"), (b"%5D", b"]"), *_ESCAPES)
_AZURE_ESCAPES: _Escapes = (
    (b"%3B", b";"),
    (b"%0D", b"\r"),
    (b"%0A", b"\n"),
    (b"%5D", b"]"),
    (b"%AZP25", b"%"),
)


@dataclass(frozen=True, slots=True)
class Registration:
    """A value to protect from here on.

    Attributes:
        name: The command that said so.
        value: The value, its escapes undone.
    """

    name: str
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A command, or a piece of one, that the host CI must see as it came.

    Attributes:
        text: The bytes, with the line's end.
        begins: Whether it begins a line; else some of its line has left before.
    """

    text: bytes = field(repr=False)
    begins: bool


Part: TypeAlias = bytes | Registration | Forwarded


@dataclass(frozen=True, slots=True)
class Command:
    """A line that says something to a CI system.

    Attributes:
        name: What it says: `add-mask`, `setsecret`, `setvariable`, or any other word.
        value: Of what, its escapes undone.
        written: The line as it came, without the blanks in front and without its end.
        lead: The blanks in front.
        after: How the line before it ended: nothing at the start of the stream.
        end: How it ends itself; None if it is too long to be held until then.
        properties: What stands between the name and the value, names in lower case.
    """

    name: bytes
    value: bytes = field(repr=False)
    written: bytes = field(repr=False)
    lead: bytes
    after: bytes
    end: bytes | None
    properties: dict[bytes, bytes] = field(repr=False)

    @property
    def registers(self) -> bool:
        """Whether its value is a secret from here on."""
        if self.name == b"setvariable":
            return self.properties.get(b"issecret", b"").lower() in _TRUE
        return self.name in {b"add-mask", b"setsecret"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """Which commands a host CI obeys. It prints the others, value and all.

    Attributes:
        obeys: Tells of a command whether the host is certain to obey.
        resumes: Tells of a command whether it is certain to end a pause that began with this token:
            from `::stop-commands::TOKEN` on, the host obeys nothing else. None if it never pauses.
    """

    obeys: Callable[[Command], bool]
    resumes: Callable[[Command, bytes], bool] | None = None


def _by_github(command: Command) -> bool:
    """Tell whether actions/runner obeys.

    It reads lines as .NET does, which drops a byte order mark at the start of a stream only.
    """
    if command.written[: len(_AZURE_PREFIX)].lower() == _AZURE_PREFIX:
        return False
    marked = command.lead.startswith(_MARK) and command.after
    return not marked or command.written.startswith(b"##")


def _resumes_github(command: Command, token: bytes) -> bool:
    return command.name == token.lower() and _by_github(command)


def _by_act(command: Command, *, old_syntax: bool) -> bool:
    """Tell whether act obeys, and what Forgejo and Gitea made of it.

    They match greedy regexes against lines that end in a line feed, and letter case counts.
    """
    if _is_plain(command, b"::", command.name, b"::"):
        return True
    return old_syntax and _is_plain(command, b"##[", command.name, b"]")


def _resumes_act(command: Command, token: bytes) -> bool:
    return _is_plain(command, b"::", token, b"::")


def _is_plain(command: Command, opening: bytes, name: bytes, closing: bytes) -> bool:
    """Return whether a line is just this command, and its name cannot be read to end later."""
    written, end_of_name = command.written, len(opening + name)
    is_line = command.after in {b"", b"\n"} and command.end in {b"\n", b"\r\n"}
    is_named = written.startswith(opening + name) and written.rfind(closing) == end_of_name
    return is_line and is_named and not command.lead


def _by_azure(command: Command, *, lines: bool) -> bool:
    """Tell whether the agent of Azure Pipelines obeys.

    A variable without name, and a secret one of several lines, it refuses, and prints the command.
    """
    if not command.written.startswith(b"##vso["):
        return False
    if command.name == b"setsecret":
        return True
    in_lines = command.end is None or _LINE_END.search(command.value) is not None
    return bool(command.properties.get(b"variable")) and (lines or not in_lines)


GITHUB = Dialect(_by_github, _resumes_github)
ACT = Dialect(partial(_by_act, old_syntax=True), _resumes_act)
GITEA = Dialect(partial(_by_act, old_syntax=False), _resumes_act)
AZURE = Dialect(partial(_by_azure, lines=False))
AZURE_LINES = Dialect(partial(_by_azure, lines=True))


class _Heads:
    """What the lines begin with that are worth being held until they end."""

    def __init__(self, heads: Iterable[bytes]) -> None:
        begun = {head[:length] for head in heads for length in range(2, len(head) + 1)}
        self._whole = re.compile(_LEAD + _any_of(heads) + rb"(?=[ :\]])", re.IGNORECASE)
        self._begun = re.compile(_LEAD + _any_of(begun) + rb"\Z", re.IGNORECASE)

    def end(self, text: bytes, start: int) -> int | None:
        """Return where the head at `start` ends; None if there is none, or not all of it."""
        head = self._whole.match(text, start)
        return head.end() if head else None

    def begun(self, text: bytes, start: int) -> bool:
        """Return whether `text[start:]` may be the beginning of one."""
        return bool(_BEGUN_OPENING.fullmatch(text, start) or self._begun.match(text, start))


def _any_of(literals: Iterable[bytes]) -> bytes:
    return b"(?:" + b"|".join(map(re.escape, sorted(literals, reverse=True))) + b")"


_REGISTERING_HEADS = _Heads(_REGISTERING)
_ALL_HEADS = _Heads((*_REGISTERING, _STOP))


class _Pause:
    """Knows whether one stream has made the host obey nothing.

    What is taken for a pause and is none costs the host a registration. One that is missed would
    make the host print the value, so in doubt it is one, and without end.
    """

    def __init__(self, host: Dialect | None) -> None:
        self._host = host if host and host.resumes else None
        self._token = b""
        self._near = b""  # what has just left
        self.heads = _ALL_HEADS if self._host else _REGISTERING_HEADS
        self.on = False
        self.was_on = False

    def watch(self, text: bytes) -> None:
        """Take notice of what leaves: in the old syntax a pause may begin anywhere in a line."""
        if self._host is None:
            return
        near = self._near + text
        if b"##[" in near and _OLD_STOP.search(near):
            self._begin(b"")
        self._near = near[-len(b"##[stop-command") :]

    def heed(self, command: Command) -> None:
        """Begin or end with a line that may say so."""
        host = self._host
        if host is None:
            return
        if command.name == b"stop-commands":
            if not host.obeys(command):
                self._begin(b"")
            elif not self.on:
                self._begin(command.value)
        elif self._token and host.resumes and host.resumes(command, self._token):
            self.on, self._token, self.heads = False, b"", _ALL_HEADS

    def _begin(self, token: bytes) -> None:
        """Begin with the token that ends it; nothing if none does."""
        self.on = self.was_on = True
        self._token = token if len(token) <= _LONGEST_TOKEN else b""
        ending = (_STOP, b"::" + self._token) if self._token else ()
        self.heads = _Heads((*_REGISTERING, *ending))


@dataclass(frozen=True, slots=True)
class _Rest:
    """What becomes of the rest of a line that is too long to be held.

    Attributes:
        passes: Whether it goes to the host; else it is dropped.
        whole: Whether all of the line does, its end too. A carriage return stays in any case: it
            ends lines for some hosts only, and to others what follows would begin a line.
    """

    passes: bool
    whole: bool


class Commands:
    """Takes a stream apart into plain text and commands."""

    def __init__(self, host: Dialect | None = None) -> None:
        """Start a stream; `host` reads what is left of it, and has to be told the same."""
        self._host = host
        self._pause = _Pause(host)
        self._peers: list[_Pause] = []
        self._text = b""  # what is at hand
        self._out = 0  # up to where it has left
        self._place = 0  # up to where it is decided
        self._sought = 0  # up to where the undecided line is known not to end
        self._after = b""  # the byte in front of it; nothing at the start of the stream
        self._fresh = True  # whether it begins a line,
        self._gone = b""  # and how the blanks began that have left in front of it
        self._rest: _Rest | None = None

    @property
    def held(self) -> int:
        """How many bytes are held back."""
        return len(self._text) - self._out

    def share(self, other: Commands) -> None:
        """Learn when `other` makes the host pause, and tell it: they are streams of one job."""
        self._peers.append(other._pause)
        other._peers.append(self._pause)

    def passes(self, data: bytes) -> bool:
        """Take the next bytes if they are whole lines and hold no command; return whether.

        Most writes of most jobs are, and so they cost next to nothing.
        """
        fresh = self._fresh and not (self._text or self._gone or self._rest)
        if fresh and data[-1:] == b"\n" and b"::" not in data and b"##" not in data:
            self._after = b"\n"
            return True
        return False

    def feed(self, data: bytes) -> Iterator[Part]:
        """Take the next bytes; yield what they complete, in order."""
        self._text += data
        yield from self._parts(final=False)

    def flush(self) -> Iterator[Part]:
        """Yield the rest: the stream ends here."""
        yield from self._parts(final=True)

    def idle(self) -> bytes:
        """Return what is held if it is too short to tell anything: the stream has fallen silent.

        It is remembered: a command that it begins is still one, and the rest of it is taken out.
        """
        held = self._text[self._out :]
        if self._rest or len(_LEADING.sub(b"", held, count=1)) > _HARMLESS:
            return b""
        self._out = len(self._text)
        self._pause.watch(held)
        return held

    def _parts(self, *, final: bool) -> Iterator[Part]:
        if self._rest:
            yield from self._end_rest(self._rest, final=final)
        while not self._rest and self._seek(final=final):
            head = self._pause.heads.end(self._text, self._place)
            if head is None:
                if not final and self._pause.heads.begun(self._text, self._place):
                    break
                self._place += 1  # no command: go on to the next line
            elif (stop := self._line_stop(head, final=final)) is None:
                break
            else:
                yield from self._line(stop, final=final)
        yield from self._leaving(self._place)
        self._forget()
        if len(self._text) > _LONGEST_LEAD and _LEADING.fullmatch(self._text):
            yield from self._leaving(len(self._text))
            self._gone = self._gone or self._text[: len(_MARK)]
            self._text, self._out = b"", 0

    def _seek(self, *, final: bool) -> bool:
        """Go on to the next line that is a command or may become one; return whether there is."""
        text, place = self._text, self._place
        begins = self._begins(place)
        if begins and _OPENING.match(text, place):
            return True
        is_near = text.find(b"::", place) >= 0 or text.find(b"##", place) >= 0
        if is_near and (found := _NEXT_OPENING.search(text, place)):
            self._place = found.end()
            return True
        last = max(text.rfind(b"\n", place), text.rfind(b"\r", place)) + 1
        if last or begins:
            place = last or place
            if place < len(text) and not final and _BEGUN_OPENING.fullmatch(text, place):
                self._place = place
                return True
        self._place = len(text)
        return False

    def _begins(self, place: int) -> bool:
        """Return whether a line begins at `place`."""
        return self._text[place - 1 : place] in {b"\r", b"\n"} if place else self._fresh

    def _line_stop(self, head: int, *, final: bool) -> int | None:
        """Return where the line at hand ends, or has to be cut; None if that is not known yet."""
        text = self._text
        end = _LINE_END.search(text, max(head, self._sought))
        if end is None:
            self._sought = len(text)
            return len(text) if final or len(text) - self._place > _LONGEST else None
        self._sought = end.start()
        return end.start() if final or _is_end(text, end.start()) else None

    def _line(self, stop: int, *, final: bool) -> Iterator[Part]:
        """Yield the parts of the line at hand, and go on behind it."""
        start, end = self._place, _end_at(self._text, stop)
        is_cut = stop - start > _LONGEST
        command = self._command(stop, None if is_cut else end)
        self._place, self._sought = stop + len(end), 0
        if command is None or not command.registers:
            if command:
                self._pause.heed(command)
            return
        yield from self._leaving(start)
        if command.value.strip():
            yield Registration(command.name.decode(), command.value)
        begins = self._out == start and (start > 0 or not self._gone)
        in_mid_line = command.after == b"\r"  # for some hosts
        rest = _Rest(self._is_for_host(command), whole=begins and not in_mid_line)
        if begins and in_mid_line and not rest.passes:
            # To those hosts the line that stood in front of it would be another one without it.
            yield b" "
        yield from self._take(rest, end, begins=begins)
        if stop == len(self._text) and not final:
            self._rest = rest

    def _command(self, stop: int, end: bytes | None) -> Command | None:
        """Read the line at hand, as far as it may be long."""
        start = self._place
        line = self._text[start : min(stop, start + _LONGEST)]
        if end is None:
            line = _CUT_ESCAPE.sub(b"", line)
        after = self._text[start - 1 : start] if start else self._after
        lead = _LEADING.match(line)
        lead_end = lead.end() if lead else 0
        gone = b"" if start else self._gone
        return _read(line[lead_end:], gone + line[:lead_end], after, end)

    def _is_for_host(self, command: Command) -> bool:
        """Return whether the host is certain to obey.

        Who reads two streams reads them in no order: once the other one has paused, it is not.
        """
        if self._host is None or self._pause.on or any(peer.was_on for peer in self._peers):
            return False
        return self._host.obeys(command)

    def _take(self, rest: _Rest, end: bytes, *, begins: bool) -> Iterator[Part]:
        """Take what lies in front of the place, a line or the rest of one with its end."""
        if rest.passes:
            if text := self._text[self._out : self._place]:
                yield Forwarded(text, begins)
            self._out = self._place
        else:
            # What is left of the line in front must end: the next one would join it.
            stays = not rest.whole or end == b"\r"
            self._out = self._place - (len(end) if stays else 0)

    def _end_rest(self, rest: _Rest, *, final: bool) -> Iterator[Part]:
        """Go on with a line that is too long."""
        found = _LINE_END.search(self._text)
        stop = found.start() if found else len(self._text)
        if found and (final or _is_end(self._text, stop)):
            end = _end_at(self._text, stop)
            self._rest = None
        else:
            end = b""
        self._place = stop + len(end)
        yield from self._take(rest, end, begins=False)

    def _leaving(self, limit: int) -> Iterator[bytes]:
        """Yield the text that leaves when all up to `limit` does."""
        if limit > self._out:
            text, self._out = self._text[self._out : limit], limit
            self._pause.watch(text)
            yield text

    def _forget(self) -> None:
        """Forget what is decided."""
        if place := self._place:
            self._after = self._text[place - 1 : place]
            self._fresh, self._gone = self._begins(place), b""
            self._text = self._text[place:]
            self._out, self._sought, self._place = self._out - place, 0, 0


def _is_end(text: bytes, stop: int) -> bool:
    """Return whether all of the line's end at `stop` is there; a line feed may come behind."""
    return text[stop : stop + 1] == b"\n" or stop + 1 < len(text)


def _end_at(text: bytes, stop: int) -> bytes:
    """Return the line's end at `stop`."""
    return text[stop : stop + (2 if text.startswith(b"\r\n", stop) else 1)]


def _read(written: bytes, lead: bytes, after: bytes, end: bytes | None) -> Command | None:
    """Read a line as its host does; return None if it has no end of the name in it."""
    opening, closing, between, escapes = _syntax(written)
    close = written.find(closing, len(opening))
    if close < 0:
        return None
    name, _, properties = written[len(opening) : close].partition(b" ")
    return Command(
        name=name.lower().removeprefix(b"task.") if opening == _AZURE_PREFIX else name.lower(),
        value=_unescaped(written[close + len(closing) :], escapes),
        written=written,
        lead=lead,
        after=after,
        end=end,
        properties=dict(_properties(properties.split(between), escapes)),
    )


def _syntax(written: bytes) -> tuple[bytes, bytes, bytes, _Escapes]:
    """Return how a command opens and closes, what parts its properties, and what is escaped."""
    if written.startswith(b"::"):
        return b"::", b"::", b",", _ESCAPES
    if written[: len(_AZURE_PREFIX)].lower() == _AZURE_PREFIX:
        return _AZURE_PREFIX, b"]", b";", _AZURE_ESCAPES
    return b"##[", b"]", b";", _OLD_ESCAPES


def _properties(written: Iterable[bytes], escapes: _Escapes) -> Iterator[tuple[bytes, bytes]]:
    for each in written:
        name, _, value = each.partition(b"=")
        yield name.strip().lower(), _unescaped(value, escapes).strip()


def _unescaped(value: bytes, escapes: _Escapes) -> bytes:
    for escaped, plain in escapes:
        value = value.replace(escaped, plain)
    return value
