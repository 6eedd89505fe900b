"""Fails `leakguard mask` at each call that it makes while it masks, each time in another fork.

`python -m tests.faults PART` runs the command once and notes every call, of functions of ours and
of C functions alike. Then, for each of them, a fork of this warm process masks the same stream, and
the call raises an error: one at its first turn, the next at its last. One line of JSON says what
came of it. Nothing is patched but the size of a read, the length of a silence and the making of the
matcher. The interpreter's profiler raises the error, so no call is left out, generators, properties
and lambdas included.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import sys
import tempfile
import termios
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from random import Random
from time import sleep
from types import CodeType, FrameType
from typing import NoReturn, TypeAlias

import leakguard
from leakguard import cli, pipe
from leakguard.cli import matching
from leakguard.matcher import Matcher
from leakguard.model import Secret
from leakguard.rules import builtin_rules
from leakguard.rules.examples import sample
from tests import disguises

PARTS = {
    "matching": (
        "matcher",
        "automaton",
        "sieve",
        "decoders",
        "traces",
        "rules",
        "checks",
        "patterns",
    ),
    "masking": ("masker", "splitter", "commands", "fingerprint", "model", "encoders", "policy"),
    "edges": ("pipe", "cli", "reports", "hosts", "errors", "config"),
}
"""The modules whose calls fail, in groups that run for about the same time."""

# None of them says that a token does not hold together, which a check is free to say.
ERRORS = (RuntimeError, MemoryError, AttributeError, KeyboardInterrupt)
VALUE = b'Vq7m-Zp2L"k9Rt&4WxB'
LATER = b"Xw3nQ8rT5yU1oP6a"

Site: TypeAlias = tuple[CodeType, str]
Profile: TypeAlias = Callable[[FrameType, str, object], None]

_SHOWN = (
    (disguises.ESCAPES, "percent"),
    (disguises.ESCAPES, "unicode"),
    (disguises.BASES, "base64"),
    (disguises.ROWS, "xxd"),
    (disguises.SEEN_THROUGH, "colors"),
    (disguises.SEEN_THROUGH, "typed"),
    (disguises.SEEN_THROUGH, "invisible"),
    (disguises.BREAKS, "margins"),
    (disguises.PARTS, "head"),
)

_PACKAGE = str(Path(leakguard.__file__).parent) + os.sep
_READ_SIZE = 301
_SILENCE = 0.002
_PAUSES = (0.005, 0.1, 1.0)
_UNKNOWN = 99
_TRIVIAL = frozenset(
    (
        "bool",
        "id",
        "isinstance",
        "iter",
        "len",
        "max",
        "min",
        "next",
        "range",
        "sorted",
        "sum",
        "zip",
    )
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one fault.

    Attributes:
        site: The call: file, function, line and, for a C function, its name.
        turn: Which call of that site it was.
        error: The error's type.
        raised: Whether the call was reached.
        masked: Whether what came out is the beginning of the masked stream.
        whole: Whether it is all of it.
        silent: Whether nothing more came out after the fault.
        code: The exit code, negative for a signal.
        told: What was written to standard error.
    """

    site: str
    turn: int
    error: str
    raised: bool
    masked: bool
    whole: bool
    silent: bool
    code: int
    told: str


def stream() -> tuple[bytes, bytes]:
    """Return two pieces of a stream that has something of everything; a silence lies between."""
    chance = Random(4)  # noqa: S311  # not keys
    shown = [table[name](chance, VALUE) for table, name in _SHOWN]
    rule = next(rule for rule in builtin_rules() if rule.check)
    pem = b"-----BEGIN RSA PRIVATE KEY-----\n%s\n-----END RSA PRIVATE KEY-----"
    first = (
        b"begin " + VALUE,
        b"::add-mask::" + LATER,
        b"##vso[task.setsecret]another-" + LATER[::-1],
        LATER,
        *shown,
        sample(rule.examples[0], seed=rule.id, check=rule.check, preface=rule.preface).text,
        pem % b"\n".join([b"MIIEowIBAAKCAQEA" * 4] * 12),
        b"Continue? " + VALUE[:2],
    )
    second = (b"", b"again", VALUE, *shown[::3], LATER, b"end " + VALUE[:5])
    return b"\n".join(first), b"\n".join(second)


class Notebook:
    """Counts calls, as the interpreter's profiler: by code, and by name for C functions."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self.calls: Counter[tuple[CodeType, str]] = Counter()
        self._modules = modules
        self._ours: dict[CodeType, bool] = {}

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        """Take note of a call."""
        code = frame.f_code
        if code not in self._ours:
            self._ours[code] = module_of(code) in self._modules
        if self._ours[code] and event in ("call", "c_call"):
            self.calls[code, _name(argument) if event == "c_call" else ""] += 1


class Fault:
    """Raises an error at one call, as the interpreter's profiler."""

    def __init__(self, site: Site, turn: int, raised: Callable[[], BaseException]) -> None:
        self._code, self._callee = site
        self._turns_left = turn
        self._raised = raised
        self._event = "c_call" if self._callee else "call"

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        """Raise the error if this is the call."""
        if frame.f_code is not self._code or event != self._event:
            return
        if self._callee and _name(argument) != self._callee:
            return
        self._turns_left -= 1
        if self._turns_left == 0:
            sys.setprofile(None)
            raise self._raised()


def module_of(code: CodeType) -> str:
    """Return the name of the module or package of ours that code stands in, if it is ours."""
    file = code.co_filename
    below = file.removeprefix(_PACKAGE) if file.startswith(_PACKAGE) else ""
    return below.partition(os.sep)[0].removesuffix(".py")


