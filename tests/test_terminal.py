"""What `run` promises at a terminal: all is as without leakguard, and no secret is shown."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

from leakguard import terminal
from tests.hider import SECRET
from tests.running import BRIEF, DRIVER, ROOT, becomes, gone, python, ran, state

TAKE = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
FORCED = DRIVER.replace("Hider))", "Hider, pty=True))")
PIPED = DRIVER.replace("Hider))", "Hider, pty=False))")
PATIENCE = 30
RAW = SECRET.decode()


class Screen:
    """A terminal of 30 rows and 100 columns, and a process at it that runs a command masked."""

    def __init__(self, *command: str, script: str = DRIVER, **pipes: int) -> None:
        self.master, self.ours = os.openpty()
        self.shown = b""
        self.resize(30, 100)
        self.before = termios.tcgetattr(self.ours)
        every = dict.fromkeys(("stdin", "stdout", "stderr"), self.ours) | pipes
        # With a terminal as stdin it controls the session, as at a login.
        take = TAKE if every["stdin"] == self.ours else ""
        self.process = subprocess.Popen(  # noqa: S603  # this very interpreter
            [sys.executable, "-c", take + script, *command],
            bufsize=0,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
            stdin=every["stdin"],
            stdout=every["stdout"],
            stderr=every["stderr"],
        )

    def resize(self, rows: int, columns: int) -> None:
        """Give the terminal another size, as dragging its window does."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def until(self, text: bytes) -> bytes:
        """Return what is shown up to `text`, which has to come."""
        while text not in self.shown:
            assert self._read(), f"{text!r} did not come after {self.shown!r}"
        before, text, self.shown = self.shown.partition(text)
        return before + text

    def rest(self) -> tuple[bytes, int]:
        """Return what else is shown until the process ends, and its exit code."""
        # Our own descriptor keeps the terminal open: its end is that of the process.
        while self.process.poll() is None:
            self._read(0.01)
        while self._read(0):
            pass
        return self.shown, self.process.returncode

    def is_as_before(self) -> bool:
        """Return whether the terminal has the settings that it had in the beginning."""
        return termios.tcgetattr(self.ours) == self.before

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
        for end in (self.master, self.ours):
            if end >= 0:
                os.close(end)

    def _read(self, patience: float = PATIENCE) -> bool:
        if not select.select([self.master], [], [], patience)[0]:
            return False
        self.shown += os.read(self.master, 65536)
        return True


@contextmanager
def at(*command: str, script: str = DRIVER, **pipes: int) -> Iterator[Screen]:
    screen = Screen(*command, script=script, **pipes)
    try:
        yield screen
    finally:
        screen.close()


def shown(*command: str, script: str = DRIVER) -> tuple[bytes, int]:
    """Run a command at a terminal; return all that is shown there, and the exit code."""
    with at(*command, script=script) as screen:
        return screen.rest()


def test_at_a_terminal_the_command_has_one_and_it_is_masked() -> None:
    script = f"test -t 0 && test -t 1 && test -t 2 && echo {RAW} && echo {RAW} >&2; exit 3"
    assert shown("sh", "-c", script) == (b"***\r\n***\r\n", 3)


def test_what_both_streams_show_keeps_its_order() -> None:
    write = """
import os
for n in range(2000):
    os.write(1 + n % 2, b"%d\\n" % n)
"""
    text, code = shown(*python(write))
    assert ([int(number) for number in text.split()], code) == (list(range(2000)), 0)


def test_colors_and_progress_come_as_they_are() -> None:
    art = b"\x1b[1;31mred\x1b[0m\r 50%\r100%\x1b[K\x1b]0;title\x07\b \t\xc3\xbc\xff"
    assert shown(*python(f"import os; os.write(1, {art!r})")) == (art, 0)


def test_the_size_is_that_of_our_terminal_and_follows_it() -> None:
    script = "trap 'stty size; exit 7' WINCH; stty size; while :; do sleep 0.05; done"
    with at("sh", "-c", script) as screen:
        screen.until(b"30 100\r\n")
        screen.resize(40, 132)
        assert screen.rest() == (b"40 132\r\n", 7)


