"""The one door to Vectorscan: says "nothing here" at gigabytes a second, or points at windows.

A sieve may point where nothing is; it never passes over a place where something is. What a window
holds, the automaton and the rules decide, so every result is the same without a sieve: with
`LEAKGUARD_SIEVE=off`, without the `hyperscan` package, or where a database does not compile.

Needles are compiled into memory only. Rules hold no secret: their database is kept on disk, named
by all that it depends on, because compiling it costs more than the rest of a start.
"""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache as once
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from leakguard import cache

LEAST_TOKEN = 16
"""Of how many bytes a token consists, at least."""
_TOKEN = re.compile(rb"[0-9A-Za-z+/=_-]{%d}" % LEAST_TOKEN)
# Vectorscan (5.4) passes over two bytes at the end of some texts of 17 to 34 bytes.
_SHORTEST = 64
# So many matches, and one more for so many bytes, and the sieve gives up: it does not pay.
_FEW, _DENSE = 64, 64
# So many literals go into one database. To compile one takes 2 KB and 20 us for each, and more with
# more of them; to search with two takes twice as long.
_MOST_AT_ONCE = 16_000
_ESCAPED = tuple(b"\\x%02x" % byte for byte in range(256))


class Sieve:
    """Finds the windows of a text in which one of its patterns ends."""

    def __init__(
        self,
        database: Any,  # noqa: ANN401  # no stubs
        behind: Sequence[int],
        ahead: Sequence[int],
        token_within: Sequence[int] = (),
    ) -> None:
        """Take a compiled `database`, and how far a window reaches from where a pattern ends.

        A database that is None has no pattern in it. Where a pattern has a `token_within`, a run of
        so many bytes as tokens have lies in its match or no farther behind, or there is no window.
        """
        self._database = database
        self._behind = behind
        self._ahead = ahead
        self._token_within = token_within or [0] * len(behind)

    def windows(self, text: bytes, start: int) -> list[tuple[int, int]]:
        """Return the parts of `text[start:]` worth a look, as (start, end).

        Where nearly all of it matches, to be told of each match costs more than to look: then it is
        one part.
        """
        behind, ahead, token_within = self._behind, self._ahead, self._token_within
        has_token = _TOKEN.search
        found: list[tuple[int, int]] = []

        most = _FEW + (len(text) - start) // _DENSE
        count = 0

        def widen(pattern: int, _from: int, end: int, _flags: int, _context: object) -> bool:
            nonlocal count
            count += 1
            if count > most:
                return True
            reach = token_within[pattern]
            begin = max(start, start + end - behind[pattern])
            if reach and not has_token(text, begin, start + end + reach):
                return False
            # Merged at once: a text that is all matches must not cost memory for each.
            stop = min(len(text), start + end + ahead[pattern])
            while found and found[-1][1] >= begin:
                last = found.pop()
                begin, stop = min(begin, last[0]), max(stop, last[1])
            found.append((begin, stop))
            return False

        if self._database is None or start >= len(text):
            return []
        if len(text) - start < _SHORTEST:
            return [(start, len(text))]
        try:
            self._database.scan(memoryview(text)[start:], match_event_handler=widen)
        except _package().ScanTerminated:
            return [(start, len(text))]
        return found


class _Open(Sieve):
    """Lets everything through: what stands in for a database that does not compile."""

    def __init__(self) -> None:
        super().__init__(None, (), ())

    def windows(self, text: bytes, start: int) -> list[tuple[int, int]]:
        return [(start, len(text))] if start < len(text) else []


class _Joint(Sieve):
    """Several sieves, each for a part of what is sought."""

    def __init__(self, parts: Sequence[Sieve]) -> None:
        super().__init__(None, (), ())
        self._parts = parts

    def windows(self, text: bytes, start: int) -> list[tuple[int, int]]:
        return [window for part in self._parts for window in part.windows(text, start)]


def of_literals(words: Iterable[bytes]) -> Sieve:
    """Return a sieve for `words` themselves, which may be secret: its database is not kept."""
    if not available():
        return _Open()
    sought = sought_for(words)
    parts = [_made(part) for part in iter(lambda: list(islice(sought, _MOST_AT_ONCE)), [])]
    return parts[0] if len(parts) == 1 else _Joint(parts)


def of_keywords(words: Sequence[bytes]) -> Sieve:
    """Return a sieve for `words` themselves; its database is kept on disk."""
    return of_patterns(words, partial(sought_for, words))


def sought_for(words: Iterable[bytes]) -> Iterator[Sought]:
    """Yield what finds `words`.

    Each literal of a database has its price, so there is one for all words that begin with it, and
    for all that differ in case alone.
    """
    for family in _families(sorted(words, key=bytes.lower)):
        head = _calmed(family[0])
        is_one_case = all(word.startswith(head) for word in family)
        ahead = max(map(len, family)) - len(head)
        literal = _literal(head)
        yield Sought(literal if is_one_case else b"(?i)" + literal, len(head), ahead)


