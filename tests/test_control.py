"""What adding a secret to a running job promises: masked from the acknowledgement on, or told."""

from __future__ import annotations

import math
import os
import resource
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from time import monotonic

import pytest

from leakguard import Secret, control
from leakguard.control import LARGEST, VARIABLE, Control, add, opened, told
from leakguard.errors import LeakguardError, UsageError

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
RUN = [PYTHON, "-m", "leakguard", "run", "--no-secrets", "--no-rules"]
ADD = [PYTHON, "-m", "leakguard", "secrets", "add"]
VALUE = b"Vq7mZp2L" + b"k9Rt4WxB"
SECRET = Secret("LATER", VALUE)
PROTECTED, UNPROTECTED, REFUSED = b"\0", b"\1", b"\2"
KEPT = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT")
ENVIRON = {name: os.environ[name] for name in KEPT if name in os.environ}
ENVIRON |= {"PYTHONPATH": str(ROOT), "PY": PYTHON, "LG": f"{PYTHON} -m leakguard"}


# Both ends in one process.


class Register:
    """Notes what it is given, and answers as it was told."""

    def __init__(self, reason: str = "") -> None:
        self.secrets: list[Secret] = []
        self._reason = reason

    def __call__(self, secret: Secret) -> str:
        """Note it and answer."""
        self.secrets.append(secret)
        return self._reason


def ignore(_secret: Secret) -> str:
    return ""


def wait(end: Control, seconds: float = 0.01) -> None:
    """Do what a relay does in one turn."""
    poller = select.poll()
    poller.register(end, select.POLLIN)
    if poller.poll(seconds * 1000) or end.due <= monotonic():
        end.go_on()


def serve(end: Control, over: Callable[[], bool] = lambda: False) -> None:
    while not over():
        wait(end)


@contextmanager
def listening(register: Callable[[Secret], str] = ignore) -> Iterator[Control]:
    with opened(register) as end:
        assert end is not None
        yield end


@contextmanager
def serving(register: Callable[[Secret], str] = ignore) -> Iterator[dict[str, str]]:
    """Serve in another thread; yield the environment of a job."""
    over = threading.Event()

    with listening(register) as end:
        server = threading.Thread(target=serve, args=(end, over.is_set))
        server.start()
        try:
            yield told({}, end)
        finally:
            over.set()
            server.join()


def connected(environ: Mapping[str, str]) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20)
    connection.connect(environ[VARIABLE])
    return connection


def message(name: bytes, value: bytes, protocol: bytes = b"lgc1") -> bytes:
    return struct.pack(">4sHI", protocol, len(name), len(value)) + name + value


def everything(connection: socket.socket) -> bytes:
    """Return all that comes until the other end hangs up."""
    with connection:
        return b"".join(iter(lambda: connection.recv(4096), b""))


@pytest.mark.parametrize(
    "value", [b"", VALUE, bytes(range(256)), b"two\nlines\n", b"x" * LARGEST], ids=len
)
def test_a_secret_arrives_as_it_was_given(value: bytes) -> None:
    register = Register()
    with serving(register) as environ:
        assert add(Secret("NÄME 1", value), environ) == ""
    assert register.secrets == [Secret("NÄME 1", value)]


def test_the_answer_tells_why_a_value_is_not_protected() -> None:
    with serving(Register("too guessable")) as environ:
        assert add(Secret("WEAK", b"development"), environ) == "too guessable"


def test_nothing_is_acknowledged_before_it_is_registered() -> None:
    go_on = threading.Event()

    def register(_secret: Secret) -> str:
        go_on.wait(20)
        return ""

    with serving(register) as environ, connected(environ) as connection:
        connection.sendall(message(b"LATER", VALUE))
        too_early = select.select([connection], [], [], 0.1)[0]
        go_on.set()
        assert (too_early, everything(connection)) == ([], PROTECTED + b"\0\0")


def test_the_socket_is_open_to_nobody_else() -> None:
    with listening() as end:
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (end.path, end.path.parent)]
        assert (modes, end.path.parent.stat().st_uid) == ([0o600, 0o700], os.geteuid())