def test_a_change_of_size_that_is_none_is_forwarded_as_well() -> None:
    script = "trap 'stty size; exit 7' WINCH; echo ready; while :; do sleep 0.05; done"
    with at("sh", "-c", script) as screen:
        screen.until(b"ready\r\n")
        screen.process.send_signal(signal.SIGWINCH)
        assert screen.rest() == (b"30 100\r\n", 7)


def test_the_settings_are_those_of_our_terminal() -> None:
    with at("sh", "-c", "sleep 0.1; stty -a") as screen:
        settings = screen.rest()[0]
        assert b"-ixany" in settings
        assert b" erase = ^?" in settings
        assert screen.is_as_before()


def test_a_prompt_shows_while_the_answer_is_awaited() -> None:
    with at("sh", "-c", "printf 'name: '; read name; echo hello $name") as screen:
        assert screen.until(b": ") == b"name: "
        screen.type(b"me\r")
        assert screen.rest() == (b"me\r\nhello me\r\n", 0)


def test_a_secret_is_masked_where_it_is_typed() -> None:
    with at("sh", "-c", "printf 'token: '; read token; echo got $token") as screen:
        screen.until(b": ")
        screen.type(SECRET + b"\r")
        assert screen.rest() == (b"***\r\ngot ***\r\n", 0)


def test_a_secret_that_is_typed_slowly_shows_three_characters_and_no_more() -> None:
    masking = """
import sys
from leakguard import Masker, Matcher, Secret
from leakguard.child import run
matcher = Matcher([Secret("TOKEN", b"Vq7mZp2Lk9Rt4WxB")])
sys.exit(run(sys.argv[1:], lambda: Masker(matcher)))
"""
    with at("sh", "-c", "printf 'token: '; read token; echo got $token", script=masking) as screen:
        screen.until(b": ")
        for key in b"Vq7":
            screen.type(bytes([key]))
            screen.until(bytes([key]))
        for key in b"mZp2Lk9Rt4WxB\r":
            screen.type(bytes([key]))
            sleep(0.03)
        assert screen.rest() == (b"***\r\ngot ***\r\n", 0)


def test_what_is_typed_with_the_echo_off_is_not_shown() -> None:
    script = "import getpass; print(len(getpass.getpass('password: ')))"
    with at(*python(script)) as screen:
        screen.until(b"password: ")
        screen.type(b"hunter2\r")
        assert screen.rest() == (b"\r\n7\r\n", 0)


@pytest.mark.parametrize(
    ("key", "echo", "code"),
    [
        pytest.param(b"\x03", b"^C", 130, id="interrupt"),
        pytest.param(b"\x1c", b"^\\", 131, id="quit"),
    ],
)
def test_a_key_that_kills_kills_the_command(key: bytes, echo: bytes, code: int) -> None:
    with at("sh", "-c", "ulimit -c 0; echo ready; exec sleep 30") as screen:
        screen.until(b"ready\r\n")
        screen.type(key)
        assert screen.rest() == (echo, code)


def test_a_key_that_ends_the_input_ends_it() -> None:
    with at("sh", "-c", "echo ready; cat; echo end") as screen:
        screen.until(b"ready\r\n")
        screen.type(b"line\r\x04")
        assert screen.rest() == (b"line\r\nline\r\nend\r\n", 0)


def test_the_same_keys_are_bytes_for_a_program_that_wants_them() -> None:
    editor = """
import os, tty
tty.setraw(0)
os.write(1, b"ready")
keys = b""
while len(keys) < 5:
    keys += os.read(0, 5)
os.write(1, keys.hex().encode())
"""
    with at(*python(editor)) as screen:
        screen.until(b"ready")
        screen.type(b"\x03\x1a\x1c\x04\r")
        assert screen.rest() == (b"031a1c040d", 0)


