"""What `run` promises of a command: its output masked, its exit code exact, its signals its own."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests import daemons
from tests.hider import SECRET
from tests.running import (
    BRIEF,
    DRIVER,
    MEGABYTE,
    PYTHON,
    ROOT,
    becomes,
    gone,
    line,
    python,
    ran,
    rest,
    start,
    state,
)


def results(script: str) -> object:
    """Return the JSON that a script prints; there, `code(*command)` runs a command masked."""
    prelude = """
import json, os, sys
from leakguard import child
from tests.hider import Hider
def code(*command):
    return child.run(command, Hider)
"""
    out, err, status = ran(script=prelude + script)
    assert (err, status) == (b"", 0)
    return json.loads(out)


def test_stdout_and_stderr_are_masked_and_stay_apart() -> None:
    script = f"printf 'out {SECRET.decode()}'; printf 'err {SECRET.decode()}' >&2"
    assert ran("sh", "-c", script) == (b"out ***", b"err ***", 0)


def test_the_two_streams_do_not_share_a_masker() -> None:
    assert ran("sh", "-c", "printf SECRET-; printf VALUE >&2") == (b"SECRET-", b"VALUE", 0)


def test_every_exit_code_is_the_commands_own() -> None:
    codes = results("""
print(json.dumps([code("/bin/sh", "-c", f"exit {n}") for n in range(256)]))
""")
    assert codes == list(range(256))


def test_a_deadly_signal_is_128_and_its_number() -> None:
    deadly = [*range(1, 17), *range(24, 28), *range(29, 32)]
    codes = results(f"""
kill = "ulimit -c 0; kill -%d $$"
print(json.dumps([code("/bin/sh", "-c", kill % n) for n in {deadly}]))
""")
    assert codes == [128 + number for number in deadly]


def test_a_command_that_is_not_found_is_127() -> None:
    message = b"leakguard: command not found: no-such-command\n"
    assert ran("no-such-command") == (b"", message, 127)


def test_a_command_that_cannot_be_executed_is_126(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    directory = ran(str(tmp_path))
    not_executable = ran(str(script))
    script.chmod(0o755)
    no_interpreter = ran(str(script))
    shown = f"leakguard: cannot execute: {tmp_path}"
    assert directory == (b"", f"{shown}: Permission denied\n".encode(), 126)
    assert not_executable == (b"", f"{shown}/script: Permission denied\n".encode(), 126)
    assert no_interpreter == (b"", f"{shown}/script: No such file or directory\n".encode(), 126)


def test_the_name_of_a_command_is_masked_and_stays_one_line() -> None:
    message = b"leakguard: command not found: no-***\\x0a::error::\n"
    assert ran(f"no-{SECRET.decode()}\n::error::") == (b"", message, 127)


def test_stdin_is_the_commands() -> None:
    assert ran("cat", given=b"typed " + SECRET) == (b"typed ***", b"", 0)


def test_leakguards_own_secrets_are_not_passed_on() -> None:
    environ = {"LEAKGUARD_SECRETS": "{}", "LEAKGUARD_KEY": "k", "LEAKGUARD_MASK": "x"}
    out, _, _ = ran("env", environ=environ)
    names = {entry.partition(b"=")[0] for entry in out.splitlines()}
    assert {name for name in names if name.startswith(b"LEAKGUARD")} == {b"LEAKGUARD_MASK"}


def test_an_environment_can_be_given() -> None:
    script = DRIVER.replace("Hider))", 'Hider, environ={"A": "b", "LEAKGUARD_KEY": "k"}))')
    assert ran("/usr/bin/env", script=script) == (b"A=b\n", b"", 0)


def test_a_prompt_comes_out_while_the_command_waits_for_the_answer() -> None:
    with start(*python("print('you are ' + input('name: '))")) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.read(6) == b"name: "
        process.stdin.write(b"me\n")
        assert rest(process) == (b"you are me\n", b"", 0)


def test_a_short_held_prefix_on_one_stream_comes_out_while_the_other_is_busy() -> None:
    busy = """
