"""Turns matches into findings, and the paths of findings and skips into text that tells no secret.

Of matches that tell the same thing one remains. A finding with line 0 is not in the contents of a
file: it is in its name, in what an archive says of it, or between the members of an archive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from leakguard.fingerprint import fingerprint
from leakguard.matcher import Matcher
from leakguard.model import Finding, Match, Skip

_MASK = b"***"
_ROTATE = "Rotate it where it was issued, then remove it from here and build again."


class Distinct:
    """Drops matches that another one tells already: fed by start, in as many parts as there are.

    A secret that is found in several forms at one place is told once, and what a more confident
    match covers is not told: a known value is not also a credential that looks like one.
    """

    def __init__(self) -> None:
        self._open: list[Match] = []

    def of(self, matches: Iterable[Match]) -> list[Match]:
        """Return those of `matches` that remain."""
        remaining = []
        for match in sorted(matches, key=_standing):
            self._open = [told for told in self._open if told.end > match.start]
            if not any(_tells(told, match) for told in self._open):
                self._open.append(match)
                remaining.append(match)
        return remaining


def _standing(match: Match) -> tuple[int, int, int, str, str]:
    return match.start, -match.end, -match.confidence, match.name, match.encoding


def _tells(told: Match, match: Match) -> bool:
    """Say whether `match`, which begins in `told`, tells nothing more."""
    same = (told.kind, told.name) == (match.kind, match.name)
    return same or (told.end >= match.end and told.confidence > match.confidence)


class Lines:
    """Counts the lines of a text that goes by in pieces."""

    def __init__(self) -> None:
        self._line = 1
        self._begin = 0  # offset of the line's first byte
        self._at = 0

    def place(self, text: bytes, start: int, offset: int) -> tuple[int, int]:
        """Return line and column of `offset`, no smaller than in the last call, and go there.

        Args:
            text: Bytes from the last offset or before up to the new one or beyond.
            start: Offset of the first byte of `text`.
            offset: The byte that is asked for.
        """
        if offset > self._at:
            seen, end = self._at - start, offset - start
            if newlines := text.count(b"\n", seen, end):
                self._line += newlines
                self._begin = start + text.rindex(b"\n", seen, end) + 1
            self._at = offset
        return self._line, offset - self._begin + 1


class Reporter:
    """Makes findings and skips that may be shown."""

    def __init__(self, matcher: Matcher, key: bytes) -> None:
        self._matcher = matcher
        self._key = key
        # Findings of one file come together, and most paths have none: a few are enough.
        self.masked = lru_cache(64)(self._masked)

    def finding(self, path: str, match: Match, value: bytes, place: tuple[int, int]) -> Finding:
        """Return what is told of a match: where, and never what."""
        line, column = place
        description, remediation = self._words(match)
        return Finding(
            path=self.masked(path),
            line=line,
            column=column,
            offset=match.start,
            name=match.name,
            kind=match.kind,
            confidence=match.confidence,
            encoding=match.encoding,
            fingerprint=fingerprint(value, self._key),
            description=description,
            remediation=remediation,
        )

    def skip(self, skip: Skip) -> Skip:
        """Return a skip whose path may be shown."""
        return replace(skip, path=self.masked(skip.path))

    def _words(self, match: Match) -> tuple[str, str]:
        rule = self._matcher.rule(match.name) if match.kind == "rule" else None
        if rule is None:
            return f"value of {match.name}", _ROTATE
        return rule.description, rule.remediation or _ROTATE

    def _masked(self, path: str) -> str:
        r"""Return a path with its secrets masked, and bytes that are no text as `\xNN`."""
        return b"".join(self._pieces(raw(path))).decode("utf-8", "backslashreplace")

    def _pieces(self, path: bytes) -> Iterator[bytes]:
        at = 0
        for match in self._matcher.find(path):
            if match.start >= at:
                yield path[at : match.start]
                yield _MASK
            at = max(at, match.end)
        yield path[at:]


def raw(path: str) -> bytes:
    """Return the bytes of a path, which may hold some that are no text."""
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # on systems where names are UTF-16, half of a pair
        return path.encode("utf-8", "backslashreplace")
