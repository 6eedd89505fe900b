"""A leak oracle: undoes whatever may hide a secret in an output, and says what can be had of it.

It shares nothing with leakguard's encoders and decoders, so that both cannot be wrong alike: where
they know how a value may be written, it takes the output apart, in every order, and looks for runs
of the value in all that comes out. `python -m tests.leaks` makes logs in which secrets stand in
disguise (`tests.disguises`), masks them, and prints what the oracle still finds.
"""

from __future__ import annotations

import argparse
import base64
import html
import math
import re
import string
import sys
import unicodedata
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from leakguard.matcher import Matcher
from leakguard.model import Secret
from tests.disguises import CLASSES, Case, case
from tests.streams import cut, mask

LEAST_RUN = 8
"""A run of fewer bytes is no find."""
BUDGET = 44.0
"""Nor is one that tells fewer bits."""
DEPTH = 3
"""How many encodings are undone, one inside the other; what is only dropped does not count."""

_OUTERMOST = 2
_MOST_READINGS = 10_000
_WIDEST_MARGIN = 48

Undo: TypeAlias = Callable[[bytes], Iterable[bytes]]

_CLASSES = (string.digits, string.ascii_lowercase, string.ascii_uppercase, string.punctuation + " ")
_HEX_DIGITS = frozenset(string.hexdigits)


@dataclass(frozen=True, slots=True)
class Find:
    """A run of a secret that can be had from an output.

    Attributes:
        secret: Which one, by its place among those asked for.
        run: The bytes.
        steps: What had to be undone to see them.
    """

    secret: int
    run: bytes = field(repr=False)
    steps: tuple[str, ...]


def least_run(value: bytes) -> int:
    """Return how many bytes of `value` in a row are too many to be seen."""
    text = set(value.decode("utf-8", "replace"))
    letters = text - set("-\n")
    if letters <= _HEX_DIGITS and not (letters & set("abcdef") and letters & set("ABCDEF")):
        size = 10 if letters <= set(string.digits) else 16
    else:
        size = sum(len(kind) for kind in _CLASSES if text & set(kind))
        size += 100 if any(ord(character) > 127 for character in text) else 0
    return min(len(value), max(LEAST_RUN, math.ceil(BUDGET / math.log2(max(size, 2)))))


def finds(output: bytes, values: Sequence[bytes], *, depth: int = DEPTH) -> list[Find]:
    """Return what of `values` can be had from `output`, at most one find for each of them."""
    targets = [_Target(number, value) for number, value in enumerate(values)]
    found: list[Find] = []
    for reading, steps in readings(output, depth):
        for target in targets[:]:
            if run := target.run_in(reading):
                found.append(Find(target.secret, run, steps))
                targets.remove(target)
        if not targets:
            break
    return found


def readings(output: bytes, depth: int = DEPTH) -> Iterator[tuple[bytes, tuple[str, ...]]]:
    """Yield `output` and all that it can be read as, each once, with the steps that led there."""
    seen = {output}
    waiting: deque[tuple[bytes, int, tuple[str, ...]]] = deque([(output, depth, ())])
    while waiting and len(seen) < _MOST_READINGS:
        text, left, steps = waiting.popleft()
        yield text, steps
        for name, cost, undo in _UNDOS:
            # What nobody does to a part of a text is not undone in what was decoded.
            allowed = cost <= left if cost < _OUTERMOST else left == depth
            for reading in undo(text) if allowed else ():
                if len(reading) < LEAST_RUN or reading in seen:
                    continue
                seen.add(reading)
                step = (reading, left - cost, (*steps, name))
                # What costs nothing comes first: so all is reached by the least of steps.
                if cost:
                    waiting.append(step)
                else:
                    waiting.appendleft(step)


