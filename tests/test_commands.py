"""Commands by which a job registers a secret: taken out of the stream, whole and in pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.commands import Commands, Registration
from leakguard.masker import Masker
from leakguard.matcher import Matcher
from leakguard.model import Secret
from tests.streams import cut, cuttings

VALUE = b"Zq81-mm92-Kd7x"


def taken_apart(*chunks: bytes) -> tuple[bytes, list[bytes]]:
    """Return the plain text and the registered values of a stream."""
    commands, text, values = Commands(), b"", []
    for parts in (*map(commands.feed, chunks), commands.flush()):
        for part in parts:
            if isinstance(part, Registration):
                values.append(part.value)
            else:
                text += part
    return text, values


@pytest.mark.parametrize(
    ("stream", "text", "values"),
    [
        (b"a\n::add-mask::%b\nb\n" % VALUE, b"a\nb\n", [VALUE]),
        (b"::add-mask::%b" % VALUE, b"", [VALUE]),
        (b"  ::add-mask::%b\r\nb" % VALUE, b"b", [VALUE]),
        (b"::ADD-MASK foo=bar::%b\nb" % VALUE, b"b", [VALUE]),
        (b"##[add-mask]%b\n" % VALUE, b"", [VALUE]),
        (b"::add-mask::p%25q-Zq81%0Amm2\n", b"", [b"p%q-Zq81\nmm2"]),
        (b"##vso[task.setsecret]a%AZP25b%0Ac\n", b"", [b"a%b\nc"]),
        (b"x ##vso[task.setsecret]%b\nb" % VALUE, b"x b", [VALUE]),
        (b"##vso[task.setvariable variable=x;issecret=true]%b\n" % VALUE, b"", [VALUE]),
        (
            b"##vso[task.setvariable variable=x]%b\n" % VALUE,
            b"##vso[task.setvariable variable=x]%b\n" % VALUE,
            [],
        ),
        (b"echo ::add-mask::zz9\nzz9", b"echo ::add-mask::zz9\nzz9", []),
        (b"::add-mas", b"::add-mas", []),
        (b"::add-mask::\n", b"", [b""]),
    ],
)
def test_a_command_is_taken_out(stream: bytes, text: bytes, values: list[bytes]) -> None:
    for lengths in ([1], [3], [1000]):
        assert taken_apart(*cut(stream, lengths)) == (text, values)


PARTS = [
    b"::add-mask::abc", b"::add-mask", b"::", b"\n", b"\r\n", b"\r", b" ", b"x", b"##vso[",
    b"##[add-mask]def", b"##vso[task.setsecret]ghi", b"task.setvariable issecret=true]",
]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=12).map(b"".join), cuttings())
def test_cuts_do_not_matter_to_commands(stream: bytes, lengths: list[int]) -> None:
    assert taken_apart(*cut(stream, lengths)) == taken_apart(stream)


def test_a_line_without_end_is_taken_as_far_as_it_may_be() -> None:
    commands = Commands()
    parts = list(commands.feed(b"::add-mask::" + b"v" * 100_000))
    parts += commands.feed(b"v" * 100_000)
    assert commands.held < 70_000
    parts += commands.feed(b"v\nnext")
    values = [part.value for part in parts if isinstance(part, Registration)]
    assert len(values) == 1
    assert set(values[0]) == {ord("v")}
    assert b"".join(part for part in parts if isinstance(part, bytes)) == b"next"


@given(cuttings())
def test_what_is_registered_is_masked_from_there_on(lengths: list[int]) -> None:
    masker = Masker(Matcher(), commands=True)
    stream = b"before\n::add-mask::%b\nvalue %b after\n" % (VALUE, VALUE)
    out = b"".join([*map(masker.feed, cut(stream, lengths)), masker.flush()])
    assert out == b"before\nvalue *** after\n"


@given(cuttings())
def test_a_command_in_the_middle_of_a_secret_still_begins_a_line(lengths: list[int]) -> None:
    lines = Secret("LINES", b"first-Qx7-line-88\nsecond-Zp9-line-77")
    masker = Masker(Matcher([lines]), commands=True, forward=True)
    stream = b"a first-Qx7-line-88\n::add-mask::%b\nsecond-Zp9-line-77 b\n" % VALUE
    out = b"".join([*map(masker.feed, cut(stream, lengths)), masker.flush()])
    assert b"\n::add-mask::%b\n" % VALUE in out
    assert out.replace(b"\n::add-mask::%b\n" % VALUE, b"") in (b"a *** b\n", b"a ****** b\n")


def test_what_one_stream_registers_is_masked_in_the_other() -> None:
    out, err = Masker(Matcher(), commands=True), Masker(Matcher(), commands=True)
    out.share(err)
    assert err.feed(b"::add-mask::%b\n" % VALUE) == b""
    assert out.feed(b"a %b b" % VALUE) + out.flush() == b"a *** b"


@given(cuttings())
def test_a_forwarded_command_stays_a_line_of_its_own(lengths: list[int]) -> None:
    masker = Masker(Matcher(), commands=True, forward=True)
    stream = b"before\n::add-mask::%b\nvalue %b\n" % (VALUE, VALUE)
    out = b"".join([*map(masker.feed, cut(stream, lengths)), masker.flush()])
    assert out == b"before\n::add-mask::%b\nvalue ***\n" % VALUE