def test_two_interrupts_by_key_are_for_the_command_to_judge() -> None:
    patient = """
import signal, time
interrupts = []
signal.signal(signal.SIGINT, lambda *_: interrupts.append(1))
print("ready", flush=True)
while len(interrupts) < 3:
    time.sleep(0.01)
print("enough")
"""
    with at(*python(patient)) as screen:
        screen.until(b"ready\r\n")
        for _ in range(3):
            screen.type(b"\x03")
            screen.until(b"^C")
            sleep(0.1)
        assert screen.rest() == (b"enough\r\n", 0)


SHELL = """
import os, signal, subprocess, sys, termios
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
before = termios.tcgetattr(0)
def cooked():
    return termios.tcgetattr(0) == before
job = subprocess.Popen([sys.executable, "-c", sys.argv[1], *sys.argv[2:]], process_group=0)
os.tcsetpgrp(0, job.pid)
"""
"""A shell that has started a job in the foreground."""


def test_the_key_that_suspends_stops_the_job_and_it_goes_on_where_it_was() -> None:
    shell = f"""{SHELL}
_, status = os.waitpid(job.pid, os.WUNTRACED)
os.tcsetpgrp(0, os.getpgrp())
print("stopped by", os.WSTOPSIG(status), cooked(), flush=True)
sys.stdin.readline()
os.tcsetpgrp(0, job.pid)
os.killpg(job.pid, signal.SIGCONT)
code = job.wait()
os.tcsetpgrp(0, os.getpgrp())
print("ended with", code, cooked(), flush=True)
"""
    command = "echo $$ ready; read word; echo got $word; exit 4"
    with at(DRIVER, "sh", "-c", command, script=shell) as screen:
        child = int(screen.until(b"ready\r\n").split()[0])
        screen.type(b"\x1a")
        assert screen.until(b"True\r\n") == b"^Zstopped by 20 True\r\n"
        assert state(child) == "T"
        screen.type(b"\r")
        screen.until(b"\r\n")
        assert becomes(lambda: state(child) == "S")
        screen.type(b"it\r")
        assert screen.rest() == (b"it\r\ngot it\r\nended with 4 True\r\n", 0)


def test_in_the_background_our_terminal_is_left_alone_until_the_job_comes_to_the_front() -> None:
    shell = f"""{SHELL.replace("os.tcsetpgrp(0, job.pid)", "")}
sys.stdin.readline()
print("for the shell", cooked(), flush=True)
os.tcsetpgrp(0, job.pid)
code = job.wait()
os.tcsetpgrp(0, os.getpgrp())
print("ended with", code, cooked(), flush=True)
"""
    ticking = """
import os, signal
signal.signal(signal.SIGUSR1, lambda *_: print("tick", flush=True))
print(os.getpid(), "ready", flush=True)
print("got", input())
"""
    with at(DRIVER, *python(ticking), script=shell) as screen:
        child = int(screen.until(b"ready").split()[0])
        screen.until(b"\n")
        screen.type(b"\r")
        screen.until(b"for the shell True")
        assert becomes(lambda: not screen.is_as_before())
        os.kill(child, signal.SIGUSR1)
        screen.until(b"tick\r\n")
        screen.type(b"it\r")
        assert screen.rest() == (b"it\r\ngot it\r\nended with 0 True\r\n", 0)


def test_the_key_that_suspends_does_nothing_where_nobody_could_continue() -> None:
    with at("sh", "-c", "echo ready; read word; echo got $word") as screen:
        screen.until(b"ready\r\n")
        screen.type(b"\x1a")
        screen.until(b"^Z")
        sleep(0.2)
        screen.type(b"it\r")
        assert screen.rest() == (b"it\r\ngot it\r\n", 0)


def test_a_stop_that_is_sent_stops_both_and_gives_the_terminal_back() -> None:
    with at("sh", "-c", "echo $$; read word; echo got $word") as screen:
        child = int(screen.until(b"\r\n"))
        screen.process.send_signal(signal.SIGTSTP)
        assert becomes(lambda: state(child) == state(screen.process.pid) == "T")
        assert screen.is_as_before()
        screen.process.send_signal(signal.SIGCONT)
        assert becomes(lambda: state(child) == "S")
        assert becomes(lambda: not screen.is_as_before())
        screen.type(b"it\r")
        assert screen.rest() == (b"it\r\ngot it\r\n", 0)
        assert screen.is_as_before()