def test_nothing_is_left_on_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(control, "_places", lambda: [tmp_path])
    with listening() as end:
        assert list(tmp_path.iterdir()) == [end.path.parent]
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ZeroDivisionError), listening():
        1 / 0  # noqa: B018  # whatever goes wrong
    assert list(tmp_path.iterdir()) == []


def test_a_job_may_remove_the_socket() -> None:
    with listening() as end:
        end.path.unlink()
        end.path.parent.rmdir()
        with pytest.raises(UsageError, match="no running leakguard where LEAKGUARD_CONTROL leads"):
            add(SECRET, told({}, end))


def test_a_client_of_another_user_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    register = Register()
    with serving(register) as environ:
        stranger = os.geteuid() + 1
        monkeypatch.setattr(os, "geteuid", lambda: stranger)
        with connected(environ) as connection:
            assert everything(connection) == b""
    assert register.secrets == []


def test_a_secret_is_not_told_to_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    register = Register()
    with serving(register) as environ:
        stranger = os.geteuid() + 1
        monkeypatch.setattr(os, "geteuid", lambda: stranger)
        with pytest.raises(UsageError, match=r"^LEAKGUARD_CONTROL leads to another user$"):
            add(SECRET, environ)
    assert register.secrets == []


def test_who_cannot_be_told_is_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as elsewhere:
        assert control._is_own(elsewhere) is False
        monkeypatch.setattr(sys, "platform", "darwin")
        assert control._is_own(elsewhere) is False


class Mac(socket.socket):
    """Tells of its peer what macOS does: a version, the user, and groups."""

    user = 0

    def getsockopt(self, level: int, option: int, size: int = 0) -> bytes:  # type: ignore[override]  # one of three forms
        """Return a `struct xucred`."""
        assert (level, option) == (0, 1)
        return struct.pack("=IIh", 0, self.user, 1).ljust(size, b"\0")


def test_macos_tells_the_user_at_the_other_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with Mac() as connection:
        connection.user = os.geteuid()
        own = control._is_own(connection)
        connection.user += 1
        assert (own, control._is_own(connection)) == (True, False)


GARBAGE = {
    "another protocol": message(b"NAME", VALUE, b"http"),
    "a name of a megabyte": struct.pack(">4sHI", b"lgc1", 65_535, 1),
    "a value of gigabytes": struct.pack(">4sHI", b"lgc1", 4, 0xFFFFFFFF),
    "no name": message(b"", VALUE),
    "a name in no alphabet": message(b"\xff\xfe", VALUE),
    "a name of two lines": message(b"A\nB", VALUE),
    "a name to obey": message(b"::error::", VALUE),
    "a name that is the value": message(VALUE, VALUE),
}


@pytest.mark.parametrize("text", GARBAGE.values(), ids=GARBAGE.keys())
def test_what_is_no_message_is_refused(text: bytes) -> None:
    register = Register()
    with serving(register) as environ, connected(environ) as connection:
        connection.sendall(text)
        # Whoever has not read all of it resets the connection, and that is an answer too.
        try:
            answer = everything(connection)
        except ConnectionResetError:
            answer = REFUSED
        assert (answer[:1], VALUE in answer, register.secrets) == (REFUSED, False, [])
        assert add(SECRET, environ) == ""


def test_a_message_without_an_end_registers_nothing() -> None:
    register = Register()
    with serving(register) as environ, connected(environ) as connection:
        connection.sendall(message(b"NAME", VALUE)[:-1])
        connection.shutdown(socket.SHUT_WR)
        assert everything(connection)[:1] == REFUSED
    assert register.secrets == []


def test_a_message_may_come_byte_by_byte() -> None:
    register = Register()
    with serving(register) as environ, connected(environ) as connection:
        for byte in message(b"LATER", VALUE):
            connection.send(bytes([byte]))
        assert everything(connection) == PROTECTED + b"\0\0"
    assert register.secrets == [SECRET]


def test_a_client_that_waits_holds_up_no_other() -> None:
    with serving() as environ, connected(environ) as silent, connected(environ) as slow:
        slow.send(message(b"SLOW", VALUE)[:7])
        assert add(SECRET, environ) == ""
        slow.send(message(b"SLOW", VALUE)[7:])
        assert everything(slow) == PROTECTED + b"\0\0"
        silent.send(message(b"LAST", VALUE))
        assert everything(silent) == PROTECTED + b"\0\0"