import os, threading
os.write(2, b"go on? YES")
busy = threading.Event()
threading.Thread(target=lambda: (input(), busy.set())).start()
while not busy.wait(0.005):
    os.write(1, b"busy\\n")
"""
    with start(*python(busy)) as process:
        assert process.stderr is not None
        assert process.stdin is not None
        drained = threading.Thread(target=drain, args=(process.stdout,))
        drained.start()
        prompt = b""
        while len(prompt) < 10:
            prompt += process.stderr.read(10)
        process.stdin.write(b"\n")
        drained.join()
        assert (prompt, process.wait(20)) == (b"go on? YES", 0)


def drain(file: object) -> None:
    while hasattr(file, "read") and file.read(MEGABYTE):
        pass


def test_a_secret_written_byte_by_byte_is_masked() -> None:
    write = f"""
import os
for byte in b"a {SECRET.decode()} b":
    os.write(1, bytes([byte]))
    os.write(2, bytes([byte]))
"""
    assert ran(*python(write)) == (b"a *** b", b"a *** b", 0)


def test_order_is_kept_within_each_stream() -> None:
    write = """
import os
for n in range(5000):
    os.write(1 + n % 2, b"%d\\n" % n)
"""
    out, err, code = ran(*python(write))
    assert [int(number) for number in out.split()] == list(range(0, 5000, 2))
    assert [int(number) for number in err.split()] == list(range(1, 5000, 2))
    assert code == 0


def test_a_flood_on_both_streams_comes_through_whole() -> None:
    flood = """
import os
out, err = b"o" * 999_999 + b"\\n", b"e" * 999_999 + b"\\n"
def write(to, data):
    view = memoryview(data)
    while view:
        view = view[os.write(to, view):]
for _ in range(100):
    write(1, out)
    write(2, err)
"""
    with start(*python(flood)) as process:
        counts = {"out": 0, "err": 0}
        readers = [
            threading.Thread(target=count, args=(process.stdout, b"o", counts, "out")),
            threading.Thread(target=count, args=(process.stderr, b"e", counts, "err")),
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert (process.wait(20), counts) == (0, {"out": 99_999_900, "err": 99_999_900})


def count(file: object, byte: bytes, counts: dict[str, int], name: str) -> None:
    while hasattr(file, "read") and (data := file.read(MEGABYTE)):
        counts[name] += data.count(byte)


def test_a_reader_that_is_slow_on_one_stream_holds_up_no_other() -> None:
    flood = "head -c 5000000 /dev/zero & head -c 5000000 /dev/zero >&2; wait"
    with start("sh", "-c", flood) as process:
        assert process.stderr is not None
        errors = 0
        while errors < 5 * MEGABYTE:
            errors += len(process.stderr.read(MEGABYTE))
        out, err, code = rest(process)
        assert (errors, err, code, len(out)) == (5 * MEGABYTE, b"", 0, 5 * MEGABYTE)


def test_a_reader_that_leaves_is_felt_by_the_command() -> None:
    with start("yes") as process:
        assert process.stdout is not None
        assert line(process) == b"y\n"
        process.stdout.close()
        assert process.wait(20) == 128 + signal.SIGPIPE


def test_a_full_disk_is_told_and_the_command_finishes(tmp_path: Path) -> None:
    script = f"head -c 3000000 /dev/zero; echo done > {tmp_path}/end; exit 3"
    full = os.open("/dev/full", os.O_WRONLY)
    with start("sh", "-c", script, stdout=full) as process:
        message = b"leakguard: cannot write: No space left on device\n"
        assert rest(process)[1:] == (message, 125)
    os.close(full)
    assert (tmp_path / "end").read_text() == "done\n"


def test_a_full_disk_behind_stderr_is_no_success() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(  # noqa: S603  # this very interpreter
            [PYTHON, "-c", DRIVER, "sh", "-c", "echo out; echo err >&2"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=full,
            check=False,
        )
    assert (done.stdout, done.returncode) == (b"out\n", 125)


def test_nothing_is_lost_when_our_output_does_not_block_and_is_read_slowly() -> None:
    flood = "seq 1000000 & seq 1000000 >&2; wait"
    ends = [os.pipe(), os.pipe()]
    for _, theirs in ends:
        os.set_blocking(theirs, False)
    with start("sh", "-c", flood, stdout=ends[0][1], stderr=ends[1][1]) as process:
        for _, theirs in ends:
            os.close(theirs)
        texts = {ours: b"" for ours, _ in ends}
        going = list(texts)
        for ours in itertools.cycle(texts):
            if ours in going:
                # So little at a time that our writes find a full pipe.
                piece = os.read(ours, 50_000)
                texts[ours] += piece
                going = [each for each in going if piece or each != ours]
            if not going:
                break
        code = process.wait(30)
    for ours in texts:
        os.close(ours)
    whole = b"".join(b"%d\n" % number for number in range(1, 1_000_001))
    assert ([text == whole for text in texts.values()], code) == ([True, True], 0)


def test_a_megabyte_on_stderr_does_not_keep_stdout_waiting() -> None:
    with start("sh", "-c", "head -c 1000000 /dev/zero >&2; echo done") as process:
        assert line(process) == b"done\n"
        assert rest(process) == (b"", bytes(1_000_000), 0)


@pytest.mark.parametrize("healthy_calls", range(9))
def test_a_fault_at_any_call_lets_nothing_more_out(healthy_calls: int, tmp_path: Path) -> None:
    script = DRIVER.replace("Hider))", f"lambda: Faulty({healthy_calls}), merge=True))")
    write = f"""