def test_a_command_that_was_stopped_alone_stays_so() -> None:
    with at("sh", "-c", "echo $$; kill -STOP $$; echo on") as screen:
        child = int(screen.until(b"\r\n"))
        assert becomes(lambda: state(child) == "T")
        sleep(0.2)
        assert state(child) == "T"
        os.kill(child, signal.SIGCONT)
        assert screen.rest() == (b"on\r\n", 0)


def test_our_terminal_is_put_back_when_the_command_ends() -> None:
    with at("sh", "-c", "sleep 0.1; stty raw -echo; exit 5") as screen:
        assert becomes(lambda: not screen.is_as_before())
        assert screen.rest() == (b"", 5)
        assert screen.is_as_before()


def test_our_terminal_is_put_back_when_the_command_cannot_start() -> None:
    with at("no-such-command") as screen:
        assert screen.rest() == (b"leakguard: command not found: no-such-command\r\n", 127)
        assert screen.is_as_before()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"])
def test_our_terminal_is_put_back_when_a_signal_ends_the_command(name: str) -> None:
    number = signal.Signals[name]
    with at("sh", "-c", "ulimit -c 0; echo ready; exec sleep 30") as screen:
        screen.until(b"ready\r\n")
        screen.process.send_signal(number)
        assert screen.rest() == (b"", 128 + number)
        assert screen.is_as_before()


def test_our_terminal_is_put_back_when_leakguard_is_killed() -> None:
    script = f"echo $$; trap '' HUP; sleep 0.5; echo {RAW}; exec sleep 30"
    with at("sh", "-c", script) as screen:
        child = int(screen.until(b"\r\n"))
        assert not screen.is_as_before()
        screen.process.kill()
        assert screen.rest() == (b"", -signal.SIGKILL)
        assert becomes(screen.is_as_before)
        assert gone(child)
        assert screen.rest()[0] == b""


def test_our_terminal_is_put_back_when_an_error_escapes() -> None:
    script = f"""
from leakguard import child
def broken(*_):
    raise ZeroDivisionError
child._Supervision.code = broken
{DRIVER}"""
    with at("sleep", "30", script=script) as screen:
        text, code = screen.rest()
        assert (b"ZeroDivisionError" in text, code, screen.is_as_before()) == (True, 1, True)


def test_the_command_has_no_way_to_our_terminal() -> None:
    spying = """
import os
def terminals(pid):
    files = [f"/proc/{pid}/fd/{name}" for name in os.listdir(f"/proc/{pid}/fd")]
    return {link for file in files if "/pts/" in (link := os.path.realpath(file))}
print(*terminals(os.getpid()), "|", *terminals(os.getppid()), "|", os.getsid(0) != os.getpid())
"""
    with at(*python(spying)) as screen:
        ours = os.ttyname(screen.ours)
        text, code = screen.rest()
        mine, parent, apart = text.decode().split("|")
        assert (len(mine.split()), ours in mine.split(), parent.split(), code) == (1, False, [], 0)
        assert apart.strip() == "True"


def test_what_is_written_to_the_controlling_terminal_is_masked() -> None:
    script = f"exec >&- 2>&- <&-; sleep 0.2; echo {RAW} > /dev/tty; exit 9"
    assert shown("sh", "-c", script) == (b"***\r\n", 9)


def test_every_exit_code_is_the_commands_own() -> None:
    codes = "[run(['/bin/sh', '-c', f'exit {n}'], Hider) for n in range(256)]"
    text, code = shown(script=DRIVER.replace("sys.exit(", f"print({codes})\nsys.exit(0)\n("))
    assert (json.loads(text), code) == (list(range(256)), 0)