def test_a_client_that_is_too_slow_is_dismissed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_PATIENCE", 0.05)
    with serving() as environ, connected(environ) as connection:
        connection.send(b"lgc1")
        assert everything(connection) == REFUSED + b"\0\x08too slow"


def test_a_crowd_of_silent_clients_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_PATIENCE", 0.3)
    with serving() as environ:
        crowd = [connected(environ) for _ in range(40)]
        assert add(SECRET, environ) == ""
        assert {everything(connection)[:1] for connection in crowd} == {REFUSED}


def test_many_clients_at_once_are_all_answered() -> None:
    register = Register()
    answers: list[str] = []
    with serving(register) as environ:
        clients = [
            threading.Thread(target=lambda: answers.append(add(SECRET, environ))) for _ in range(60)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    assert (answers, len(register.secrets)) == ([""] * 60, 60)


def test_of_many_secrets_that_are_there_one_is_registered_in_a_turn() -> None:
    register = Register()
    with listening(register) as end:
        clients = [connected(told({}, end)) for _ in range(3)]
        for client in clients:
            wait(end)
            client.sendall(message(b"LATER", VALUE))
        counts = [len(register.secrets)]
        while counts[-1] < 3:
            wait(end)
            counts.append(len(register.secrets))
        assert {later - sooner for sooner, later in pairwise(counts)} <= {0, 1}
        assert {everything(client) for client in clients} == {PROTECTED + b"\0\0"}


def test_a_client_that_leaves_before_its_answer_is_no_failure() -> None:
    register = Register()
    with listening(register) as end:
        with connected(told({}, end)) as connection:
            wait(end)
            connection.sendall(message(b"LATER", VALUE))
        serve(end, lambda: bool(register.secrets))
        wait(end)
        assert register.secrets == [SECRET]


def exhaust(taken: list[int]) -> None:
    with suppress(OSError):
        while True:
            taken.append(os.dup(taken[0]))


def test_without_a_free_descriptor_a_client_waits() -> None:
    register = Register()
    with listening(register) as end, connected(told({}, end)) as connection:
        connection.sendall(message(b"LATER", VALUE))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        taken = [os.dup(end.fileno())]
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 1, hard))
        try:
            exhaust(taken)
            end.go_on()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for descriptor in taken:
                os.close(descriptor)
        # Meanwhile nothing tells of it without end.
        assert select.select([end], [], [], 0)[0] == []
        assert monotonic() < end.due < monotonic() + 1
        serve(end, lambda: bool(register.secrets))
        assert everything(connection) == PROTECTED + b"\0\0"


def test_who_cannot_register_confirms_nothing_any_more(capfd: pytest.CaptureFixture[str]) -> None:
    def fail(secret: Secret) -> str:
        raise ValueError(secret.value)

    with listening(fail) as end:
        told_before = told({}, end)
        with connected(told_before) as waiting, connected(told_before) as connection:
            connection.sendall(message(b"LATER", VALUE))
            with pytest.raises(ValueError, match="Vq7m"):
                serve(end)
            assert (everything(connection), everything(waiting)) == (b"", b"")
        assert not end.path.parent.exists()
    assert capfd.readouterr() == ("", "")


def test_a_leakguard_that_goes_has_confirmed_nothing() -> None:
    with socket.socket(socket.AF_UNIX) as server, listening() as end:
        path = str(end.path.parent / "t")
        server.bind(path)
        server.listen()
        closing = threading.Thread(target=lambda: server.accept()[0].close())
        closing.start()
        with pytest.raises(LeakguardError, match="the running leakguard has not confirmed it: "):
            add(SECRET, {VARIABLE: path})
        closing.join()
        Path(path).unlink()


def test_a_place_that_is_too_deep_or_closed_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(control, "_places", lambda: [tmp_path / "none", deep, tmp_path])
    with listening() as end:
        assert (end.path.parent.parent, list(deep.iterdir())) == (tmp_path, [])


