"""Commands by which a job registers a secret: taken out of the stream, whole and in pieces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leakguard.commands import (
    ACT,
    AZURE,
    AZURE_LINES,
    GITEA,
    GITHUB,
    Commands,
    Dialect,
    Forwarded,
    Part,
    Registration,
)
from leakguard.masker import Masker
from leakguard.matcher import Matcher
from leakguard.model import Secret
from tests import obeyed
from tests.runners import ActRunner, AzureAgent, GiteaRunner, GithubRunner, Runner
from tests.streams import cut, cuttings

VALUE = b"Zq81-mm92-Kd7x"
OTHER = b"Tn4cYb8DHw3Fj6Kv"
MARK = b"\xef\xbb\xbf"


def parts_of(chunks: Iterable[bytes], host: Dialect | None = None) -> list[Part]:
    """Return what a stream is made of; pieces of text and of commands joined where they meet."""
    commands = Commands(host)
    joined: list[Part] = []
    for part in (part for parts in _all(commands, chunks) for part in parts):
        before = joined[-1] if joined else None
        if isinstance(part, bytes) and isinstance(before, bytes):
            joined[-1] = before + part
        elif isinstance(part, Forwarded) and not part.begins and isinstance(before, Forwarded):
            joined[-1] = Forwarded(before.text + part.text, before.begins)
        else:
            joined.append(part)
    return joined


def _all(commands: Commands, chunks: Iterable[bytes]) -> Iterable[Iterable[Part]]:
    yield from ([data] if commands.passes(data) else commands.feed(data) for data in chunks)
    yield commands.flush()


def taken_apart(*chunks: bytes) -> tuple[bytes, list[bytes]]:
    """Return the plain text and the registered values of a stream."""
    parts = parts_of(chunks)
    text = b"".join(part for part in parts if isinstance(part, bytes))
    return text, [part.value for part in parts if isinstance(part, Registration)]


def masked(chunks: Iterable[bytes], host: Dialect | None = None, *secrets: Secret) -> bytes:
    """Return what a masker that obeys commands makes of a stream."""
    masker = Masker(Matcher(secrets), commands=True, forward=host)
    return b"".join([*map(masker.feed, chunks), masker.flush()])


def seen(chunks: Iterable[bytes], host: Dialect) -> bytes:
    """Return what the host gets of a stream, with text as it came."""
    parts = (part.text if isinstance(part, Forwarded) else part for part in parts_of(chunks, host))
    return b"".join(part for part in parts if isinstance(part, bytes))


# Which lines are commands.


@pytest.mark.parametrize(
    ("stream", "text", "values"),
    [
        (b"a\n::add-mask::%b\nb\n" % VALUE, b"a\nb\n", [VALUE]),
        (b"::add-mask::%b" % VALUE, b"", [VALUE]),
        (b"  ::add-mask::%b\r\nb" % VALUE, b"b", [VALUE]),
        (b" \t\xc2\xa0\xe3\x80\x80::add-mask::%b\nb" % VALUE, b"b", [VALUE]),
        (MARK + b"::add-mask::%b\nb" % VALUE, b"b", [VALUE]),
        (b"a\n%b ::add-mask::%b\nb" % (MARK, VALUE), b"a\nb", [VALUE]),
        (b"::ADD-MASK foo=bar,a=b:c::%b\nb" % VALUE, b"b", [VALUE]),
        (b"::add-mask::a::%b\n" % VALUE, b"", [b"a::" + VALUE]),
        (b"##[add-mask]%b\n" % VALUE, b"", [VALUE]),
        (b"  ##[Add-Mask foo=bar]a]b%%5D%%3B%%25%b\n" % VALUE, b"", [b"a]b];%" + VALUE]),
        (b"::add-mask::p%25q-Zq81%0Amm2\n", b"", [b"p%q-Zq81\nmm2"]),
        (b"::add-mask::p%250Aq%0aq\n", b"", [b"p%0Aq%0aq"]),
        (b"##vso[task.setsecret]a%AZP25b%0Ac%5D%3B]\n", b"", [b"a%b\nc];]"]),
        (b"##VSO[Task.SetSecret x=y]%b\n" % VALUE, b"", [VALUE]),
        (b"##vso[task.setvariable variable=x;issecret=true]%b\n" % VALUE, b"", [VALUE]),
        (b"##vso[task.setvariable isSecret=TRUE;variable=x]%b\nb" % VALUE, b"b", [VALUE]),
        (b"##vso[task.setvariable variable=a%%5Db; issecret = true ]%b\n" % VALUE, b"", [VALUE]),
        (b"a\r::add-mask::%b\nb" % VALUE, b"a\r \nb", [VALUE]),
        (b"a\n::add-mask::%b\rb" % VALUE, b"a\n\rb", [VALUE]),
        (b"::add-mask::\n", b"", []),
        (b"::add-mask:: \t\nb", b"b", []),
    ],
)
def test_a_command_is_taken_out(stream: bytes, text: bytes, values: list[bytes]) -> None:
    for lengths in ([1], [3], [1000]):
        assert taken_apart(*cut(stream, lengths)) == (text, values)


@pytest.mark.parametrize(
    "stream",
    [
        b"echo ::add-mask::zz9\nzz9",
        b"+ echo '##vso[task.setsecret]zz9'\n",
        b"x ##[add-mask]zz9\n",
        b"::add-mas",
        b"::add-mask",
        b"::add-mask:",
        b"::add-masks::zz9\n",
        b":: add-mask::zz9\n",
        b"::add-mask foo\n::\n",
        b"##[add-mask\n]zz9\n",
        b"##vso[task.setsecrets]zz9\n",
        b"##vso[build.setsecret]zz9\n",
        b"##vso[task.setvariable variable=x]zz9\n",
        b"##vso[task.setvariable variable=x;issecret=false]zz9\n",
        b"##vso[task.setvariable variable=x]issecret=true]zz9\n",
        b"\x1b[0m::add-mask::zz9\n",
    ],
)
def test_what_is_none_stays_as_it_is(stream: bytes) -> None:
    for lengths in ([1], [3], [1000]):
        assert taken_apart(*cut(stream, lengths)) == (stream, [])


PIECES = [
    b"::add-mask::abc", b"::add-mask", b"::", b"\n", b"\r\n", b"\r", b" ", b"x", b"##vso[",
    b"##[add-mask]def", b"##vso[task.setsecret]ghi", b"task.setvariable variable=a;issecret=true]",
    b"::stop-commands::jkl", b"jkl::", b"##[stop-commands]mno", MARK, b"\xc2\xa0", b"\xe2\x80",
]  # fmt: skip
STREAMS = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)
HOSTS: list[tuple[Dialect, Callable[[], Runner]]] = [
    (GITHUB, GithubRunner),
    (ACT, ActRunner),
    (GITEA, GiteaRunner),
    (AZURE, AzureAgent),
    (AZURE_LINES, lambda: AzureAgent(lines=True)),
]
NAMES = ["github", "act", "gitea", "azure", "azure of several lines"]


@pytest.mark.parametrize("host", [None, GITHUB, ACT, AZURE], ids=["none", "github", "act", "azure"])
@given(stream=STREAMS, lengths=cuttings())
def test_cuts_do_not_matter_to_commands(
    host: Dialect | None, stream: bytes, lengths: list[int]
) -> None:
    assert parts_of(cut(stream, lengths), host) == parts_of([stream], host)


@given(STREAMS)
def test_only_whole_lines_are_taken_out(stream: bytes) -> None:
    lines, left = re.split(rb"[\r\n]+", stream), re.split(rb"[\r\n]+", taken_apart(stream)[0])
    assert Counter(filter(bytes.strip, left)) - Counter(lines) == Counter()


@given(STREAMS)
@example(b"::set-output name=x\r::add-mask::abc\n::y\n")
@example(b"::set-output name=x::y\r::add-mask::abc\r\r\n")
@example(b"a\n::add-mask::abc\r::set-output name=x::y\n")
@example(b"::set-output name=x::\n::add-mask::abc\n::error::y\n")
def test_what_is_left_joins_to_no_command(stream: bytes) -> None:
    left, _ = taken_apart(stream)
    assert obeyed.commands(left) - obeyed.commands(stream) == Counter()
    assert act_commands(left) - act_commands(stream) == Counter()


def act_commands(log: bytes) -> Counter[bytes]:
    lines = re.findall(rb"[^\n]*\n|[^\n]+", log)
    command = re.compile(rb"::([^ ]+)(?: .+)?::[^\r\n]*[\r\n]+|##\[([^ ]+)(?: .+)?][^\r\n]*[\r\n]+")
    return Counter(found[1] or found[2] for line in lines if (found := command.fullmatch(line)))


# Long lines, silence, and what is held.


@pytest.mark.parametrize("ending", [b"v\nnext", b"v\r\nnext", b"v\rnext", b""])
def test_a_line_without_end_is_taken_as_far_as_it_may_be(ending: bytes) -> None:
    commands = Commands()
    parts = list(commands.feed(b"::add-mask::" + b"v" * 100_000))
    parts += commands.feed(b"v" * 100_000)
    assert commands.held < 70_000
    parts += [*commands.feed(ending), *commands.flush()]
    values = [part.value for part in parts if isinstance(part, Registration)]
    assert [set(value) for value in values] == [{ord("v")}]
    left = b"".join(part for part in parts if isinstance(part, bytes))
    # Where the line's end was no line feed, it is what keeps the lines around it apart.
    assert left == {b"v\rnext": b"\rnext", b"": b""}.get(ending, b"next")


def test_a_long_line_is_cut_behind_a_whole_escape() -> None:
    stream = b"::add-mask::" + b"abc%0A" * 20_000 + b"\n"
    _, values = taken_apart(stream)
    assert values[0].strip(b"abc\n") == b""
    assert taken_apart(*cut(stream, [4_000])) == (b"", values)


def test_a_long_command_goes_to_its_host_whole_and_as_it_came() -> None:
    stream = b"a\n::add-mask::" + b"v" * 200_000 + b"\r\nb\n"
    for lengths in ([7_000], [1_000_000]):
        parts = parts_of(cut(stream, lengths), GITHUB)
        assert b"".join(p.text for p in parts if isinstance(p, Forwarded)) == stream[2:-2]
        assert [part for part in parts if isinstance(part, bytes)] == [b"a\n", b"b\n"]


def test_what_can_be_no_command_leaves_at_once() -> None:
    commands = Commands(GITHUB)
    for text in (b"# ", b"$ ", b":x", b"\n", b"std::vector", b"::error::half a line", b"##vsx"):
        assert b"".join(part for part in commands.feed(text) if isinstance(part, bytes)) == text
        assert commands.held == 0


def test_blanks_without_end_are_not_held_and_still_begin_a_command() -> None:
    commands = Commands()
    blanks = b" " * 1_000
    left = b"".join(part for part in commands.feed(blanks) if isinstance(part, bytes))
    assert left == blanks
    assert list(commands.feed(b"::add-mask::%b\nb" % VALUE)) == [
        Registration("add-mask", VALUE),
        b"\nb",
    ]


@pytest.mark.parametrize("before", [b"", b":", b"::", b"::a", b"##v", b"  ::", b" "])
@pytest.mark.parametrize("host", [None, GITHUB, AZURE], ids=["none", "github", "azure"])
def test_silence_in_a_command_changes_nothing(before: bytes, host: Dialect | None) -> None:
    command = b"::add-mask::%b" if host is not AZURE else b"##vso[task.setsecret]%b"
    line = b"  " * before.startswith(b" ") + (command % VALUE)
    if not line.startswith(before):
        line = before + line
    masker = Masker(Matcher(), commands=True, forward=host)
    out = masker.feed(line[: len(before)]) + masker.idle()
    assert not masker.holding
    out += masker.feed(line[len(before) :] + b"\n") + masker.idle()
    out += masker.feed(VALUE + b"\n") + masker.flush()
    is_command = line.lstrip().startswith((b"::add-mask", b"##vso"))
    if not is_command:
        assert out == line + b"\n" + VALUE + b"\n"
    elif host:
        assert out == line + b"\n***\n"
    else:
        assert out == before + b"\n" * bool(before) + b"***\n"


def test_a_longer_beginning_waits_in_silence() -> None:
    commands = Commands()
    assert list(commands.feed(b"a\n::ad")) == [b"a\n"]
    assert commands.idle() == b""
    assert commands.held == 4


# What is registered.


@settings(max_examples=100)  # each makes all forms
@given(cuttings())
def test_what_is_registered_is_masked_from_there_on(lengths: list[int]) -> None:
    stream = b"before\n::add-mask::%b\nvalue %b after\n" % (VALUE, VALUE)
    assert masked(cut(stream, lengths)) == b"before\nvalue *** after\n"


def test_each_line_of_a_value_is_registered() -> None:
    stream = b"::add-mask::%b%%0A%b\n%b|%b|\n" % (VALUE, OTHER, OTHER, VALUE)
    assert masked([stream]) == b"***|***|\n"


def test_a_value_is_registered_without_its_colors_too() -> None:
    painted = b"\x1b[31mZq81-\x1b[1mmm92-Kd7x\x1b[0m"
    stream = b"::add-mask::%b\n%b|%b|%b\n" % (painted, VALUE, painted, VALUE.hex().encode())
    out = masked([stream])
    assert re.sub(rb"\x1b\[\d*m", b"", out) == b"***|***|***\n"


@pytest.mark.parametrize("value", [b"true", b"e", b" ", b"", b"aaaaaaaa", b"%0A"])
def test_a_weak_value_is_registered_nowhere_and_named_nowhere(value: bytes) -> None:
    masker = Masker(Matcher(), commands=True)
    stream = b"::add-mask::%b\ntrue e aaaaaaaa\n" % value
    assert masker.feed(stream) + masker.flush() == b"true e aaaaaaaa\n"
    assert masker.leaks == ()


def test_the_command_names_what_it_registered() -> None:
    masker = Masker(Matcher(), commands=True, label=True)
    out = masker.feed(b"##vso[task.setsecret]%b\n%b\n" % (VALUE, VALUE))
    assert out == b"[MASKED:setsecret:raw]\n"


def test_a_value_registered_a_thousand_times_is_searched_for_once() -> None:
    masker = Masker(Matcher(), commands=True)
    masker.feed(b"::add-mask::%b\n" % VALUE)
    before = masker.matcher
    masker.feed(b"::add-mask::%b\n" % VALUE * 1_000)
    assert masker.matcher is before


@pytest.mark.parametrize("host", [None, GITHUB], ids=["none", "github"])
def test_what_one_stream_registers_is_masked_in_the_other(host: Dialect | None) -> None:
    out, err = (Masker(Matcher(), commands=True, forward=host) for _ in range(2))
    out.share(err)
    err.feed(b"::add-mask::%b\n" % VALUE)
    assert out.feed(b"a %b b" % VALUE) + out.flush() == b"a *** b"


def test_what_one_stream_registers_is_masked_in_what_the_other_holds() -> None:
    known = Secret("KNOWN", VALUE + b"-and-more-of-it")
    out, err = (Masker(Matcher([known]), commands=True) for _ in range(2))
    out.share(err)
    assert out.feed(b"a " + VALUE) == b"a "
    err.feed(b"::add-mask::%b\n" % VALUE)
    assert out.feed(b" b") + out.flush() == b"*** b"


# What the host sees.


@settings(max_examples=100)  # as above
@given(cuttings())
def test_a_forwarded_command_stays_a_line_of_its_own(lengths: list[int]) -> None:
    stream = b"before\n::add-mask::%b\nvalue %b\n" % (VALUE, VALUE)
    out = masked(cut(stream, lengths), GITHUB)
    assert out == b"before\n::add-mask::%b\nvalue ***\n" % VALUE


@settings(max_examples=100)  # as above
@given(cuttings())
def test_a_command_in_the_middle_of_a_secret_still_begins_a_line(lengths: list[int]) -> None:
    lines = Secret("LINES", b"first-Qx7-line-88\nsecond-Zp9-line-77")
    stream = b"a first-Qx7-line-88\n::add-mask::%b\nsecond-Zp9-line-77 b\n" % VALUE
    out = masked(cut(stream, lengths), GITHUB, lines)
    assert b"\n::add-mask::%b\n" % VALUE in out
    assert out.replace(b"\n::add-mask::%b\n" % VALUE, b"") in (b"a *** b\n", b"a ****** b\n")


@pytest.mark.parametrize(
    ("host", "line"),
    [
        (GITHUB, b"##vso[task.setsecret]%b\n"),
        (GITHUB, b"\n" + MARK + b"::add-mask::%b\n"),
        (ACT, b" ::add-mask::%b\n"),
        (ACT, b"::ADD-MASK::%b\n"),
        (ACT, b"::add-mask foo=bar::%b\n"),
        (ACT, b"::add-mask::a::%b\n"),
        (ACT, b"\r::add-mask::%b\n"),
        (ACT, b"::add-mask::%b\r"),
        (ACT, b"::add-mask::%b"),
        (ACT, b"##[add-mask]a]%b\n"),
        (GITEA, b"##[add-mask]%b\n"),
        (AZURE, b"::add-mask::%b\n"),
        (AZURE, b"##[add-mask]%b\n"),
        (AZURE, b"##VSO[task.setsecret]%b\n"),
        (AZURE, b"##vso[task.setvariable issecret=true]%b\n"),
        (AZURE, b"##vso[task.setvariable variable=x;issecret=true]%b%%0Amore\n"),
    ],
)
def test_a_command_that_the_host_would_print_is_kept_from_it(host: Dialect, line: bytes) -> None:
    masker = Masker(Matcher(), commands=True, forward=host)
    out = masker.feed(line % VALUE) + masker.flush()
    assert VALUE not in out
    assert masker.feed(b"a %b|b" % VALUE) + masker.flush() == b"a ***|b"


def test_between_stop_and_resume_values_are_registered_here_only() -> None:
    stream = b"::stop-commands::tok\n::add-mask::%b\n::TOK::\n%b\n::add-mask::%b\n%b\n" % (
        VALUE,
        VALUE,
        OTHER,
        OTHER,
    )
    for lengths in ([1], [5], [1_000]):
        assert masked(cut(stream, lengths), GITHUB) == (
            b"::stop-commands::tok\n::TOK::\n***\n::add-mask::%b\n***\n" % OTHER
        )


@pytest.mark.parametrize(
    "stop",
    [
        b"x ##[stop-commands]tok\n::tok::\n",
        b"::stop-commands::\n::::\n",
        b"::stop-commands::%b\n" % (b"t" * 100_000),
        b"  ::stop-commands foo=bar::tok\n::token::\n",
        b"a\n" + MARK + b"::stop-commands::tok\n::tok::\n",
    ],
)
@pytest.mark.parametrize("host", [GITHUB, ACT], ids=["github", "act"])
def test_in_doubt_the_host_has_stopped(host: Dialect, stop: bytes) -> None:
    stream = stop + b"::add-mask::%b\n" % VALUE
    for lengths in ([7], [1_000_000]):
        assert masked(cut(stream, lengths), host) == stop


@pytest.mark.parametrize(
    "stop",
    [
        b"::stop-commands::tok\n::TOK::\n",
        b"::stop-commands::tok\n::tok a=b::\n",
        b"::stop-commands::tok\na\r::tok::\n",
        b"::stop-commands::tok\r\n\r::stop-commands::other\n::tok::\n",
        b"::Stop-Commands::tok\n::tok::\n",
    ],
)
def test_act_has_stopped_in_doubt_where_github_has_not(stop: bytes) -> None:
    stream = stop + b"::add-mask::%b\n" % VALUE
    assert masked([stream], ACT) == stop
    assert masked([stream], GITHUB) == stream
    plain = b"::stop-commands::tok\n::tok::\n::add-mask::%b\n" % VALUE
    assert masked([plain], ACT) == plain


def test_what_stops_one_stream_stops_the_other_for_good() -> None:
    out, err = (Masker(Matcher(), commands=True, forward=GITHUB) for _ in range(2))
    out.share(err)
    assert err.feed(b"::add-mask::%b\n" % VALUE) == b"::add-mask::%b\n" % VALUE
    assert out.feed(b"::stop-commands::tok\n::tok::\n") == b"::stop-commands::tok\n::tok::\n"
    assert err.feed(b"::add-mask::%b\n" % OTHER) == b""
    assert out.feed(b"::add-mask::%b\n" % OTHER) == b"::add-mask::%b\n" % OTHER


LEADS = [b"", b"", b"", b"  ", b"\t", MARK, b"\xc2\xa0", b" " * 300]
WRITTEN = [
    b"::add-mask::%b", b"::add-mask::%b", b"::Add-Mask a=b::%b", b"##[add-mask]%b",
    b"##vso[task.setsecret]%b", b"##vso[task.setvariable variable=v;isSecret=True]%b",
    b"##vso[task.setvariable variable=v; issecret=true]%b", b"::add-mask::%%25%b%%0A%b-2",
    b"::add-mask::a::%b", b"##vso[task.setvariable variable=v;issecret=true]%b%%0A%b-2",
]  # fmt: skip
LINES = [
    b"text", b"", b"::error::x", b"::stop-commands::tok", b"::tok::", b"::TOK a=b::", b"##[tok]",
    b"##[stop-commands]tok", b"x ##[stop-commands]tok", b"::stop-commands::other",
]  # fmt: skip


@st.composite
def jobs(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """Return what a job prints, lines of text and commands, and the values in its commands."""
    lines, values = [], []
    for number in range(draw(st.integers(1, 8))):
        if draw(st.booleans()):
            values.append(b"Zq%d8mm92-Kd7x" % number)
            written = draw(st.sampled_from(WRITTEN)).replace(b"%b", values[-1])
            line = draw(st.sampled_from(LEADS)) + written.replace(b"%%", b"%")
        else:
            line = draw(st.sampled_from(LINES))
        lines.append(line + draw(st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\r"])))
    stream = b"".join(lines)
    return stream.rstrip(b"\r\n") if draw(st.booleans()) else stream, values


@pytest.mark.parametrize(
    ("host", "runner"), HOSTS, ids=["github", "act", "gitea", "azure", "lines"]
)
@given(job=jobs(), lengths=cuttings())
def test_no_host_ever_prints_what_a_command_registers(
    host: Dialect, runner: Callable[[], Runner], job: tuple[bytes, list[bytes]], lengths: list[int]
) -> None:
    stream, values = job
    reader = runner()
    reader.read(seen(cut(stream, lengths), host))
    shown = "\n".join(reader.log)
    assert [value for value in values if value.decode() in shown] == []


@pytest.mark.parametrize(
    ("host", "runner"), [HOSTS[0], HOSTS[3], HOSTS[4]], ids=["github", "azure", "lines"]
)
@given(job=jobs(), lengths=cuttings())
def test_the_host_learns_all_that_it_would_without_us(
    host: Dialect, runner: Callable[[], Runner], job: tuple[bytes, list[bytes]], lengths: list[int]
) -> None:
    stream = re.sub(rb"##\[(?:stop-commands\]tok|tok\])", b"text", job[0])
    alone, behind = runner(), runner()
    alone.read(stream)
    behind.read(seen(cut(stream, lengths), host))
    assert behind.masks == alone.masks


@settings(max_examples=100)  # as above
@given(values=st.lists(st.sampled_from([VALUE, OTHER]), max_size=4), lengths=cuttings())
def test_what_is_forwarded_leaves_the_stream_as_it_came(
    values: list[bytes], lengths: list[int]
) -> None:
    stream = b"a\r\n" + b"".join(b"x\n\n ::add-mask::%b\r\n\xff" % value for value in values)
    assert masked(cut(stream, lengths), GITHUB) == stream