def _name(function: object) -> str:
    return str(getattr(function, "__qualname__", "?"))


class Bench:
    """Masks the stream, in this process and in forks of it."""

    def __init__(self, part: str, directory: Path) -> None:
        """Make a matcher that all forks share."""
        os.environ["LEAKGUARD_KEY"] = "with a key, no fingerprint is stretched, which takes long"
        self._modules = PARTS[part]
        self._notes = directory / "notes"
        secrets = [Secret("VALUE", VALUE), Secret("LINES", b"first-Qx7-line-88\nsecond-Zp9-line")]
        matcher = Matcher(secrets, builtin_rules())
        matcher.prepare()
        report = f"--report=json={directory / 'report.json'}"
        sys.argv = ["leakguard", "mask", "--commands=on", "--no-secrets", report]
        vars(matching)["matcher"] = lambda *_, **__: matcher
        pipe.READ_SIZE, pipe.SILENCE = _READ_SIZE, _SILENCE

    def healthy(self) -> tuple[bytes, Counter[Site]]:
        """Return what comes out when nothing fails, and how often each call is made."""
        self._run_here(None)  # what is made when it is first needed is made now
        notes = Notebook(self._modules)
        return self._run_here(notes), notes.calls

    def outcome(self, site: Site, turn: int, error: type[BaseException], healthy: bytes) -> Outcome:
        """Return what comes of a fault at one call."""
        for pause in _PAUSES:
            self._notes.unlink(missing_ok=True)
            out, told, code = self._run(Fault(site, turn, lambda: self._fault(error)), pause)
            if raised := self._notes.exists():
                break
        before = int(self._notes.read_text()) if raised else -1
        return Outcome(
            site=f"{module_of(site[0])}: {site[0].co_qualname} {site[1]}",
            turn=turn,
            error=error.__name__,
            raised=raised,
            masked=healthy.startswith(out),
            whole=healthy == out,
            silent=len(out) == before,
            code=code,
            told=told.decode(errors="replace"),
        )

    def _fault(self, error: type[BaseException]) -> BaseException:
        """Note how much has been written, and return the error, which quotes a secret."""
        self._notes.write_text(str(_unread(1)))
        return error(VALUE.decode())

    def _run(self, profile: Profile, pause: float) -> tuple[bytes, bytes, int]:
        (source, feeder), (reader, sink), (errors, told) = os.pipe(), os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            os.close(feeder)
            self._be_masker((source, sink, told), profile)
        for descriptor in (source, sink, told):
            os.close(descriptor)
        _feed(feeder, pause)
        # All of it fits the pipes: what lies in them at a fault is all that has been written.
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return _read(reader), _read(errors), code

    def _be_masker(self, standard: Sequence[int], profile: Profile) -> NoReturn:
        code = _UNKNOWN
        with suppress(BaseException):
            for descriptor, number in zip(standard, range(3), strict=True):
                os.dup2(descriptor, number)
            code = self._masked(profile)
            sys.stderr.flush()
        os._exit(code)

    def _run_here(self, profile: Profile | None) -> bytes:
        """Be the masker in this process, with its own standard streams put aside."""
        (source, feeder), (reader, sink) = os.pipe(), os.pipe()
        aside = [os.dup(number) for number in range(2)]
        os.dup2(sink, 1)
        os.dup2(source, 0)
        if not (child := os.fork()):
            _feed(feeder, _PAUSES[-1])
            os._exit(0)
        os.close(feeder)
        code = self._masked(profile)
        os.waitpid(child, 0)
        for number, descriptor in enumerate(aside):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.close(source)
        os.close(sink)
        if code:
            raise AssertionError(code)
        return _read(reader)

    def _masked(self, profile: Profile | None) -> int:
        """Be the command `leakguard mask`, with a matcher that is there already."""
        sys.setprofile(profile)
        try:
            return cli.main()
        finally:
            sys.setprofile(None)


def _feed(feeder: int, pause: float) -> None:
    """Write the stream, with a silence in its middle, to a reader that may have gone."""
    first, second = stream()
    poller = select.poll()
    poller.register(feeder, select.POLLERR)
    with suppress(BrokenPipeError):
        os.write(feeder, first)
        while _unread(feeder) and not poller.poll(1):
            pass
        sleep(pause)
        os.write(feeder, second)
    os.close(feeder)


def _unread(descriptor: int) -> int:
    """Return how many bytes lie in a pipe."""
    count = fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4))
    return int.from_bytes(count, sys.byteorder)


def _read(descriptor: int) -> bytes:
    """Return all that lies in a pipe."""
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def outcomes(part: str, *, every: bool = False) -> Iterator[Outcome]:
    """Yield what comes of each fault in a part of the program.

    Args:
        part: Whose calls fail.
        every: Whether each fails at its first call, at its last and in between, and those fail,
            too, that only a lack of memory could fail.
    """
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(part, Path(directory))
        healthy, calls = bench.healthy()
        errors, early = cycle(ERRORS), cycle((True, False, False))
        for (code, callee), count in calls.items():
            if code is not cli.main.__code__ and (every or callee not in _TRIVIAL):
                turns = {1, (count + 1) // 2, count} if every else {1 if next(early) else count}
                for turn in sorted(turns):
                    yield bench.outcome((code, callee), turn, next(errors), healthy)


if __name__ == "__main__":
    for outcome in outcomes(sys.argv[1], every="all" in sys.argv[2:]):
        sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