import os, time
for n in range(8):
    os.write(1 + n % 2, b"{SECRET.decode()} {SECRET.decode()[:2]}")
    time.sleep(0.03)
open("{tmp_path}/end", "w").close()
"""
    out, err, code = ran(*python(write), script=script)
    told = b"leakguard: output withheld: internal error (ValueError)\n"
    assert (set(out.replace(b"***", b"").split()) <= {b"SE"}, err, code) == (True, told, 125)
    assert (tmp_path / "end").exists()


def test_memory_that_runs_out_withholds_as_well() -> None:
    script = DRIVER.replace("Hider))", "lambda: Faulty(2, MemoryError()), merge=True))")
    out, err, code = ran(
        "sh", "-c", f"while :; do echo {SECRET.decode()} || exit; done | head -c 99", script=script
    )
    told = b"leakguard: output withheld: internal error (MemoryError)\n"
    assert (SECRET in out, err, code) == (False, told, 125)


@pytest.mark.parametrize(("faulty", "intact"), [(0, 1), (1, 0)])
def test_a_fault_withholds_one_stream_and_lets_the_command_finish(
    faulty: int, intact: int, tmp_path: Path
) -> None:
    maskers = ["Hider()", "Hider()"]
    maskers[faulty] = "Faulty(2)"
    script = DRIVER.replace("Hider))", f"iter([{', '.join(maskers)}]).__next__))")
    raw = SECRET.decode()
    write = f"""
import os, time
for to in (1, 2):
    os.write(to, b"first")
time.sleep(0.3)
for to in (1, 2):
    os.write(to, b" {raw} raw" * 200_000)