class _Target:
    """A secret, and the runs of it that must not be seen."""

    def __init__(self, secret: int, value: bytes) -> None:
        self.secret = secret
        length = least_run(value)
        spellings = {value, _squeezed(value), _composed(value)}
        self._spellings = [each for each in spellings if len(each) >= min(length, LEAST_RUN)]
        self._length = length
        self._runs = {
            each[start : start + length]
            for each in self._spellings
            for start in range(max(1, len(each) - length + 1))
        }

    def run_in(self, text: bytes) -> bytes:
        """Return the longest run that is in `text`, or nothing."""
        first = next(self._runs_in(text), None)
        if first is None:
            return b""
        return max((self._grown(text, run) for run in self._runs_in(text)), key=len)

    def _runs_in(self, text: bytes) -> Iterator[bytes]:
        if len(self._runs) < len(text) // 4:
            return (run for run in self._runs if run in text)
        pieces = (text[at : at + self._length] for at in range(len(text) - self._length + 1))
        return (piece for piece in pieces if piece in self._runs)

    def _grown(self, text: bytes, run: bytes) -> bytes:
        for spelling in self._spellings:
            start = spelling.find(run)
            end = start + len(run)
            while start >= 0 and end < len(spelling) and spelling[start : end + 1] in text:
                end += 1
            if start >= 0:
                run = max(run, spelling[start:end], key=len)
        return run


_UNDOS: list[tuple[str, int, Undo]] = []


def _undo(name: str, cost: int) -> Callable[[Undo], Undo]:
    """Enter a function into the table of what is undone, and at what cost."""

    def enter(function: Undo) -> Undo:
        _UNDOS.append((name, cost, function))
        return function

    return enter


# --- What is dropped -----------------------------------------------------------------------------

_EFFECTS = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]*[0-~])"
)
_INVISIBLE = re.compile("[\u00ad\u034f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0f\ufeff]")
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_OVERSTRUCK = re.compile(rb"(?:[^\x08\n]|[\xc2-\xf4][\x80-\xbf]+)\x08")
_BLANKS = re.compile(rb"[\s\x00]+|\xc2[\x85\xa0]|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe3\x80\x80")


@_undo("as shown", 0)
def _shown(text: bytes) -> Iterator[bytes]:
    """Read what a terminal shows: no effects, no controls, and what is struck over erased."""
    if not _CONTROLS.search(text) and text.isascii():
        return
    plain = _visible(_EFFECTS.sub(b"", text))
    yield _CONTROLS.sub(b"", plain)
    if b"\x08" in plain or b"\x7f" in plain:
        yield _CONTROLS.sub(b"", _erased(plain.replace(b"\x7f", b"\x08")))


def _erased(text: bytes) -> bytes:
    count = 1
    while count:
        text, count = _OVERSTRUCK.subn(b"", text)
    return text


def _visible(text: bytes) -> bytes:
    if text.isascii():
        return text
    return _INVISIBLE.sub("", text.decode("utf-8", "surrogateescape")).encode(
        "utf-8", "surrogateescape"
    )


@_undo("without blanks", 0)
def _without_blanks(text: bytes) -> Iterator[bytes]:
    yield _squeezed(text)


def _squeezed(text: bytes) -> bytes:
    return _BLANKS.sub(b"", text)


_MARGIN = re.compile(
    rb"[ \t]*(?:"
    rb"\d{4}-\d\d-\d\d(?:[T ][\d:]{5,8}(?:[.,]\d+)?(?:Z|[+-][\d:]{4,6})?)?"
    rb"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d\d?:\d\d:\d\d(?:[.,]\d+)?"
    rb"|\[[^\]\n]{1,40}\]:?|(?:stdout|stderr) [FP](?= )|(?:DEBUG|INFO|WARN|ERROR)\b:?"
    rb"|[A-Za-z][\w.-]{0,40} ?[|:>](?= )|[\w.-]{1,40}\[\d+\]:"
    rb"|#?\d{1,7}[:.|)]?(?=[ \t])|[0-9a-f]{6,8}:?(?=[ \t])"
    rb"|[>|+#*-]{1,3}|//|\"|'"
    rb")[ \t]*"
)
_TRAILER = re.compile(rb"[ \t]*(?:\\|\||[\"'] ?[+.]?|[+,])?[ \t\r]*$")


@_undo("without margins", 0)
def _without_margins(text: bytes) -> Iterator[bytes]:
    r"""Read lines without what a logger, a pager, a diff or a program's source puts around them.

    How much of it is margin cannot be told, so there is a reading for each number of units.
    """
    lines = [_TRAILER.sub(b"", line) for line in re.split(rb"\r?\n|\r", text)]
    if len(lines) < 2:
        return
    for _ in range(5):
        yield b"".join(line.strip() for line in lines)
        if lines == (
            lines := [
                _MARGIN.sub(b"", line, count=1) if _MARGIN.match(line) else line for line in lines
            ]
        ):
            return


