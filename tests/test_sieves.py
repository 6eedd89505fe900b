"""Sieves come in mid-stream, from a thread or not at all, and nothing but speed tells."""

import random
import string
import subprocess
import sys
import threading
from collections.abc import Iterable

import pytest

from leakguard import sieve, sieves
from leakguard.masker import Masker
from leakguard.matcher import Matcher
from leakguard.model import Secret
from leakguard.rules import builtin_rules

SECRET = Secret("TOKEN", b"Vq7mZp2Lk9Rt4WxB")
LINES = [b"line %d, %b\n" % (n, SECRET.value if n % 5 == 0 else b"nothing") for n in range(9000)]
MASKED = b"".join(LINES).replace(SECRET.value, b"***")


def passed(matcher: Matcher, *, at_once: bool) -> bytes:
    """Return all lines masked; the sieves' thread is waited for in the middle, or never."""
    masker, out = Masker(matcher), b""
    for number, line in enumerate(LINES):
        out += masker.feed(line)
        if at_once and number == len(LINES) // 2:
            for thread in threading.enumerate():
                if thread.name == "sieves":
                    thread.join()
    return out + masker.flush()


@pytest.mark.parametrize("at_once", [True, False], ids=["in the middle", "whenever"])
def test_a_stream_is_masked_before_and_after_its_sieves_have_come(
    monkeypatch: pytest.MonkeyPatch, *, at_once: bool
) -> None:
    made = []
    of_literals = sieve.of_literals

    def note(words: Iterable[bytes]) -> sieve.Sieve:
        made.append(threading.current_thread().name)
        return of_literals(words)

    monkeypatch.setattr(sieve, "of_literals", note)
    assert passed(Matcher([SECRET], builtin_rules(), beside=True), at_once=at_once) == MASKED
    assert made == ["sieves"]  # once, and never by the stream itself


@pytest.mark.parametrize("error", [MemoryError, OSError, ValueError])
def test_a_thread_that_fails_costs_nothing_but_speed(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(sieve, "of_keywords", fail)
    assert passed(Matcher([SECRET], builtin_rules(), beside=True), at_once=True) == MASKED
    assert capfd.readouterr() == ("", "")


def test_where_no_thread_can_be_had_there_is_no_sieve(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert passed(Matcher([SECRET], builtin_rules(), beside=True), at_once=False) == MASKED


def test_words_for_several_databases_are_all_found(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [b"word-%03d!" % number for number in range(50)]
    text = b", ".join(words) + b"." * 100
    at_once = sieve.of_literals(words).windows(text, 0)
    monkeypatch.setattr(sieve, "_MOST_AT_ONCE", 7)
    in_parts = sieve.of_literals(words).windows(text, 0)
    assert sorted(in_parts) == sorted(at_once)
    assert {text[start:end] for start, end in in_parts} == set(words)


@pytest.mark.parametrize("end", [b"EEE", b"eEe", b"-----", b"\0" * 4], ids=repr)
def test_words_that_end_in_one_byte_are_found_whole(end: bytes) -> None:
    words = [b"word-" + end, end * 3, b"word-%b2" % end]
    text = b"." * 70 + b", ".join(words) + b"." * 70
    found = sieve.of_literals(words).windows(text, 0)
    for word in words:
        start = text.index(word)
        assert any(begin <= start and start + len(word) <= stop for begin, stop in found)


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells it elsewhere otherwise")
def test_words_that_end_in_one_byte_cost_no_memory_to_speak_of() -> None:
    chance = random.Random(3)  # noqa: S311  # not keys
    words = ["".join(chance.sample(string.ascii_letters, 11)).encode() for _ in range(600)]

    def peak(more: bytes) -> int:
        # What the operating system calls its own largest size is that of the test's process.
        script = "import sys; from leakguard import sieve;"
        script += "sieve.of_literals([bytes.fromhex(each) for each in sys.argv[1:]]);"
        script += "status = open('/proc/self/status').read(); print(status.split('VmHWM:')[1][:12])"
        arguments = [each.hex() for each in [*words, more]]
        done = subprocess.run(  # noqa: S603  # our own interpreter
            [sys.executable, "-c", script, *arguments], capture_output=True, check=True
        )
        return int(done.stdout.split()[0])

    assert peak(b"a wordEEE") < 1.2 * peak(b"a wordEFG")


def test_what_comes_in_bulk_waits_for_its_sieves(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()
    make = sieves.Sieves._make

    def make_late(made: sieves.Sieves) -> None:
        begun.wait()
        make(made)

    monkeypatch.setattr(sieves, "_PATIENCE", 60)
    monkeypatch.setattr(sieves.Sieves, "_make", make_late)
    made = sieves.Sieves([SECRET.value], [], [], beside=True)
    later = threading.Timer(0.1, begun.set)
    try:
        assert made.at_hand(1_000_000) is None  # the first piece leaves at once
        later.start()
        assert made.at_hand(1_000_000) is not None
    finally:
        begun.set()
        later.cancel()


def test_what_comes_in_bulk_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sieves, "_PATIENCE", 0.01)
    going = threading.Event()
    monkeypatch.setattr(sieves.Sieves, "_make", lambda _: going.wait())
    made = sieves.Sieves([SECRET.value], [], [], beside=True)
    try:
        assert [made.at_hand(1_000_000) for _ in range(3)] == [None] * 3
    finally:
        going.set()