def test_the_directory_of_the_user_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert next(control._places()) == tmp_path
    monkeypatch.setenv("XDG_RUNTIME_DIR", "relative")
    assert all(place.is_absolute() for place in control._places())


def test_without_any_place_there_is_no_socket_and_the_job_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(control, "_places", lambda: [])
    with opened(ignore) as end:
        assert (end, told({"A": "b", VARIABLE: "of another"}, end)) == (
            None,
            {"A": "b", VARIABLE: ""},
        )


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({}, "no running leakguard: LEAKGUARD_CONTROL is not set"),
        ({VARIABLE: ""}, "the running leakguard found no directory for its socket"),
        ({VARIABLE: "/none/s"},
         "no running leakguard where LEAKGUARD_CONTROL leads: No such file or directory"),
        ({VARIABLE: "/" + "x" * 200},
         "no running leakguard where LEAKGUARD_CONTROL leads: AF_UNIX path too long"),
    ],
    ids=["absent", "without a place", "gone", "too long"],
)  # fmt: skip
def test_without_a_running_leakguard_one_line_says_so(environ: dict[str, str], line: str) -> None:
    with pytest.raises(UsageError) as raised:
        add(SECRET, environ)
    assert str(raised.value) == line


def test_where_there_are_no_such_sockets_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_AVAILABLE", False)
    with opened(ignore) as end:
        assert end is None
    with pytest.raises(UsageError, match="no secret can be added here: the system lacks"):
        add(SECRET, {VARIABLE: "/somewhere"})


@pytest.mark.parametrize(
    ("secret", "line"),
    [
        (Secret("", VALUE), "a name has at least one character, and no control characters"),
        (Secret("A\x1b[2J", VALUE),
         "a name has at least one character, and no control characters"),
        (Secret("A\udcff", VALUE), "a name has at least one character, and no control characters"),
        (Secret("##vso[x]", VALUE), "a name holds nothing that a CI system may obey"),
        (Secret("N" * 1025, VALUE), "a name has at most 1024 bytes"),
        (Secret("X" + VALUE.decode(), VALUE),
         "the name holds the value, which would be shown with it"),
        (Secret("BIG", b"x" * (LARGEST + 1)), "the value is larger than 1 MiB"),
    ],
    ids=["empty", "control", "not UTF-8", "command", "long", "value", "large"],
)  # fmt: skip
def test_what_cannot_be_added_is_refused_before_it_leaves(secret: Secret, line: str) -> None:
    with pytest.raises(UsageError) as raised:
        add(secret, {VARIABLE: "/none/s"})
    assert str(raised.value) == line


# Real jobs.


def start(*command: str, options: str = "", **environ: str) -> subprocess.Popen[bytes]:
    """Run a command masked, with no secret and no rule of its own."""
    return subprocess.Popen(  # noqa: S603  # ourselves
        [*RUN, *options.split(), "--", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRON | environ,
        start_new_session=True,
    )


def ran(*command: str, options: str = "", **environ: str) -> tuple[bytes, bytes, int]:
    """Run a command masked; return its stdout, its stderr and the exit code."""
    with start(*command, options=options, **environ) as process:
        out, err = process.communicate(timeout=300)
        return out, err, process.returncode


def sh(script: str, options: str = "", **environ: str) -> tuple[bytes, bytes, int]:
    return ran("sh", "-c", script, options=options, V=VALUE.decode(), **environ)


def python(source: str) -> tuple[str, str, str]:
    return PYTHON, "-c", source


def test_what_is_printed_after_an_addition_is_masked_in_every_form_on_both_streams() -> None:
    script = """
    echo "before $V"
    printf %s "$V" | $LG secrets add LATER
    echo "added $?"
    echo "after $V"; echo "after $V" >&2
    printf "after %s" "$V" | base64
    """
    out, err, code = sh(script, "--label")
    assert (out, err, code) == (
        b"before %s\nadded 0\nafter [MASKED:LATER:raw]\nYWZ0ZXIg[MASKED:LATER:base64]\n" % VALUE,
        b"after [MASKED:LATER:raw]\n",
        0,
    )


def test_at_a_terminal_of_ours_what_is_added_is_masked_as_well() -> None:
    script = 'printf %s "$V" | $LG secrets add LATER && echo "$V"'
    assert sh(script, "--pty") == (b"***\r\n", b"", 0)


def test_in_a_merged_stream_what_is_added_is_masked_as_well() -> None:
    script = 'printf %s "$V" | $LG secrets add LATER && echo "$V" && echo "$V" >&2'
    assert sh(script, "--merge") == (b"***\n***\n", b"", 0)


@pytest.mark.parametrize("end", ["", "\\n", "\\r\\n"])
def test_one_line_end_is_no_part_of_the_value(end: str) -> None:
    script = f'printf "$V{end}" | $LG secrets add A; printf "$V-"'
    assert sh(script) == (b"***-", b"", 0)


def test_a_value_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "value").write_bytes(VALUE + b"\n")
    script = f'$LG secrets add A --file {tmp_path}/value; cat {tmp_path}/value; echo "<$V>"'
    assert sh(script) == (b"***\n<***>\n", b"", 0)


