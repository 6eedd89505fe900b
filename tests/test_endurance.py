"""Streams without measure: they come out as they went in, and memory does not grow with them.

What takes more than some seconds is `nightly`.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import sleep

import pytest

ROOT = Path(__file__).parent.parent
VALUE = "Vq7mZp2Lk9Rt4WxB"
MEGABYTE = 1_000_000
PIECE = 256 * 1024
MOST_MEMORY = 100 * MEGABYTE
# What escapes, readings and rules begin with, what they go on with, and what nothing knows.
BYTES = [
    b"a",
    b"\0",
    b" ",
    b"\n",
    b"\r",
    b"\x1b",
    b"\b",
    b"\\",
    b"%",
    b"=",
    b"&",
    b"'",
    b"V",
    b"\xe2",
]

nightly = pytest.mark.nightly


@dataclass(frozen=True, slots=True)
class Passage:
    """How a stream went through `leakguard mask`.

    Attributes:
        given: Digest of what went in.
        came: Digest of what came out.
        size: How many bytes came out.
        memory: The most bytes of memory that were resident.
        code: The exit code.
        told: What was written to standard error.
    """

    given: str
    came: str
    size: int
    memory: int
    code: int
    told: bytes


def passage(pieces: Iterator[bytes], rest: Callable[[int], None] = lambda _: None) -> Passage:
    """Return how a stream goes through `leakguard mask`; `rest` is told what has come by now."""
    (source, feeder), (reader, sink), (errors, told) = os.pipe(), os.pipe(), os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "leakguard", "mask", "--secrets", "env:VALUE"],
        cwd=ROOT,
        stdin=source,
        stdout=sink,
        stderr=told,
        env={**os.environ, "VALUE": VALUE},
    ) as masker:
        for descriptor in (source, sink, told):
            os.close(descriptor)
        feeding = _Feeding(pieces, feeder, masker.pid)
        came, size = hashlib.sha256(), 0
        while text := os.read(reader, PIECE):
            came.update(text)
            size += len(text)
            rest(size)
        feeding.join()
    os.close(reader)
    with os.fdopen(errors, "rb") as file:
        message = file.read()
    given, memory = feeding.digest.hexdigest(), feeding.memory
    return Passage(given, came.hexdigest(), size, memory, masker.returncode, message)


class _Feeding(threading.Thread):
    """Writes a stream to a masker, and looks at its memory in the end."""

    def __init__(self, pieces: Iterator[bytes], feeder: int, masker: int) -> None:
        super().__init__()
        self.digest = hashlib.sha256()
        self.memory = 0
        self._pieces = pieces
        self._feeder = feeder
        self._masker = masker
        self.start()

    def run(self) -> None:
        with suppress(BrokenPipeError):
            for piece in self._pieces:
                self.digest.update(piece)
                view = memoryview(piece)
                while view:
                    view = view[os.write(self._feeder, view) :]
        self.memory = resident(self._masker)
        os.close(self._feeder)


def resident(pid: int) -> int:
    """Return the most bytes that were resident in a process by now."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def noise(size: int) -> Iterator[bytes]:
    """Yield bytes drawn at random, the same at every run."""
    chance = Random(11)  # noqa: S311  # not keys
    while size > 0:
        yield chance.randbytes(min(size, PIECE))
        size -= PIECE


def device(size: int) -> Iterator[bytes]:
    """Yield bytes that the system draws."""
    with Path("/dev/urandom").open("rb") as file:
        while size > 0:
            yield file.read(min(size, PIECE))
            size -= PIECE


def repeated(byte: bytes, size: int) -> Iterator[bytes]:
    """Yield one byte over and over."""
    piece = byte * PIECE
    while size > 0:
        yield piece[: min(size, PIECE)]
        size -= PIECE


def came_through(stream: Iterator[bytes], size: int) -> None:
    """Check that a stream without a secret comes out as it went in, in bounded memory."""
    passed = passage(stream)
    assert (passed.code, passed.told, passed.size) == (0, b"", size)
    assert passed.came == passed.given
    assert passed.memory < MOST_MEMORY


def test_random_bytes_come_out_as_they_went_in() -> None:
    came_through(noise(8 * MEGABYTE), 8 * MEGABYTE)


@pytest.mark.parametrize("byte", BYTES, ids=repr)
def test_one_byte_without_end_takes_no_more_memory(byte: bytes) -> None:
    came_through(repeated(byte, 8 * MEGABYTE), 8 * MEGABYTE)


def test_a_long_line_takes_no_more_memory() -> None:
    came_through(repeated(b"a", 64 * MEGABYTE), 64 * MEGABYTE)


def test_a_text_that_is_all_secret_takes_no_more_memory() -> None:
    passed = passage(repeated(VALUE.encode(), MEGABYTE))
    assert (passed.code, passed.told, passed.size) == (0, b"", len(b"***"))
    assert passed.memory < MOST_MEMORY


def test_100_mb_of_the_systems_random_bytes_come_out_as_they_went_in() -> None:
    came_through(device(100 * MEGABYTE), 100 * MEGABYTE)


@nightly
@pytest.mark.parametrize("byte", [b"a", b"\0"], ids=repr)
def test_4_gib_of_one_byte_take_no_more_memory(byte: bytes) -> None:
    came_through(repeated(byte, 4 * 1024**3), 4 * 1024**3)


@nightly
@pytest.mark.parametrize("byte", BYTES, ids=repr)
def test_256_mb_of_one_byte_take_no_more_memory(byte: bytes) -> None:
    came_through(repeated(byte, 256 * MEGABYTE), 256 * MEGABYTE)


@nightly
def test_a_reader_that_dawdles_gets_100_mb_whole() -> None:
    def dawdle(size: int) -> None:
        if size % (8 * MEGABYTE) < PIECE:
            sleep(0.05)

    passed = passage(noise(100 * MEGABYTE), dawdle)
    assert (passed.code, passed.size, passed.came) == (0, 100 * MEGABYTE, passed.given)