@_undo("without columns", _OUTERMOST)
def _without_columns(text: bytes) -> Iterator[bytes]:
    """Read lines without so many bytes at their left, whatever they are."""
    lines = re.split(rb"\r?\n|\r", text)
    if len(lines) > 1:
        for width in range(1, min(_WIDEST_MARGIN, max(map(len, lines)))):
            yield b"".join(line[width:].strip() for line in lines)


@_undo("composed", 0)
def _normal_form(text: bytes) -> Iterator[bytes]:
    if not text.isascii():
        yield _composed(text)


def _composed(text: bytes) -> bytes:
    readable = text.decode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFC", readable).encode("utf-8", "surrogateescape")


# --- Escapes -------------------------------------------------------------------------------------

_PERCENT = re.compile(rb"%(?:u([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))")
_QUOTED = re.compile(rb"=(?:\r?\n|([0-9a-fA-F]{2}))")
_BACKSLASH = re.compile(
    rb"\\(?:u([0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*)|[ux]\{([0-9a-fA-F]{1,8})\}"
    rb"|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(\r?\n)|(.))",
    re.DOTALL,
)
_ENTITY = re.compile(r"&(?:#0*(\d{1,7})|#[xX]0*([0-9a-fA-F]{1,6})|\w{2,31});")
_LETTERS = dict(zip(b"nrtbfvaeE", b"\n\r\t\b\f\v\a\x1b\x1b", strict=True))
_BACKTICK = dict(zip(b"nrtbfvae0", b"\n\r\t\b\f\v\a\x1b\0", strict=True))


@_undo("percent", 1)
def _percent(text: bytes) -> Iterator[bytes]:
    for spelling in (text, text.replace(b"+", b" ")):
        yield _PERCENT.sub(
            lambda code: _character(code[1]) if code[1] else _byte(code[2]), spelling
        )


@_undo("backslash", 1)
def _backslash(text: bytes) -> Iterator[bytes]:
    if b"\\" in text:
        yield _BACKSLASH.sub(_backslashed, text)


def _backslashed(found: re.Match[bytes]) -> bytes:
    units, point, wide, byte, octal, line_end, other = found.groups()
    if units:
        pairs = bytes.fromhex(units.replace(b"\\u", b"").decode())
        return pairs.decode("utf-16-be", "replace").encode()
    if point or wide:
        return _character(point or wide)
    if byte or octal:
        return _byte(byte) if byte else bytes([int(octal, 8) & 255])
    return b"" if line_end else bytes([_LETTERS.get(other[0], other[0])])


@_undo("entities", 1)
def _entities(text: bytes) -> Iterator[bytes]:
    if b"&" in text:
        readable = text.decode("utf-8", "surrogateescape")
        plain = _ENTITY.sub(_named, readable)
        yield plain.encode("utf-8", "surrogateescape")


def _named(found: re.Match[str]) -> str:
    decimal, digits = found.groups()
    code = int(digits, 16) if digits else int(decimal or "-1")
    # What the standard library takes for a mistake, such as a control character, is none in a log.
    return chr(code) if 0 <= code < 0xD800 else html.unescape(found[0])


@_undo("quoted-printable", 1)
def _quoted_printable(text: bytes) -> Iterator[bytes]:
    if b"=" in text:
        yield _QUOTED.sub(lambda code: _byte(code[1]) if code[1] else b"", text)


@_undo("doubled", 1)
def _doubled(text: bytes) -> Iterator[bytes]:
    plain = re.sub(rb"'(?:\\'|\"'\")'", b"'", text)
    yield plain
    yield re.sub(rb"(['\"])\1", rb"\1", plain)
    yield re.sub(rb"([$%{}'\"])\1", rb"\1", plain)


@_undo("other escapes", 1)
def _other_escapes(text: bytes) -> Iterator[bytes]:
    """Undo carets of cmd, backticks of PowerShell, pipes of TeamCity."""
    yield re.sub(rb"\^(.)", rb"\1", text)
    yield re.sub(rb"`(.)", lambda found: bytes([_BACKTICK.get(found[1][0], found[1][0])]), text)
    yield re.sub(rb"\|(['|\[\]])", rb"\1", text)


def _byte(digits: bytes) -> bytes:
    return bytes([int(digits, 16)])


def _character(digits: bytes) -> bytes:
    code = int(digits, 16)
    return chr(code).encode("utf-8", "replace") if code < 0x110000 else b"?"


# --- Other bases ---------------------------------------------------------------------------------