def test_a_deadly_signal_is_128_and_its_number() -> None:
    deadly = [*range(1, 17), *range(24, 28), *range(29, 32)]
    codes = f"[run(['/bin/sh', '-c', f'ulimit -c 0; kill -{{n}} $$'], Hider) for n in {deadly}]"
    text, code = shown(script=DRIVER.replace("sys.exit(", f"print({codes})\nsys.exit(0)\n("))
    assert (json.loads(text), code) == ([128 + number for number in deadly], 0)


def test_signals_reach_all_that_the_command_has_started() -> None:
    with at("sh", "-c", "sleep 30 & echo $!; wait") as screen:
        grandchild = int(screen.until(b"\r\n"))
        screen.process.send_signal(signal.SIGTERM)
        assert screen.rest() == (b"", 143)
        assert gone(grandchild)


def test_a_second_interrupt_kills() -> None:
    with at("sh", "-c", "trap '' INT; echo ready; while :; do sleep 0.1; done") as screen:
        screen.until(b"ready\r\n")
        screen.process.send_signal(signal.SIGINT)
        sleep(0.3)
        assert screen.process.poll() is None
        screen.process.send_signal(signal.SIGINT)
        assert screen.rest() == (b"", 137)


def test_a_terminal_that_goes_away_hangs_up_the_command(tmp_path: Path) -> None:
    script = f"trap 'echo hup > {tmp_path}/told; exit 3' HUP; echo $$; while :; do sleep 0.05; done"
    with at("sh", "-c", script) as screen:
        child = int(screen.until(b"\r\n"))
        for end in (screen.master, screen.ours):
            os.close(end)
        screen.master = screen.ours = -1
        assert screen.process.wait(PATIENCE) in (3, 128 + signal.SIGHUP)
        assert gone(child)
        assert (tmp_path / "told").read_text() == "hup\n"


def test_what_stays_in_the_background_is_masked_and_then_cut_off_by_name() -> None:
    script = f"(sleep 0.1; echo {RAW}; exec sleep 30) & echo $!; exit 3"
    with at("sh", "-c", script, script=BRIEF) as screen:
        child = int(screen.until(b"\r\n"))
        told = b"leakguard: output cut off: the command was outlived by sleep (%d)\r\n" % child
        assert screen.rest() == (b"***\r\n" + told, 3)
        assert gone(child)


def test_an_interrupt_by_key_ends_the_wait_for_the_background() -> None:
    with at("sh", "-c", "sleep 30 & echo $!") as screen:
        child = int(screen.until(b"\r\n"))
        sleep(0.3)
        started = monotonic()
        screen.type(b"\x03")
        text, code = screen.rest()
        assert (b"output cut off" in text, code, gone(child)) == (True, 0, True)
        assert monotonic() - started < 4


def test_nothing_that_the_command_has_shown_is_cut_off() -> None:
    script = BRIEF.replace("0.3", "0.0")
    text, code = shown("sh", "-c", "seq 100000", script=script)
    assert (text.split(), code) == ([b"%d" % n for n in range(1, 100_001)], 0)


def test_with_stderr_elsewhere_only_stdout_is_a_terminal(tmp_path: Path) -> None:
    script = f"test -t 0 && test -t 1 && ! test -t 2 && echo out {RAW} && echo err {RAW} >&2"
    with (
        (tmp_path / "err").open("wb") as file,
        at("sh", "-c", script, stderr=file.fileno()) as screen,
    ):
        assert screen.rest() == (b"out ***\r\n", 0)
    assert (tmp_path / "err").read_bytes() == b"err ***\n"


def test_a_stdin_that_is_no_terminal_stays_what_it_is() -> None:
    with at("sh", "-c", "test -t 0 || wc -c", stdin=subprocess.PIPE) as screen:
        assert screen.process.stdin is not None
        screen.process.stdin.write(bytes(range(256)) * 200)
        screen.process.stdin.close()
        assert screen.rest() == (b"51200\r\n", 0)
        assert screen.is_as_before()