def test_a_value_that_is_not_protected_is_told_by_name_and_reason() -> None:
    script = 'echo development | $LG secrets add STAGE; echo "$? development"'
    line = b"leakguard: not protected: STAGE (too guessable)\n"
    assert sh(script) == (b"1 development\n", line, 0)
    script = 'echo abc123 | $LG secrets add SHORT; echo "$? abc123"'
    line = b"leakguard: not protected: SHORT (shorter than 9 bytes)\n"
    assert sh(script, "--min-length 9") == (b"1 abc123\n", line, 0)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("secrets add ''", "leakguard secrets add: missing NAME"),
        ("secrets add", "leakguard secrets add: missing NAME"),
        ("secrets add A $V", "leakguard secrets add: got unexpected extra argument"),
        ("secrets add $V",
         "leakguard: the name holds the value, which would be shown with it"),
        ("secrets add a::b", "leakguard: a name holds nothing that a CI system may obey"),
        ("secrets add A --file none",
         "leakguard: cannot read secrets file none: No such file or directory"),
        ("secrets add A --file $BIG",
         "leakguard: cannot read secrets file big: larger than 1 MiB"),
        ("secrets add A <$BIG", "leakguard: the value is larger than 1 MiB"),
        ("secrets add A <&-", "leakguard: standard input is closed"),
    ],
)  # fmt: skip
def test_what_cannot_be_added_is_one_line_and_exit_2(
    command: str, line: str, tmp_path: Path
) -> None:
    (tmp_path / "big").write_bytes(b"x" * (LARGEST + 3))
    script = f'cd {tmp_path}; export BIG=big; printf %s "$V" | $LG {command}; echo $?'
    assert sh(script) == (b"2\n", f"{line}\n".encode(), 0)


def test_help_ends_with_the_exit_status() -> None:
    done = subprocess.run(  # noqa: S603  # ourselves
        [*ADD, "--help"], capture_output=True, check=True, env=ENVIRON
    )
    status = done.stdout.decode().split("\n  Exit status:\n")[1]
    assert [line.split()[0] for line in status.splitlines()] == ["0", "1", "2", "4"]


def test_outside_of_a_run_nothing_can_be_added() -> None:
    done = subprocess.run(  # noqa: S603  # ourselves
        [*ADD, "A"],
        input=VALUE,
        capture_output=True,
        check=False,
        env=ENVIRON,
    )
    line = b"leakguard: no running leakguard: LEAKGUARD_CONTROL is not set\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", line)


def test_what_is_typed_at_a_terminal_is_not_shown() -> None:
    master, terminal = os.openpty()
    with serving(register := Register()) as environ:
        with subprocess.Popen(  # noqa: S603  # ourselves
            [*ADD, "TYPED"],
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRON | environ,
            start_new_session=True,
            bufsize=0,
        ) as process:
            assert process.stderr is not None
            assert process.stderr.read(7) == b"TYPED: "
            os.write(master, VALUE + b"\n")
            out, err = process.communicate(timeout=20)
            assert (process.returncode, out, err) == (0, b"", b"\n")
        assert select.select([master], [], [], 0)[0] == []
    os.close(master)
    os.close(terminal)
    assert register.secrets == [Secret("TYPED", VALUE)]