open("{tmp_path}/end", "w").close()
"""
    *streams, code = ran(*python(write), script=script)
    told = b"leakguard: output withheld: internal error (ValueError)\n"
    whole = b"first" + b" *** raw" * 200_000
    assert code == 125
    assert [strip(stream, told) for stream in streams][intact] == whole
    assert [strip(stream, told) for stream in streams][faulty] == b"first"
    assert (told in streams[1], (tmp_path / "end").exists()) == (True, True)


def strip(stream: object, told: bytes) -> bytes:
    return stream.replace(told, b"") if isinstance(stream, bytes) else b""


def test_a_masker_that_cannot_be_made_lets_nothing_start(tmp_path: Path) -> None:
    script = DRIVER.replace("Hider))", "lambda: 1 / 0))")
    _, err, _ = ran("touch", f"{tmp_path}/started", script=script)
    assert b"ZeroDivisionError" in err
    assert not (tmp_path / "started").exists()


def test_background_output_is_cut_off_and_told() -> None:
    out, err, code = ran("sh", "-c", "sleep 30 & echo $! done; exit 3", script=BRIEF)
    pid, word = out.split()
    os.kill(int(pid), signal.SIGKILL)
    by = b"sleep (%s)" % pid
    message = b"leakguard: output cut off: the command was outlived by " + by + b"\n"
    assert (word, err, code) == (b"done", message, 3)


def test_background_output_within_the_time_is_masked_as_well() -> None:
    script = f"(sleep 0.2; echo late {SECRET.decode()}) & echo early; exit 3"
    assert ran("sh", "-c", script) == (b"early\nlate ***\n", b"", 3)


def test_endless_background_output_is_cut_off_too() -> None:
    endless = "while :; do echo y; done & exit 3"
    with start("sh", "-c", endless, script=BRIEF) as process:
        out, err, code = rest(process)
        assert (set(out.split()), code) == ({b"y"}, 3)
        assert err.startswith(b"leakguard: output cut off")


def test_what_the_command_itself_has_written_waits_for_a_slow_reader() -> None:
    script = BRIEF.replace("0.3", "0.0")
    with start(
        "sh", "-c", "head -c 600000 /dev/zero; sleep 30 & echo $!", script=script
    ) as process:
        sleep(0.7)
        out, err, code = rest(process)
        os.kill(int(out[600_000:]), signal.SIGKILL)
        assert (out[:600_000], code) == (bytes(600_000), 0)
        assert err.startswith(b"leakguard: output cut off")


def test_a_command_that_closes_its_output_is_still_waited_for() -> None:
    script = "exec >&- 2>&-; sleep 0.2; exit 9"
    assert ran("sh", "-c", script) == (b"", b"", 9)


# A handler that prints could interrupt a print, which Python forbids; a plain write can not.
TELLING = """
import os, signal, sys, time
def note(number, frame):
    os.write(1, signal.Signals(number).name.encode() + b"\\n")
    if number == signal.SIGTERM:
        os.write(1, b"last words SECRET-")
        os.write(1, b"VALUE")
        sys.exit(9)
for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "WINCH", "TERM"):
    signal.signal(getattr(signal, "SIG" + name), note)
print("ready", flush=True)
while True:
    time.sleep(10)