def test_with_a_stdin_that_is_no_terminal_keys_reach_a_pager() -> None:
    pager = "import sys; print(sys.stdin.read().strip(), open('/dev/tty').readline().strip())"
    shell = """
import fcntl, os, subprocess, sys, termios
fcntl.ioctl(1, termios.TIOCSCTTY, 0)
job = subprocess.run([sys.executable, "-c", sys.argv[1], *sys.argv[2:]], input=b"piped")
sys.exit(job.returncode)
"""
    with at(DRIVER, *python(pager), script=shell, stdin=subprocess.DEVNULL) as screen:
        assert becomes(lambda: not screen.is_as_before())
        screen.type(b"typed\r")
        assert screen.rest() == (b"typed\r\npiped typed\r\n", 0)
        assert screen.is_as_before()


def test_without_a_terminal_the_command_gets_pipes_even_here() -> None:
    script = f"test -t 0 && ! test -t 1 && ! test -t 2 && read word && echo {RAW} $word"
    with at("sh", "-c", script, script=PIPED) as screen:
        screen.type(b"typed\r")
        assert screen.rest() == (b"typed\r\n*** typed\r\n", 0)


def test_a_terminal_that_the_command_reads_itself_it_cannot_write_to() -> None:
    assert shown("sh", "-c", f"echo {RAW} >&0 || exit 8", script=PIPED)[1] == 8


def test_a_terminal_can_be_had_where_there_is_none_and_streams_stay_apart() -> None:
    script = f"test -t 0 && test -t 1 && test -t 2 && echo out {RAW}; echo err {RAW} >&2; exit 3"
    assert ran("sh", "-c", script, script=FORCED) == (b"out ***\r\n", b"err ***\r\n", 3)


def test_such_a_terminal_has_the_size_that_the_environment_asks_for() -> None:
    environ = {"COLUMNS": "200", "LINES": "50"}
    assert ran("stty", "size", script=FORCED, environ=environ)[0] == b"50 200\r\n"
    assert terminal.chosen_size({}) == struct.pack("HHHH", 24, 80, 0, 0)
    assert terminal.chosen_size({"COLUMNS": "x", "LINES": "99999"})[:4] == b"\xff\xff\x50\x00"


@pytest.mark.parametrize(
    ("given", "typed"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(b"one\ntwo\n", b"one\r\ntwo\r\n", id="lines"),
        pytest.param(b"half", b"half", id="half a line"),
    ],
)
def test_what_stdin_holds_is_typed_there_and_its_end_is_an_end(given: bytes, typed: bytes) -> None:
    # Each of the two has to see the end.
    out, err, code = ran("sh", "-c", "cat > /dev/null; cat; exit 6", script=FORCED, given=given)
    assert (out, err, code) == (typed, b"", 6)