MANY = """
import os, subprocess, sys, threading
from secrets import token_urlsafe
from leakguard import Secret
from leakguard.control import add

values = [token_urlsafe(18).encode() for _ in range(1000)]
line = b"INFO request 7 of worker 12 took 9 ms, see /srv/app/lib/thing.py\\n"
over = threading.Event()

def flood():
    while not over.wait(0.003):
        os.write(1, line * 50)

def add_by_command(name, value):
    command = [sys.executable, "-m", "leakguard", "secrets", "add", name]
    subprocess.run(command, input=value, check=True)

flooding = threading.Thread(target=flood, daemon=True)
flooding.start()
for number, value in enumerate(values):
    if number % 250 == 100:
        add_by_command(f"S{number}", value)
    else:
        assert add(Secret(f"S{number}", value)) == ""
    os.write(1 + number % 2, b"number %d is %s\\n" % (number, value))
over.set()
flooding.join()
for value in values:
    os.write(1, b"once more %s\\n" % value)
with open(sys.argv[1], "wb") as file:
    file.write(b"\\n".join(values))
"""


def test_a_thousand_additions_under_load_leak_nothing_after_their_acknowledgement(
    tmp_path: Path,
) -> None:
    out, err, code = ran(*python(MANY), str(tmp_path / "values"))
    values = (tmp_path / "values").read_bytes().split()
    flood = b"INFO request 7 of worker 12 took 9 ms, see /srv/app/lib/thing.py\n"
    others = out.replace(flood, b"")
    assert (code, len(set(values))) == (0, 1000)
    assert [value for value in values if value in others or value in err] == []
    assert others.splitlines() == [
        *(b"number %d is ***" % number for number in range(0, 1000, 2)),
        *[b"once more ***"] * 1000,
    ]
    assert err.splitlines() == [b"number %d is ***" % number for number in range(1, 1000, 2)]
    assert out.count(flood) > 10_000


def test_additions_from_several_commands_at_once_leak_nothing() -> None:
    script = """
    one() { printf "$V%s" "$1" | $LG secrets add "S$1" && echo "$1 $V$1"; }
    for n in 1 2 3 4 5 6; do one $n & done; wait
    """
    out, err, code = sh(script)
    assert (sorted(out.splitlines()), err, code) == ([b"%d ***" % n for n in range(1, 7)], b"", 0)


def test_adding_the_same_value_over_and_over_costs_nothing() -> None:
    adding = f"""
from leakguard import Secret
from leakguard.control import add
for n in range(3000):
    assert add(Secret("SAME", {VALUE!r})) == ""
print({VALUE.decode()!r})
"""
    assert ran(*python(adding)) == (b"***\n", b"", 0)


def test_a_run_in_a_run_takes_the_additions_of_its_own_command(tmp_path: Path) -> None:
    inner = f"""
    echo "inner $LEAKGUARD_CONTROL"
    printf %s "$V" | $LG secrets add INNER && echo "$V"
    echo "$V" > {tmp_path}/file
    """
    outer = """
    echo "outer $LEAKGUARD_CONTROL"
    $LG run --no-secrets --no-rules --mask '<in>' -- sh -c "$INNER"
    echo "outer again $V"
    printf %s "$V" | $LG secrets add OUTER; echo "$V"
    """
    out, err, code = sh(outer, INNER=inner)
    first, second, *others = out.splitlines()
    assert first.split()[1] != second.split()[1]
    assert (others, err, code) == ([b"<in>", b"outer again " + VALUE, b"***"], b"", 0)


def test_a_client_that_hangs_holds_up_no_output() -> None:
    hanging = """
import os, socket, sys
ends = []
for _ in range(30):
    ends.append(socket.socket(socket.AF_UNIX))
    ends[-1].connect(os.environ["LEAKGUARD_CONTROL"])
    ends[-1].send(b"lgc1")
for n in range(3):
    print(n, flush=True)
    assert sys.stdin.readline() == "next\\n"
"""
    with start(*python(hanging)) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        before = math.inf
        for number in range(3):
            assert process.stdout.readline() == b"%d\n" % number
            before = min(before, monotonic())
            process.stdin.write(b"next\n")
            process.stdin.flush()
        assert process.wait(20) == 0
        # Less than the patience that one of them has with it.
        assert monotonic() - before < 4


