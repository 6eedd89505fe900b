"""What `pump` promises: at once, complete, masked, and nothing at all rather than something raw."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard import pipe
from leakguard.masker import Masker
from leakguard.matcher import Matcher
from leakguard.model import Secret
from leakguard.pipe import Masking, Stream, pump
from tests.hider import SECRET, Faulty, Hider

ROOT = Path(__file__).parent.parent
DRIVER = """
import sys
from leakguard.pipe import pump
from tests.hider import Hider
sys.exit(pump(0, 1, Hider()))
"""
T = TypeVar("T")
RAW = b"raw after the fault"


def start(*, script: str = DRIVER, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """Start a process that pumps its stdin to its stdout."""
    return subprocess.Popen(  # noqa: S603  # this very interpreter
        [sys.executable, "-c", script],
        cwd=ROOT,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


def put(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(data)


def seen(process: subprocess.Popen[bytes], length: int) -> bytes:
    """Return the next bytes that come out, waiting for as many as that."""
    assert process.stdout is not None
    data = b""
    while len(data) < length and (more := process.stdout.read(length - len(data))):
        data += more
    return data


def told(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes, int]:
    """Close stdin and return what else comes from stdout, all of stderr, and the exit code."""
    out, err = process.communicate(timeout=20)
    return out, err, process.returncode


def pumped(data: bytes, masker: Masking) -> tuple[bytes, int]:
    """Pump what fits a pipe, in this process."""
    source, feeder = os.pipe()
    reader, sink = os.pipe()
    os.write(feeder, data)
    os.close(feeder)
    code = pump(source, sink, masker)
    os.close(sink)
    with os.fdopen(reader, "rb") as file:
        out = file.read()
    os.close(source)
    return out, code


class _Fed:
    """A masker around another that writes the next piece itself, so that a read finds exactly one.

    What is left after a fault of the other is written at once: nobody will ask for it.
    """

    def __init__(self, masker: Masking, pieces: list[bytes], feeder: int) -> None:
        self._masker = masker
        self._pieces = [*pieces]
        self._feeder: int | None = feeder
        self._write_next()

    @property
    def holding(self) -> bool:
        return self._tried(lambda: self._masker.holding)

    def feed(self, data: bytes) -> bytes:
        self._write_next()
        return self._tried(lambda: self._masker.feed(data))

    def flush(self) -> bytes:
        return self._tried(self._masker.flush)

    def idle(self) -> bytes:
        return self._tried(self._masker.idle)

    def _tried(self, step: Callable[[], T]) -> T:
        try:
            return step()
        except BaseException:
            while self._feeder is not None:
                self._write_next()
            raise

    def _write_next(self) -> None:
        if self._feeder is None:
            return
        if self._pieces:
            os.write(self._feeder, self._pieces.pop(0))
            return
        os.close(self._feeder)
        self._feeder = None


def pumped_in_pieces(pieces: list[bytes], masker: Masking) -> tuple[bytes, int]:
    source, feeder = os.pipe()
    reader, sink = os.pipe()
    code = pump(source, sink, _Fed(masker, pieces, feeder))
    os.close(sink)
    os.close(source)
    with os.fdopen(reader, "rb") as file:
        return file.read(), code


@given(st.binary(max_size=2000))
def test_without_a_secret_every_byte_passes_as_it_is(data: bytes) -> None:
    assert pumped(data, Masker(Matcher())) == (data, 0)


def test_the_masker_masks_between_two_descriptors() -> None:
    value = b"Vq7mZp2Lk9Rt4WxB"
    masker = Masker(Matcher([Secret("TOKEN", value)]))
    assert pumped(b"a " + value + b" b", masker) == (b"a *** b", 0)


@pytest.mark.parametrize("size", [1, 2, 5, 11])
def test_a_secret_that_comes_in_pieces_is_masked(size: int) -> None:
    text = b"\x00\xff a " + SECRET + b"\r\n" + SECRET + SECRET + b" SECRET- end"
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert pumped_in_pieces(pieces, Hider()) == (text.replace(SECRET, b"***"), 0)


def test_a_prompt_without_newline_comes_out_while_its_writer_waits() -> None:
    with start() as process:
        put(process, b"Password: ")
        assert seen(process, 10) == b"Password: "
        assert told(process) == (b"", b"", 0)


def test_a_short_held_prefix_comes_out_in_a_silence() -> None:
    with start() as process:
        put(process, b"Continue? YES")
        assert seen(process, 13) == b"Continue? YES"
        assert told(process) == (b"", b"", 0)


def test_a_long_held_prefix_waits_for_what_it_becomes() -> None:
    with start() as process:
        put(process, b"a SECRET-")
        assert seen(process, 2) == b"a "
        sleep(0.1)
        put(process, b"VALUE b")
        assert seen(process, 5) == b"*** b"
        assert told(process) == (b"", b"", 0)


class _Listed(Hider):
    """Lists its calls, and has the source end well after the first silence."""

    def __init__(self, feeder: int, *, holding: bool) -> None:
        super().__init__()
        self.calls: list[str] = []
        self._feeder = feeder
        self._holds = holding

    @property
    def holding(self) -> bool:
        return self._holds

    def feed(self, data: bytes) -> bytes:
        self.calls.append("feed")
        if not self._holds:
            self._end_source_soon()
        return data

    def flush(self) -> bytes:
        self.calls.append("flush")
        return b""

    def idle(self) -> bytes:
        self.calls.append("idle")
        self._end_source_soon()
        return b""

    def _end_source_soon(self) -> None:
        threading.Timer(0.15, os.close, (self._feeder,)).start()


@pytest.mark.parametrize(
    ("holding", "calls"),
    [
        pytest.param(True, ["feed", "idle", "flush"], id="holding"),
        pytest.param(False, ["feed", "flush"], id="holding nothing"),
    ],
)
def test_a_silence_is_told_to_the_masker_once_and_only_when_it_holds(
    holding: bool,  # noqa: FBT001  # pytest passes it by name
    calls: list[str],
) -> None:
    source, feeder = os.pipe()
    os.write(feeder, b"x")
    masker = _Listed(feeder, holding=holding)
    with open(os.devnull, "wb") as sink:  # noqa: PTH123  # a device
        assert pump(source, sink.fileno(), masker) == 0
    os.close(source)
    assert masker.calls == calls


def a_pipe() -> tuple[int, int]:
    return os.pipe()


def a_non_blocking_pipe() -> tuple[int, int]:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    return reader, writer


def a_socket() -> tuple[int, int]:
    reader, writer = socket.socketpair()
    return reader.detach(), writer.detach()


@pytest.mark.parametrize("sink", [a_pipe, a_non_blocking_pipe, a_socket])
def test_a_slow_reader_gets_every_byte(sink: Callable[[], tuple[int, int]]) -> None:
    text = b"".join(b"line %06d of twenty megabytes\n" % i for i in range(1000)) * 650
    reader, writer = sink()
    with start(stdout=writer) as process, os.fdopen(reader, "rb", buffering=0) as file:
        os.close(writer)
        feeding = threading.Thread(target=put_all, args=(process, text))
        feeding.start()
        received = b"".join(slowly(file.read))
        feeding.join()
        assert (process.wait(20), received == text) == (0, True)


def put_all(process: subprocess.Popen[bytes], data: bytes) -> None:
    view = memoryview(data)
    while view and process.stdin is not None:
        view = view[process.stdin.write(view) :]
    if process.stdin is not None:
        process.stdin.close()


def slowly(read: Callable[[int], bytes | None]) -> Iterator[bytes]:
    """Read to the end, pausing at first so that pipes fill up."""
    count = 0
    while data := read(100_000):
        count += len(data)
        yield data
        if count < 5_000_000:
            sleep(0.002)


def test_a_descriptor_that_others_share_is_not_unblocked() -> None:
    reader, sink = os.pipe()
    with open(os.devnull, "rb") as source:  # noqa: PTH123  # a device
        pump(source.fileno(), sink, Hider())
    assert os.get_blocking(sink)
    os.close(sink)
    os.close(reader)


def test_a_file_is_appended_to_as_any_command_would(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"before\n")
    with log.open("ab") as sink, start(stdout=sink.fileno()) as process:
        put(process, b"after " + SECRET)
        assert told(process)[1:] == (b"", 0)
    assert log.read_bytes() == b"before\nafter ***"


def test_a_reader_that_leaves_is_no_failure() -> None:
    with start() as process:
        assert process.stdout is not None
        put(process, b"first")
        assert seen(process, 5) == b"first"
        process.stdout.close()
        put(process, b"second")
        assert (process.wait(20), read_all(process.stderr)) == (0, b"")


def read_all(file: object) -> bytes:
    return file.read() if hasattr(file, "read") else b""


def test_a_full_disk_is_told_once_and_the_producer_is_drained() -> None:
    with open("/dev/full", "wb") as full, start(stdout=full.fileno()) as process:  # noqa: PTH123
        put_all(process, bytes(5_000_000))
        assert process.wait(20) == 125
        assert read_all(process.stderr) == b"leakguard: cannot write: No space left on device\n"


def test_a_source_that_cannot_be_read_is_a_failure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = os.open(tmp_path, os.O_RDONLY)
    assert pump(directory, 1, Hider()) == 125
    os.close(directory)
    assert capfd.readouterr() == ("", "leakguard: cannot read: Is a directory\n")


@pytest.mark.parametrize(
    ("closed", "out", "err", "code"),
    [
        pytest.param("<&-", b"", b"leakguard: cannot read: Bad file descriptor\n", 125, id="stdin"),
        pytest.param(
            ">&-", b"", b"leakguard: cannot write: Bad file descriptor\n", 125, id="stdout"
        ),
        pytest.param("2>&-", b"text", b"", 0, id="stderr"),
    ],
)
def test_a_closed_standard_descriptor_is_not_mistaken_for_a_pipe_of_ours(
    closed: str, out: bytes, err: bytes, code: int
) -> None:
    process = subprocess.run(  # noqa: S603  # this very interpreter
        ["/bin/sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, DRIVER],
        cwd=ROOT,
        input=b"text",
        capture_output=True,
        check=False,
    )
    assert (process.stdout, process.stderr, process.returncode) == (out, err, code)


@pytest.mark.parametrize("healthy", range(8))
@pytest.mark.parametrize("error", [ValueError(SECRET.decode()), MemoryError(), KeyboardInterrupt()])
def test_after_a_fault_nothing_passes_and_its_type_alone_is_told(
    healthy: int, error: BaseException, capfd: pytest.CaptureFixture[str]
) -> None:
    # Each piece takes two calls, the end two more: every one of them fails once.
    pieces = [b"one ", b"two ", b"three " + SECRET]
    masked = [b"one ", b"two ", b"three ***"]
    out, code = pumped_in_pieces(pieces, Faulty(healthy, error))
    assert (out, code) == (b"".join(masked[: healthy // 2]), 125)
    name = type(error).__name__
    message = f"leakguard: output withheld: internal error ({name})\n"
    assert capfd.readouterr() == ("", message)


def test_a_fault_in_a_silence_withholds_too(capfd: pytest.CaptureFixture[str]) -> None:
    source, feeder = os.pipe()
    reader, sink = os.pipe()
    os.write(feeder, b"one S")
    ending = threading.Timer(0.2, end, (feeder, RAW))
    ending.start()
    assert pump(source, sink, Faulty(2)) == 125
    ending.join()
    os.close(sink)
    with os.fdopen(reader, "rb") as file:
        assert file.read() == b"one "
    os.close(source)
    message = "leakguard: output withheld: internal error (ValueError)\n"
    assert capfd.readouterr() == ("", message)


def end(feeder: int, last: bytes) -> None:
    os.write(feeder, last)
    os.close(feeder)


def test_a_masker_that_returns_no_bytes_has_failed(capfd: pytest.CaptureFixture[str]) -> None:
    class Wrong(Hider):
        def feed(self, data: bytes) -> bytes:
            return data.decode()  # type: ignore[return-value]  # the fault to withstand

    assert pumped(RAW, Wrong()) == (b"", 125)
    assert capfd.readouterr().err == "leakguard: output withheld: internal error (TypeError)\n"


def test_after_a_fault_the_producer_is_still_drained() -> None:
    script = DRIVER.replace("Hider", "Faulty").replace("Faulty())", "Faulty(0))")
    with start(script=script) as process:
        put_all(process, RAW * 300_000)
        assert process.wait(20) == 125
        assert (seen(process, 1), read_all(process.stderr)) == (
            b"",
            b"leakguard: output withheld: internal error (ValueError)\n",
        )


def test_a_read_without_memory_withholds(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    real, failures = os.read, iter([MemoryError()])

    def read(descriptor: int, size: int) -> bytes:
        if error := next(failures, None):
            raise error
        return real(descriptor, size)

    monkeypatch.setattr(os, "read", read)
    assert pumped(RAW, Hider()) == (b"", 125)
    assert capfd.readouterr().err == "leakguard: output withheld: internal error (MemoryError)\n"


def test_a_read_that_never_has_memory_ends_the_stream(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def read(_descriptor: int, _size: int) -> bytes:
        raise MemoryError

    monkeypatch.setattr(os, "read", read)
    assert pump_to_nowhere() == 125
    assert capfd.readouterr().err == "leakguard: output withheld: internal error (MemoryError)\n"


def pump_to_nowhere() -> int:
    with open("/dev/zero", "rb") as source, open(os.devnull, "wb") as sink:  # noqa: PTH123  # devices
        return pump(source.fileno(), sink.fileno(), Hider())


def test_with_threads_instead_of_polling_a_fault_while_reading_ends_the_stream(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def read(_descriptor: int, _size: int) -> bytes:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(pipe, "POLLABLE", False)
    monkeypatch.setattr(os, "read", read)
    assert pump_to_nowhere() == 125
    assert capfd.readouterr().err == "leakguard: output withheld: internal error (RuntimeError)\n"


def test_a_read_that_finds_nothing_after_all_is_not_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, failures = os.read, iter([BlockingIOError(errno.EAGAIN, "")])

    def read(descriptor: int, size: int) -> bytes:
        if error := next(failures, None):
            raise error
        return real(descriptor, size)

    monkeypatch.setattr(os, "read", read)
    assert pumped(b"text", Hider()) == (b"text", 0)


def test_an_interrupt_leaves_the_producers_last_words_to_be_masked() -> None:
    with start() as process:
        put(process, b"a SECRET-")
        assert seen(process, 2) == b"a "
        process.send_signal(signal.SIGINT)
        sleep(0.1)
        put(process, b"VALUE bye")
        assert told(process) == (b"*** bye", b"", 130)


def test_a_second_interrupt_ends_it() -> None:
    with start() as process:
        put(process, b"a SECRET-")
        assert seen(process, 2) == b"a "
        process.send_signal(signal.SIGINT)
        sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert (process.wait(20), seen(process, 8)) == (130, b"SECRET-")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_termination_ends_it_with_what_is_held(number: signal.Signals) -> None:
    with start() as process:
        put(process, b"a SECRET-")
        assert seen(process, 2) == b"a "
        process.send_signal(number)
        assert (process.wait(20), seen(process, 8)) == (128 + number, b"SECRET-")


def test_termination_does_not_wait_for_a_reader_that_is_stuck() -> None:
    with start() as process:
        feeding = threading.Thread(target=put_until_broken, args=(process,))
        feeding.start()
        assert seen(process, 1) == b"x"
        sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
        feeding.join()


def put_until_broken(process: subprocess.Popen[bytes]) -> None:
    try:
        put_all(process, b"x" * 50_000_000)
    except BrokenPipeError:
        return


def test_a_signal_that_was_ignored_stays_ignored() -> None:
    script = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{DRIVER}"
    with start(script=script) as process:
        put(process, b"a ")
        assert seen(process, 2) == b"a "
        process.send_signal(signal.SIGHUP)
        sleep(0.1)
        put(process, b"b")
        assert told(process) == (b"b", b"", 0)


def test_signal_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert pumped(b"x", Hider()) == (b"x", 0)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_no_descriptor_is_left_open() -> None:
    pumped(b"x", Hider())
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208  # one of them is the listing's own
    pumped(b"x", Hider())
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_message_is_one_line_without_control_characters(
    capfd: pytest.CaptureFixture[str],
) -> None:
    pipe.tell("a\n::error::\x1b[2J\u202eb é")
    assert capfd.readouterr().err == "leakguard: a\\x0a::error::\\x1b[2J\\x202eb é\n"


def test_with_threads_instead_of_polling_the_same_comes_out(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipe, "POLLABLE", False)
    text = b"a " + SECRET + b" SECRET- S"
    assert pumped(text, Hider()) == (text.replace(SECRET, b"***"), 0)
    assert pumped_in_pieces([b"one ", b"two "], Faulty(2)) == (b"one ", 125)
    assert capfd.readouterr().err == "leakguard: output withheld: internal error (ValueError)\n"


def test_with_threads_instead_of_polling_a_prompt_comes_out_at_once() -> None:
    script = f"from leakguard import pipe; pipe.POLLABLE = False\n{DRIVER}"
    with start(script=script) as process:
        put(process, b"Continue? YES")
        assert seen(process, 13) == b"Continue? YES"
        put(process, b" " + SECRET)
        assert told(process) == (b" ***", b"", 0)


def test_a_stream_cut_off_keeps_what_was_pending_before_what_was_held() -> None:
    reader, sink = os.pipe()
    os.set_blocking(sink, False)
    stream = Stream(reader, sink, Hider())
    room = 1024 * 1024
    stream.accept(b"x" * (room + 10) + b"SECRET-")
    stream.finish()
    assert not stream.done
    received = b""
    while len(received) < room + 17:
        received += os.read(reader, room)
        if not stream.done:
            stream.go_on()
    assert (received, stream.done) == (b"x" * (room + 10) + b"SECRET-", True)
    stream.close()
    os.close(reader)
    os.close(sink)