_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{11,}")
_BASE32_RUN = re.compile(rb"[A-Z2-7]{13,}|[a-z2-7]{13,}")
_HEX_RUN = re.compile(rb"(?:(?:0x|\\x|x|#)?[0-9a-fA-F]{2}[\s,:;._|-]{0,3}){8,}")
_HEX_DIGIT = re.compile(rb"0x|[^0-9a-fA-F]")
_DECIMAL_RUN = re.compile(rb"(?:\d{1,3}[\s,;]{1,3}){7,}\d{1,3}")
_READABLE = re.compile(
    rb"(?:[\x00\x08-\x0d\x1b\x20-\x7e]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}"
    rb"|[\xf0-\xf4][\x80-\xbf]{3}){7}"
)
_CELLS = re.compile(rb"(?m)\d{7}((?: {3}[ -~]| [0-7]{3}| {2}\\[0abfnrtv]){1,16})")
_ROW = re.compile(
    rb"(?m)(?:[0-9a-fA-F]{7,8}|[0-9a-fA-F]{4}):?[ \t]{1,3}"
    rb"((?:[0-9a-fA-F]{2}(?:[0-9a-fA-F]{2})?(?:[ \t]{1,2}|$)){1,16})[ \t]*(.*)$"
)


def _plausible(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what may be text, all in one: most of what can be decoded was never encoded."""
    if kept := [piece for piece in pieces if _READABLE.search(piece)]:
        yield b" *** ".join(kept)


@_undo("base64", 1)
def _base64(text: bytes) -> Iterator[bytes]:
    runs = [run.translate(bytes.maketrans(b"-_", b"+/")) for run in _BASE64_RUN.findall(text)]
    for shift in range(4 if runs else 0):
        yield from _plausible(
            base64.b64decode(run[shift:] + b"A" * (-len(run[shift:]) % 4)) for run in runs
        )


@_undo("base32", 1)
def _base32(text: bytes) -> Iterator[bytes]:
    runs = [run.upper() for run in _BASE32_RUN.findall(text)]
    for shift in range(8 if runs else 0):
        yield from _plausible(
            base64.b32decode(run[shift:] + b"A" * (-len(run[shift:]) % 8)) for run in runs
        )


@_undo("hex", 1)
def _hex(text: bytes) -> Iterator[bytes]:
    runs = [_HEX_DIGIT.sub(b"", run) for run in _HEX_RUN.findall(text)]
    for shift in range(2 if runs else 0):
        yield from _plausible(
            bytes.fromhex(run[shift : shift + (len(run) - shift) // 2 * 2].decode()) for run in runs
        )


@_undo("decimal bytes", 1)
def _decimals(text: bytes) -> Iterator[bytes]:
    lists = [list(map(int, re.findall(rb"\d+", run))) for run in _DECIMAL_RUN.findall(text)]
    yield from _plausible(bytes(n & 255 for n in numbers) for numbers in lists)


@_undo("dump", 1)
def _dump(text: bytes) -> Iterator[bytes]:
    """Read the columns of a dump, those with digits and those with characters."""
    if rows := _ROW.findall(text):
        digits = b"".join(_HEX_DIGIT.sub(b"", row) for row, _ in rows)
        yield bytes.fromhex(digits[: len(digits) // 2 * 2].decode())
        yield b"".join(characters.strip(b"| \r") for _, characters in rows)
    if cells := b"".join(_CELLS.findall(text)):
        yield b"".join(
            _byte_in_octal(cells[at + 1 : at + 4]) or cells[at : at + 4].strip()
            for at in range(0, len(cells), 4)
        )


def _byte_in_octal(cell: bytes) -> bytes:
    return bytes([int(cell, 8) & 255]) if re.fullmatch(rb"[0-7]{3}", cell) else b""


_BEYOND_ASCII = re.compile(rb"[^\x00-\x7f]+")
_WIDE_RUN = re.compile(rb"[^\0]{0,8}(?:\0[^\0]{0,8}){6,}")


@_undo("UTF-16", 1)
def _utf16(text: bytes) -> Iterator[bytes]:
    runs = _WIDE_RUN.findall(text) if b"\0" in text else []
    for shift in (0, 1) if runs else ():
        for codec in ("utf-16-le", "utf-16-be"):
            yield b" *** ".join(
                run[shift:].decode(codec, "ignore").encode("utf-8", "ignore") for run in runs
            )


@_undo("Latin-1", _OUTERMOST)
def _latin1(text: bytes) -> Iterator[bytes]:
    """Read bytes as characters, and characters as the bytes that somebody took for characters."""
    if text.isascii() or len(_BEYOND_ASCII.sub(b"", text)) * 3 < len(text):
        return
    yield text.decode("latin-1").encode()
    yield text.decode("cp1252", "ignore").encode()
    yield text.decode("utf-8", "ignore").encode("latin-1", "ignore")


# --- Trying a masker -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one case.

    Attributes:
        case: The case.
        masked: What a masker made of its log.
        leaks: What can still be had; the find's number is that of the secret.
        lost: Lines that no secret touches and that are not there any more.
        torn: Whether the log came out otherwise when it arrived in pieces.
    """

    case: Case
    masked: bytes
    leaks: tuple[Find, ...]
    lost: tuple[bytes, ...]
    torn: bool

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with it, in words; nothing if nothing is."""
        named = {"leak": self.leaks, "lost": self.lost, "torn": self.torn}
        return tuple(name for name, fault in named.items() if fault)


def trial(kind: str, seed: int, number: int) -> Trial:
    """Return what a masker makes of a case, and what the oracle makes of that."""
    tried = case(kind, seed, number)
    matcher = Matcher(Secret(f"S{at}", each.value) for at, each in enumerate(tried.secrets))
    if number % 4 == 0:
        matcher.prepare()  # so that some of the short logs see a sieve
    masked = mask(matcher, tried.log)
    return Trial(
        tried,
        masked,
        tuple(found(tried, masked)),
        tuple(line for line in tried.bystanders if line not in masked),
        mask(matcher, *cut(tried.log, tried.cuts)) != masked,
    )


def found(tried: Case, output: bytes) -> list[Find]:
    """Return what of a case's secrets can be had from `output`."""
    owners = [at for at, each in enumerate(tried.secrets) for _ in each.cores]
    values = [core for each in tried.secrets for core in each.cores]
    return [replace(find, secret=owners[find.secret]) for find in finds(output, values)]


def overlooked(tried: Case) -> frozenset[int]:
    """Return the secrets in a case's log that the oracle does not find there."""
    return tried.planted - {find.secret for find in found(tried, tried.log)}


def described(result: Trial, number: int) -> str:
    """Return a failed trial for people; all its values are made up."""
    lines = [f"--- {result.case.kind} #{number}: {', '.join(result.faults)}"]
    lines += [f"  disguise {steps}" for steps in result.case.steps]
    lines += [f"  secret {at} {each.value!r}" for at, each in enumerate(result.case.secrets)]
    lines += [f"  log    {result.case.log!r}", f"  masked {result.masked!r}"]
    for find in result.leaks:
        lines.append(
            f"  leak of {find.secret}: {find.run!r} by {' < '.join(find.steps) or 'reading'}"
        )
    return "\n".join([*lines, *(f"  lost {line!r}" for line in result.lost)])


def main() -> int:
    """Try a masker on cases of every class, and print what fails; 1 if anything does."""
    parser = argparse.ArgumentParser(prog="python -m tests.leaks", description=main.__doc__)
    parser.add_argument("--cases", type=int, default=20, help="for each class")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", default="", help="only classes whose name begins so")
    parser.add_argument("--show", type=int, default=3, help="failures to print for each class")
    parser.add_argument("--number", type=int, help="only the case of this number")
    asked = parser.parse_args()
    total: Counter[str] = Counter()
    for kind in [kind for kind in CLASSES if kind.startswith(asked.kind)]:
        total += _tried(kind, asked)
    sys.stdout.write(f"{dict(total)}\n")
    return 1 if total.keys() - {"cases"} else 0


def _tried(kind: str, asked: argparse.Namespace) -> Counter[str]:
    numbers = range(asked.cases) if asked.number is None else [asked.number]
    counts = Counter(cases=len(numbers))
    for number in numbers:
        result = trial(kind, asked.seed, number)
        if result.faults:
            counts.update([*result.faults, "failed"])
        if result.faults and counts["failed"] <= asked.show:
            sys.stdout.write(described(result, number) + "\n")
    sys.stdout.write(f"{kind:40} {dict(counts)}\n")
    sys.stdout.flush()
    return counts


if __name__ == "__main__":
    sys.exit(main())