SHOWING = 'echo "$LEAKGUARD_CONTROL"; exec sleep 30'


def directory(process: subprocess.Popen[bytes]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().decode().strip()).parent


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_however_a_run_is_ended_nothing_is_left(number: signal.Signals) -> None:
    with start("sh", "-c", SHOWING) as process:
        place = directory(process)
        assert (place / "s").is_socket()
        process.send_signal(number)
        process.communicate(timeout=20)
        assert (process.returncode, place.exists()) == (128 + number, False)


def test_a_run_that_ends_or_never_begins_leaves_nothing(tmp_path: Path) -> None:
    ends = [sh("exit 3", XDG_RUNTIME_DIR=str(tmp_path))[2]]
    ends += [ran("no-such-command", XDG_RUNTIME_DIR=str(tmp_path))[2]]
    ends += [ran(str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path))[2]]
    assert (ends, list(tmp_path.iterdir())) == ([3, 127, 126], [])


def test_what_a_killed_run_leaves_is_a_socket_that_nobody_serves() -> None:
    with start("sh", "-c", SHOWING) as process:
        place = directory(process)
        process.kill()
        process.communicate(timeout=20)
    line = "no running leakguard where LEAKGUARD_CONTROL leads: Connection refused"
    with pytest.raises(UsageError, match=line):
        add(SECRET, {VARIABLE: str(place / "s")})
    assert list(place.iterdir()) == [place / "s"]
    (place / "s").unlink()
    place.rmdir()


DRIVER = """
import sys
from leakguard import child, pipe
from tests.hider import Hider
"""


def driven(script: str, command: str) -> tuple[bytes, bytes, int]:
    """Run a shell's command under a script that calls `child.run`."""
    with subprocess.Popen(  # noqa: S603  # this very interpreter
        [PYTHON, "-c", DRIVER + script, "sh", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRON | {"V": VALUE.decode()},
        start_new_session=True,
    ) as process:
        out, err = process.communicate(timeout=60)
        return out, err, process.returncode


def test_when_an_addition_fails_no_raw_byte_follows_and_the_command_finishes(
    tmp_path: Path,
) -> None:
    script = "sys.exit(child.run(sys.argv[1:], Hider, register=lambda secret: 1 / 0))"
    command = f"""
    echo first; echo first >&2
    printf %s "$V" | $LG secrets add A 2> {tmp_path}/err; echo $? > {tmp_path}/code
    echo raw; echo raw >&2
    """
    told_twice = b"leakguard: output withheld: internal error (ZeroDivisionError)\n" * 2
    assert driven(script, command) == (b"first\n", b"first\n" + told_twice, 125)
    line = "leakguard: the running leakguard has not confirmed it: it has gone\n"
    assert (tmp_path / "code").read_text() == "4\n"
    assert (tmp_path / "err").read_text() == line


def test_without_a_place_for_the_socket_a_run_does_the_rest() -> None:
    script = """
from leakguard import control
control._places = lambda: []
sys.exit(child.run(sys.argv[1:], Hider, register=lambda secret: ""))
"""
    line = b"leakguard: the running leakguard found no directory for its socket\n"
    command = "echo SECRET-VALUE; $LG secrets add A </dev/null; exit $?"
    assert driven(script, command) == (b"***\n", line, 2)


def test_without_polling_and_such_sockets_a_run_does_the_rest() -> None:
    script = """
from leakguard import control
pipe.POLLABLE = child.POLLABLE = control._AVAILABLE = False
sys.exit(child.run(sys.argv[1:], Hider, register=lambda secret: ""))
"""
    command = 'echo "SECRET-VALUE <$LEAKGUARD_CONTROL>"'
    assert driven(script, command) == (b"*** <>\n", b"", 0)


def test_who_takes_no_additions_changes_no_environment() -> None:
    script = "sys.exit(child.run(sys.argv[1:], Hider))"
    command = "echo ${LEAKGUARD_CONTROL-unset}"
    assert driven(script, command) == (b"unset\n", b"", 0)