def _calmed(word: bytes) -> bytes:
    """Return a word without what it ends in, if that is one byte three times or more, but for two.

    One such literal makes Vectorscan (5.4) take 60 KB for each of some hundred others.
    """
    lowered = word.lower()
    body = lowered.rstrip(lowered[-1:])
    return word[: len(body) + 2] if body else word


def _families(words: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield words, which are in order, with those that begin with the first, in whatever case."""
    family: list[bytes] = []
    for word in words:
        # ASCII letters alone are of a case, as in the database.
        if family and not word.lower().startswith(family[0].lower()):
            yield family
            family = []
        family.append(word)
    if family:
        yield family


def _literal(word: bytes) -> bytes:
    # Escaped as a regex: the binding measures pure literals with strlen, and UTF-16 holds NULs.
    return word if word.isalnum() else b"".join(map(_ESCAPED.__getitem__, word))


def of_patterns(seed: Iterable[bytes], derive: Callable[[], Iterable[Sought]]) -> Sieve:
    """Return a sieve for regexes in Vectorscan's syntax; its database is kept on disk.

    Args:
        seed: All that the regexes are derived from. There is no secret in it.
        derive: Derives them, if there is no database for the seed yet.
    """
    if not available():
        return _Open()
    name = cache.name("sieve", (*_surroundings(), *seed))
    if (found := _loaded(name)) is not None:
        return found
    sought = list(derive())
    if not sought:
        return Sieve(None, (), ())
    return _made(sought, name)


def _made(sought: Sequence[Sought], kept: str = "") -> Sieve:
    """Return the sieve for what is sought; its database is kept under a name, if there is one."""
    database = _compiled([each.pattern for each in sought])
    if database is None:
        return _Open()
    reaches = (
        [each.behind for each in sought],
        [each.ahead for each in sought],
        [each.token_within for each in sought],
    )
    if kept:
        cache.keep(kept, json.dumps(reaches).encode() + b"\n" + _package().dumpb(database))
    return Sieve(database, *reaches)


@dataclass(frozen=True, slots=True)
class Sought:
    """A regex, and the window that is worth a look where it matches.

    Attributes:
        pattern: The regex.
        behind: The most bytes between the start of a match and its end.
        ahead: How many bytes behind that end are worth a look too.
        token_within: If not 0, a run of `LEAST_TOKEN` bytes as tokens have lies in the match or
            within so many bytes behind its end, or nothing is worth a look.
    """

    pattern: bytes
    behind: int
    ahead: int
    token_within: int = 0


def wanted() -> bool:
    """Return whether nobody has turned sieves off."""
    return os.environ.get("LEAKGUARD_SIEVE", "").lower() != "off"


def available() -> bool:
    """Return whether there is what makes a sieve; loads it."""
    return _package() is not None


@once
def _package() -> Any:  # noqa: ANN401  # a module, or None
    try:
        return importlib.import_module("hyperscan")
    except ImportError:  # no wheel for this platform: slower, and the same results
        return None


def _compiled(patterns: Sequence[bytes]) -> Any:  # noqa: ANN401  # no stubs
    hyperscan = _package()
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(
            expressions=list(patterns),
            ids=list(range(len(patterns))),
            elements=len(patterns),
            flags=hyperscan.HS_FLAG_DOTALL,
        )
    except hyperscan.error:
        return None
    return database


def _loaded(name: str) -> Sieve | None:
    """Return the sieve that is kept under a name, or None."""
    hyperscan = _package()
    reaches, _, dumped = (cache.load(name) or b"").partition(b"\n")
    try:
        database = hyperscan.loadb(dumped, mode=hyperscan.HS_MODE_BLOCK)
        database.scratch = hyperscan.Scratch(database)
        behind, ahead, token_within = json.loads(reaches)
    except (ValueError, hyperscan.error):
        return None
    return Sieve(database, behind, ahead, token_within)


def _surroundings() -> Iterator[bytes]:
    """Yield what a database depends on beside its regexes; a foreign one would crash."""
    yield from map(str.encode, (str(_package().__file__), _processor()))
    folder = Path(__file__).parent
    code = [folder / "sieve.py", folder / "sieves.py", *sorted(folder.glob("patterns/*.py"))]
    yield from (cache.state(str(file), file.stat()) for file in code if file.is_file())


def _processor() -> str:
    """Return the processor's features: a database is compiled for them, and crashes without."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        import platform  # noqa: PLC0415  # not on Linux: it takes as long as ten of our modules

        return f"{platform.machine()} {platform.processor()}"
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
