"""Starts the daemons that images come from, each private to its test, and stops them.

Nothing on the machine is shared with them: sockets and stores are in a directory of their own, and
registries listen on the loopback alone. What they need is not optional: a tool that is missing is a
failure that names its package.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

# Tools, and the Debian packages that have them.
TOOLS = {
    "dockerd": "docker.io",
    "ctr": "docker.io",
    "cgroupfs-mount": "cgroupfs-mount",
    "skopeo": "skopeo",
    "umoci": "umoci",
    "docker-registry": "docker-registry",
    "busybox": "busybox-static",
}
# Debian's own client has BuildKit in it; a newer one elsewhere may lack it.
DOCKER = "/usr/bin/docker"
_PATIENCE = 60  # seconds


def require_tools() -> None:
    """Fail if a tool is missing: these tests are never skipped."""
    missing = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)})
    if missing:
        pytest.fail(f"image tools are missing: apt-get install {' '.join(missing)}")
    if os.geteuid() != 0:
        pytest.fail("image tools need root: dockerd does")


def run(*command: str | Path, cwd: Path | None = None, **environ: str) -> str:
    """Run a command to its end and return its output; a failure tells all that it said."""
    done = subprocess.run(  # noqa: S603  # commands of the tests themselves
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{command[0]} ended with {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


@contextmanager
def docker() -> Iterator[Path]:
    """Run a Docker daemon; its socket is `docker.sock` in the directory that is yielded."""
    run("cgroupfs-mount")
    # A path that is short enough for the sockets in it.
    with tempfile.TemporaryDirectory(prefix="lg", ignore_cleanup_errors=True) as home:
        directory = Path(home)
        command = [
            "dockerd", "--data-root", f"{home}/root", "--exec-root", f"{home}/exec",
            "--pidfile", f"{home}/pid", "--host", f"unix://{home}/docker.sock",
            "--bridge=none", "--iptables=false", "--ip-masq=false",
        ]  # fmt: skip
        with _running(command, directory, lambda: _answers(directory / "docker.sock")):
            yield directory


@contextmanager
def registry() -> Iterator[str]:
    """Run a registry; yield its address."""
    with tempfile.TemporaryDirectory(prefix="lg") as home:
        address = f"127.0.0.1:{_free_port()}"
        file = Path(home) / "registry.yml"
        file.write_text(
            "version: 0.1\nlog: {level: error}\n"
            f"storage: {{filesystem: {{rootdirectory: {home}/blobs}}}}\n"
            f"http: {{addr: '{address}'}}\n"
        )
        command = ["docker-registry", "serve", str(file)]
        with _running(command, Path(home), lambda: _serves(f"http://{address}/v2/")):
            yield address


@contextmanager
def _running(command: Sequence[str], home: Path, ready: Callable[[], bool]) -> Iterator[None]:
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603  # ours
    try:
        end = time.monotonic() + _PATIENCE
        while not ready():
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"{command[0]} does not start: {log.read_text()[-2000:]}")
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
            client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b"200 OK" in client.recv(100)
        except OSError:
            return False


def _serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(url):  # noqa: S310  # a registry of our own
            return True
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port