"""


def test_signals_reach_the_command_and_its_last_words_are_masked() -> None:
    with start(*python(TELLING)) as process:
        assert line(process) == b"ready\n"
        for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"):
            process.send_signal(signal.Signals[name])
            assert line(process) == f"{name}\n".encode()
        process.send_signal(signal.SIGTERM)
        assert rest(process) == (b"SIGTERM\nlast words ***", b"", 9)


def test_signals_reach_what_the_command_has_started() -> None:
    with start("sh", "-c", "sleep 30 & echo $!; wait") as process:
        grandchild = int(line(process))
        process.send_signal(signal.SIGTERM)
        assert rest(process) == (b"", b"", 143)
        assert gone(grandchild)


def test_stop_and_continue_reach_the_command() -> None:
    with start("sh", "-c", "echo $$; exec sleep 30") as process:
        child = int(line(process))
        process.send_signal(signal.SIGTSTP)
        assert becomes(lambda: state(child) == state(process.pid) == "T")
        process.send_signal(signal.SIGCONT)
        assert becomes(lambda: "T" not in (state(child), state(process.pid)))
        process.send_signal(signal.SIGTERM)
        assert rest(process) == (b"", b"", 143)


def test_a_second_interrupt_kills() -> None:
    with start("sh", "-c", "trap '' INT; echo ready; while :; do sleep 0.1; done") as process:
        assert line(process) == b"ready\n"
        process.send_signal(signal.SIGINT)
        sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert rest(process) == (b"", b"", 137)


def test_a_signal_during_the_wait_for_the_background_ends_the_wait() -> None:
    with start("sh", "-c", "sleep 30 & echo $!") as process:
        grandchild = int(line(process))
        sleep(0.3)
        process.send_signal(signal.SIGINT)
        started = monotonic()
        _, err, code = rest(process)
        os.kill(grandchild, signal.SIGKILL)
        assert (err.startswith(b"leakguard: output cut off"), code) == (True, 0)
        assert monotonic() - started < 4


def test_a_hangup_that_was_ignored_stays_ignored() -> None:
    script = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{DRIVER}"
    with start("sh", "-c", "echo ready; read word; echo $word", script=script) as process:
        assert line(process) == b"ready\n"
        process.send_signal(signal.SIGHUP)
        sleep(0.1)
        assert process.stdin is not None
        process.stdin.write(b"alive\n")
        assert rest(process) == (b"alive\n", b"", 0)


def test_a_command_whose_end_would_go_unnoticed_keeps_its_exit_code() -> None:
    script = f"import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n{DRIVER}"
    assert ran("sh", "-c", "exit 7", script=script) == (b"", b"", 7)


def test_signals_at_any_time_leak_nothing_and_leave_no_orphan() -> None:
    chatter = f"echo $$; while :; do echo {SECRET.decode()}; done"
    moments = random.Random(4)  # noqa: S311  # moments, not keys
    for _ in range(8):
        with start("sh", "-c", chatter) as process:
            child = int(line(process))
            sleep(moments.uniform(0, 0.05))
            process.send_signal(moments.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]))
            out, err, code = rest(process)
            # Only the end may hold a piece of it: the command was killed in the middle of a write.
            assert (set(out.split()[:-1]) <= {b"***"}, SECRET in out, err) == (True, False, b"")
            assert code in (129, 130, 143)
            assert gone(child)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_command_does_not_outlive_leakguard(number: signal.Signals) -> None:
    with start("sh", "-c", "echo $$; exec sleep 30") as process:
        child = int(line(process))
        process.send_signal(number)
        process.wait(20)
        assert gone(child)


def test_no_other_process_reads_our_memory_and_the_command_is_as_ever() -> None:
    nobody = "import os\nos.setgroups([])\nos.setgid(65534)\nos.setuid(65534)\n"
    keep = "from leakguard.child import keep_private\nkeep_private()\n"
    script = DRIVER.replace("sys.exit(", f"{nobody}{keep}sys.exit(")
    spying = """
for pid in self $PPID; do
    for file in environ mem maps; do cat /proc/$pid/$file >/dev/null 2>&1; echo $?; done
done
head -c 1 /proc/self/environ | wc -c
"""
    out, err, code = ran("sh", "-c", spying, script=script)
    # Nobody can read `mem` from its start.
    assert (out.split(), err, code) == ([b"0", b"1", b"0", b"1", b"1", b"1", b"1"], b"", 0)


def test_when_leakguard_is_killed_nothing_comes_out_any_more() -> None:
    # In a session of its own nothing reaches it but the end of the pipe.
    stubborn = f"setsid sh -c 'echo $$; sleep 0.5; echo {SECRET.decode()}; sleep 0.2' & wait"
    with start("sh", "-c", stubborn) as process:
        grandchild = int(line(process))
        process.kill()
        assert rest(process) == (b"", b"", -9)
        assert gone(grandchild)


def test_the_command_holds_none_of_our_output() -> None:
    links = """
import os
for fd in os.listdir("/proc/self/fd"):
    if os.path.exists("/proc/self/fd/" + fd):
        print(os.readlink("/proc/self/fd/" + fd))
"""
    with start(*python(links)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        ours = {
            str(Path(f"/proc/self/fd/{file.fileno()}").readlink())
            for file in (process.stdout, process.stderr)
        }
        out, _, code = rest(process)
        theirs = set(out.decode().split())
        assert (len(theirs), theirs & ours, code) == (3, set(), 0)


@pytest.mark.parametrize("pty", [False, True])
def test_as_the_first_process_of_a_namespace_it_leaves_no_zombie(pty: bool) -> None:  # noqa: FBT001  # a parameter of the test
    script = DRIVER.replace("Hider))", f"Hider, pty={pty}))")
    # leakguard and the shell, and with a terminal also the leader of its session; no zombie.
    count = 3 if pty else 2
    orphans = f"""