@pytest.mark.parametrize("name", ["/dev/null", "file"])
def test_a_file_is_typed_as_well(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    if name == "file":
        file.write_bytes(b"line\n" * 3000)
    with file.open("rb") as stdin:
        script = FORCED.replace("import sys", f"import os, sys\nos.dup2({stdin.fileno()}, 0)")
        command = [sys.executable, "-c", script, "sh", "-c", "exec wc -l"]
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(  # noqa: S603  # this very interpreter
            command,
            env=environ,
            stdin=stdin,
            pass_fds=[stdin.fileno()],
            capture_output=True,
            check=False,
        )
    lines = 3000 if name == "file" else 0
    assert (done.stdout.splitlines()[-1:], done.returncode) == ([b"%d" % lines], 0)


def test_merged_streams_are_one_in_order() -> None:
    write = f"""
import os
for n in range(2000):
    os.write(1 + n % 2, b"%d\\n" % n)
os.write(1, b"{RAW[:6]}")
os.write(2, b"{RAW[6:]}")
"""
    numbers = [b"%d" % n for n in range(2000)]
    for pty in (True, False):
        script = DRIVER.replace("Hider))", f"Hider, merge=True, pty={pty}))")
        out, err, code = ran(*python(write), script=script)
        assert (out.split(), err, code) == ([*numbers, b"***"], b"", 0)


def test_a_reader_that_leaves_hangs_up_such_a_terminal() -> None:
    script = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)\n{FORCED}"
    command = [sys.executable, "-c", script, "yes"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(  # noqa: S603  # this very interpreter
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(3) == b"y\r\n"
        process.stdout.close()
        assert process.wait(PATIENCE) == 128 + signal.SIGHUP


@pytest.mark.parametrize("healthy_calls", [0, 1, 2, 3, 6])
def test_a_fault_at_any_call_lets_nothing_more_be_shown(healthy_calls: int) -> None:
    script = DRIVER.replace("Hider))", f"lambda: Faulty({healthy_calls})))")
    write = f"""
import os, time
for n in range(8):
    os.write(1, b"{RAW} {RAW[:2]}")
    time.sleep(0.03)
"""
    with at(*python(write), script=script) as screen:
        text, code = screen.rest()
        told = b"leakguard: output withheld: internal error (ValueError)\r\n"
        before, _, after = text.partition(told)
        assert (set(before.replace(b"***", b"").split()) <= {b"SE"}, after, code) == (
            True,
            b"",
            125,
        )
        assert screen.is_as_before()


def test_a_session_leaves_no_process_and_no_descriptor() -> None:
    script = """
import json, os, sys
from leakguard import child
from tests.hider import Hider
def once():
    return child.run(["true"], Hider)
once()
before = os.listdir("/proc/self/fd")
codes = [once(), int(child.run(["no-such-command"], Hider))]
left = os.listdir("/proc/self/fd") == before
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print(codes, left)
"""
    message = b"leakguard: command not found: no-such-command\r\n"
    assert shown(script=script) == (message + b"[0, 127] True\r\n", 0)


def test_a_hangup_that_was_ignored_stays_ignored() -> None:
    script = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{DRIVER}"
    with at("sh", "-c", "echo $$; read word; echo $word", script=script) as screen:
        child = int(screen.until(b"\r\n"))
        os.kill(child, signal.SIGHUP)
        screen.process.send_signal(signal.SIGHUP)
        screen.type(b"alive\r")
        assert screen.rest() == (b"alive\r\nalive\r\n", 0)


def commanded(*words: str) -> tuple[bytes, bytes, int]:
    """Run `leakguard run` with pipes."""
    done = subprocess.run(  # noqa: S603  # this very interpreter
        [sys.executable, "-m", "leakguard", "run", "--no-rules", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), "API_TOKEN": "Vq7mZp2Lk9Rt4WxB"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return done.stdout, done.stderr, done.returncode


def test_options_say_how_a_command_runs() -> None:
    script = "test -t 1 && echo at a terminal; echo $API_TOKEN >&2; exit 3"
    assert commanded("--", "sh", "-c", script) == (b"", b"***\n", 3)
    assert commanded("--pty", "--merge", "--", "sh", "-c", script) == (
        b"at a terminal\r\n***\r\n",
        b"",
        3,
    )


def test_an_option_says_how_long_the_background_may_print() -> None:
    out, err, code = commanded("--drain", "0.2", "--", "sh", "-c", "sleep 30 & echo $!")
    os.kill(int(out), signal.SIGKILL)
    told = b"leakguard: output cut off: the command was outlived by sleep (%d)\n" % int(out)
    assert (err, code) == (told, 0)


@pytest.mark.parametrize("value", ["soon", "-1", "", "1e3", "inf"])
def test_a_time_that_is_none_lets_nothing_start(value: str, tmp_path: Path) -> None:
    told = f"leakguard: --drain: {value!r} is not a number of seconds such as 5 or 0.5\n"
    ran_with = commanded(f"--drain={value}", "--", "touch", f"{tmp_path}/started")
    assert ran_with == (b"", told.encode(), 2)
    assert not (tmp_path / "started").exists()


def test_where_there_are_no_terminals_only_asking_for_one_fails() -> None:
    script = f"from leakguard import terminal; terminal.available = lambda: False\n{DRIVER}"
    asked = script.replace("Hider))", "Hider, pty=True))")
    assert shown("sh", "-c", "test -t 1 || echo a pipe", script=script) == (b"a pipe\r\n", 0)
    assert b"UsageError: --pty: the system has no" in ran("true", script=asked)[1]