for n in $(seq 1000); do (true &); done
for n in $(seq 200); do set -- /proc/[0-9]*; [ $# -gt {count} ] || break; sleep 0.1; done
echo $#
exit 7
"""
    command = ["unshare", "--pid", "--fork", "--mount-proc", PYTHON, "-c", script]
    done = subprocess.run(  # noqa: S603  # this very interpreter
        [*command, "sh", "-c", orphans],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert (done.stdout.split(), done.stderr, done.returncode) == ([b"%d" % count], b"", 7)


def test_as_the_heir_of_orphans_it_reaps_them() -> None:
    # A subreaper gets orphans as the first process does.
    outcome = results("""
import ctypes
ctypes.CDLL(None).prctl(36, 1)
child._is_init = lambda: True
orphans = "for i in 1 2 3 4 5 6 7 8 9; do (true &) ; done; sleep 0.2; exit 7"
status = code("/bin/sh", "-c", orphans)
try:
    left = os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    left = "none"
print(json.dumps([status, left]))
""")
    assert outcome == [7, "none"]


def test_no_descriptor_and_no_child_is_left() -> None:
    outcome = results(
        """
code("true")
before = os.listdir("/proc/self/fd")
code("true")
code("no-such-command")
after = os.listdir("/proc/self/fd")
print(json.dumps(before == after))
""".replace('code("no-such-command")\n', "")
    )
    assert outcome is True


ON_TERMINAL = f"import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n{DRIVER}"


def test_at_a_terminal_the_command_is_interrupted_once_and_can_read() -> None:
    master, terminal = os.openpty()
    counting = """
import signal, time
interrupts = []
signal.signal(signal.SIGINT, lambda *_: interrupts.append(1))
print("hello " + input(), flush=True)
while not interrupts:
    time.sleep(0.01)
time.sleep(0.4)
print(len(interrupts))
"""
    with start(*python(counting), script=ON_TERMINAL, stdin=terminal) as process:
        os.write(master, b"me\n")
        assert line(process) == b"hello me\n"
        os.write(master, b"\x03")
        assert rest(process) == (b"1\n", b"", 0)
    os.close(master)
    os.close(terminal)


def test_at_a_terminal_the_command_stays_in_the_foreground() -> None:
    master, terminal = os.openpty()
    with start("sh", "-c", "echo $$; exec sleep 30", script=ON_TERMINAL, stdin=terminal) as process:
        child = int(line(process))
        assert (os.tcgetpgrp(master), os.getpgid(child)) == (process.pid, process.pid)
        process.send_signal(signal.SIGTERM)
        assert rest(process) == (b"", b"", 143)
    os.close(master)
    os.close(terminal)


def test_at_a_terminal_a_second_interrupt_kills() -> None:
    master, terminal = os.openpty()
    stubborn = "trap '' INT; echo ready; while :; do sleep 0.1; done"
    with start("sh", "-c", stubborn, script=ON_TERMINAL, stdin=terminal) as process:
        assert line(process) == b"ready\n"
        os.write(master, b"\x03")
        sleep(0.3)
        os.write(master, b"\x03")
        assert rest(process) == (b"", b"", 137)
    os.close(master)
    os.close(terminal)


def test_a_suspended_terminal_job_goes_on_where_it_was() -> None:
    master, terminal = os.openpty()
    # The kernel stops no group that nobody could continue: a shell of ours makes it a real job.
    shell = f"""
import os, signal, subprocess, sys
os.environ["PYTHONPATH"] = {str(ROOT)!r}
job = subprocess.Popen([sys.executable, "-c", sys.argv[1], *sys.argv[2:]], process_group=0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
os.tcsetpgrp(0, job.pid)
os.waitpid(job.pid, os.WUNTRACED)
print("stopped", flush=True)
os.killpg(job.pid, signal.SIGCONT)
sys.exit(job.wait())
"""
    take_terminal = ON_TERMINAL.partition("\n")[0]
    with start(
        *(DRIVER, "sh", "-c", "echo ready; read word; echo got $word; exit 4"),
        script=take_terminal + shell,
        stdin=terminal,
    ) as process:
        assert line(process) == b"ready\n"
        os.write(master, b"\x1a")
        assert line(process) == b"stopped\n"
        os.write(master, b"it\n")
        assert rest(process) == (b"got it\n", b"", 4)
    os.close(master)
    os.close(terminal)


def test_output_to_a_terminal_comes_through() -> None:
    master, terminal = os.openpty()
    with start("sh", "-c", f"echo {SECRET.decode()}", stdout=terminal) as process:
        assert os.read(master, 100) == b"***\r\n"
        assert process.wait(20) == 0
    os.close(master)
    os.close(terminal)


def test_with_threads_instead_of_polling_the_same_comes_out() -> None:
    script = f"from leakguard import child, pipe; pipe.POLLABLE = child.POLLABLE = False\n{DRIVER}"
    command = f"printf 'out {SECRET.decode()}'; printf 'err {SECRET.decode()}' >&2; exit 3"
    assert ran("sh", "-c", command, script=script) == (b"out ***", b"err ***", 3)
    assert ran("sh", "-c", "kill -9 $$", script=script)[2] == 137


@pytest.fixture(scope="module")
def image() -> Iterator[Contained]:
    """Yield an image with nothing but busybox, which runs this very leakguard."""
    daemons.require_tools()
    with daemons.docker() as home, tarfile.open(home / "image.tar", "w") as archive:
        archive.add(shutil.which("busybox") or "", "bin/busybox")
        archive.close()
        host = f"unix://{home}/docker.sock"
        daemons.run(daemons.DOCKER, "import", home / "image.tar", "busybox", DOCKER_HOST=host)
        yield Contained(host)


class Contained:
    """Containers whose entrypoint is leakguard."""

    def __init__(self, host: str) -> None:
        self._environ = {**os.environ, "DOCKER_HOST": host}
        places = {"/usr", "/lib", "/lib64", sys.base_prefix, sys.prefix, str(ROOT)}
        volumes = (f"--volume={place}:{place}:ro" for place in places if Path(place).exists())
        self._options = [
            *volumes,
            *("--network=none", "--env=API_TOKEN=Vq7mZp2Lk9Rt4WxB", f"--workdir={ROOT}"),
            *(f"--entrypoint={PYTHON}", "busybox", "-m", "leakguard", "run", "--no-rules", "--"),
            *("/bin/busybox", "sh", "-c"),
        ]

    def __call__(self, *words: str) -> tuple[bytes, bytes, int]:
        """Run `docker` with these words."""
        done = subprocess.run(  # noqa: S603  # a daemon of our own
            [daemons.DOCKER, *words], env=self._environ, capture_output=True, check=False
        )
        return done.stdout, done.stderr, done.returncode

    def run(self, script: str, *options: str) -> tuple[bytes, bytes, int]:
        """Run a script in a container of its own."""
        return self("run", *options, *self._options, script)


def test_as_the_entrypoint_of_a_container_it_masks_and_keeps_the_exit_code(
    image: Contained,
) -> None:
    script = "echo out $API_TOKEN; echo err $API_TOKEN >&2; test -t 1; echo $?; exit 3"
    assert image.run(script, "--rm") == (b"out ***\n1\n", b"err ***\n", 3)
    assert image.run(script, "--rm", "--tty") == (b"out ***\r\nerr ***\r\n0\r\n", b"", 3)


def test_as_the_entrypoint_of_a_container_it_stops_when_told_and_leaves_no_zombie(
    image: Contained,
) -> None:
    script = """
trap 'set -- /proc/[0-9]*; echo $# $API_TOKEN; exit 9' TERM
for n in 1 2 3 4 5 6 7 8 9; do (busybox true &); done
echo ready; while :; do busybox sleep 0.1; done
"""
    name = image.run(script, "--detach")[0].decode().strip()
    assert becomes(lambda: image("logs", name)[0] == b"ready\n")
    sleep(0.5)
    assert image("stop", "--time=20", name)[2] == 0
    assert image("wait", name)[0] == b"9\n"
    # The shell, and leakguard.
    assert image("logs", name)[0] == b"ready\n2 ***\n"
