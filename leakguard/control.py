"""Takes in secrets while a job runs: what is written after the acknowledgement is masked.

The acknowledgement leaves when every masker of the run knows the secret, in all its forms. Whatever
the job writes once it has it, in any process and to either stream, is read later than that, and so
is masked. What was written before is masked too if it lies unread in a pipe, or if a masker holds
it. What had left by then is out of reach, and with it the rest of a value that was half written.

A job finds the socket by `LEAKGUARD_CONTROL`. It has mode 0600 in a directory of its own, 0700, and
each end speaks to its own user only. A message is `_HEAD`, a name and a value; the answer is
`_ANSWER` and a reason. All this happens between two turns of the streams and never waits: a client
that is slow, silent or senseless keeps one place for some seconds, and holds up nothing.
"""

from __future__ import annotations

import math
import os
import selectors
import socket
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from time import monotonic
from typing import TypeAlias

from leakguard.errors import LeakguardError, UsageError
from leakguard.model import Secret

VARIABLE = "LEAKGUARD_CONTROL"
"""Where a command finds the path of the socket; empty if there was no place for one."""
LARGEST = 1024 * 1024
"""Bytes that a value may have, as a file that is one value."""

Register: TypeAlias = Callable[[Secret], str]
"""Takes a secret into every masker of a run; returns why it is not protected, or nothing."""

_HEAD = struct.Struct(">4sHI")  # the protocol, bytes of the name in UTF-8, bytes of the value
_PROTOCOL = b"lgc1"
_ANSWER = struct.Struct(">BH")  # an `_Outcome`, bytes of the reason in UTF-8

# One descriptor that stands for several, and sockets with a path: Windows has neither.
_AVAILABLE = hasattr(selectors.DefaultSelector, "fileno") and hasattr(socket, "AF_UNIX")
_LONGEST_NAME = 1024
_READ_SIZE = 64 * 1024
_XUCRED_SIZE = 76
"""Bytes of what macOS tells of a peer: a version, the user, and its groups."""
_MOST_CLIENTS = 16
_BACKLOG = 128
_PATIENCE = 5.0
"""Seconds that a client has to say all that it has to say."""
_PAUSE = 0.1
"""Seconds until the next look when no connection can be taken, as without a free descriptor."""
_ANSWERED_WITHIN = 60.0
"""Seconds that a client waits; longer than a masker takes for the largest value."""


class _Outcome(IntEnum):
    """What became of a secret."""

    PROTECTED = 0
    UNPROTECTED = 1
    REFUSED = 2


class _RefusedError(LeakguardError):
    """What came is not a message as it should be."""


class Control:
    """The end that listens. Somebody has to call `go_on` when `fileno` can be read, or at `due`.

    Attributes:
        path: Where the socket is.
    """

    def __init__(self, place: Path, register: Register) -> None:
        """Listen in a fresh directory below `place`.

        Raises:
            OSError: If there can be none, or its path would be too long for a socket.
        """
        self._register = register
        self._requests: set[_Request] = set()
        self._reopens = math.inf
        with ExitStack() as stack:
            self._selector = stack.enter_context(selectors.DefaultSelector())
            self._listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            self.path = stack.enter_context(_path_below(place))
            self._listen()
            self._opened = stack.pop_all()

    @property
    def due(self) -> float:
        """When there is something to do even if nothing comes until then."""
        return min([self._reopens, *(request.due for request in self._requests)])

    def fileno(self) -> int:
        """Return the descriptor that can be read when there is something to do."""
        return self._selector.fileno()

    def go_on(self) -> None:
        """Do what there is to do, without waiting for anybody.

        Raises:
            BaseException: What `register` raises. Some masker may lack a secret then, and none is
                acknowledged any more.
        """
        try:
            self._see_to_all()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave every client without an answer, and nothing on the disk."""
        for request in self._requests:
            request.connection.close()
        self._requests.clear()
        self._opened.close()

    def _listen(self) -> None:
        self._listener.settimeout(0)
        self._listener.bind(str(self.path))
        self.path.chmod(0o600)
        self._listener.listen(_BACKLOG)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def _see_to_all(self) -> None:
        for key, _ in self._selector.select(0):
            if key.fileobj is self._listener:
                self._admit()
            # One secret for each turn: the streams shall not wait for a crowd.
            elif self._hear(key.data):
                break
        for request in [each for each in self._requests if each.due <= monotonic()]:
            self._dismiss(request, _Outcome.REFUSED, "too slow")
        self._open_or_shut()

    def _admit(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            self._reopens = monotonic() + _PAUSE
            return
        connection.settimeout(0)
        request = _Request(connection)
        if _is_own(connection) and self._watch(connection, request):
            self._requests.add(request)
        else:
            connection.close()

    def _watch(self, end: socket.socket, request: _Request | None = None) -> bool:
        """Have `fileno` tell of what comes there; return whether the system can."""
        try:
            self._selector.register(end, selectors.EVENT_READ, request)
        except OSError:
            self._reopens = monotonic() + _PAUSE
            return False
        return True

    def _hear(self, request: _Request) -> bool:
        """Take what a client has to say by now; return whether its secret was all there."""
        try:
            secret = request.advance()
        except BlockingIOError:
            return False
        except (_RefusedError, OSError) as error:
            self._dismiss(request, _Outcome.REFUSED, str(error))
            return False
        if secret is None:
            return False
        reason = self._register(secret)
        outcome = _Outcome.UNPROTECTED if reason else _Outcome.PROTECTED
        self._dismiss(request, outcome, reason)
        return True

    def _dismiss(self, request: _Request, outcome: _Outcome, reason: str) -> None:
        self._selector.unregister(request.connection)
        self._requests.discard(request)
        said = reason.encode()[:_LONGEST_NAME]
        # So little always finds room, or else the client has left.
        with suppress(OSError), request.connection as connection:
            connection.send(_ANSWER.pack(outcome, len(said)) + said)

    def _open_or_shut(self) -> None:
        """Listen if there is room; whoever comes too early waits in the queue of the system."""
        if self._reopens <= monotonic():
            self._reopens = math.inf
        room = len(self._requests) < _MOST_CLIENTS and self._reopens == math.inf
        listening = self._listener in self._selector.get_map()
        if room and not listening:
            self._watch(self._listener)
        elif listening and not room:
            self._selector.unregister(self._listener)


class _Request:
    """What one client has said so far.

    Attributes:
        connection: Where it says it.
        due: Until when it has to have said all.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.due = monotonic() + _PATIENCE
        self._received = bytearray()

    def advance(self) -> Secret | None:
        """Read once; return the secret when all of it is there.

        Raises:
            _RefusedError: If it is no message, or its end will not come.
            OSError: If nothing can be read.
        """
        piece = self.connection.recv(min(self._missing(), _READ_SIZE))
        if not piece:
            raise _RefusedError("the message has no end")
        self._received += piece
        return None if self._missing() else self._secret()

    def _missing(self) -> int:
        if len(self._received) < _HEAD.size:
            return _HEAD.size - len(self._received)
        protocol, name, value = _HEAD.unpack_from(self._received)
        if protocol != _PROTOCOL or name > _LONGEST_NAME or value > LARGEST:
            raise _RefusedError("not a message for this version of leakguard")
        return int(_HEAD.size + name + value - len(self._received))

    def _secret(self) -> Secret:
        _, length, _ = _HEAD.unpack_from(self._received)
        text = bytes(self._received[_HEAD.size :])
        try:
            secret = Secret(text[:length].decode(), text[length:])
            check(secret)
        except (UnicodeDecodeError, UsageError) as error:
            raise _RefusedError("not a name") from error
        return secret


@contextmanager
def opened(register: Register | None) -> Iterator[Control | None]:
    """Listen until the end of the block; None where no socket can be had, as on Windows.

    Args:
        register: What to do with each secret that comes, before it is acknowledged; None if
            nothing can be done.
    """
    control = _control(register) if register else None
    try:
        yield control
    finally:
        if control:
            control.close()


def told(environ: Mapping[str, str], control: Control | None) -> dict[str, str]:
    """Return an environment that leads to `control`, and to none that is further out."""
    return {**environ, VARIABLE: str(control.path) if control else ""}


def check(secret: Secret) -> None:
    """Refuse what cannot be added under this name.

    Raises:
        UsageError: If the name is empty, or could do harm where it is shown, or if the value is too
            large.
    """
    name = secret.name
    if not name or not name.isprintable():
        raise UsageError("a name has at least one character, and no control characters")
    if "::" in name or "##" in name:
        raise UsageError("a name holds nothing that a CI system may obey")
    if len(name.encode()) > _LONGEST_NAME:
        raise UsageError(f"a name has at most {_LONGEST_NAME} bytes")
    if secret.value and secret.value in name.encode():
        raise UsageError("the name holds the value, which would be shown with it")
    if len(secret.value) > LARGEST:
        raise UsageError(f"the value is larger than {LARGEST // 1024 // 1024} MiB")


def add(secret: Secret, environ: Mapping[str, str] | None = None) -> str:
    """Have the leakguard that runs this job mask `secret` from now on.

    Args:
        secret: The value, and the name that reports and labels give it.
        environ: Where to learn of the running leakguard; the environment of this process.

    Returns:
        Nothing when all that is written from now on is masked, or else why the value is not
        protected.

    Raises:
        UsageError: If there is no running leakguard, or the secret cannot be added under this name.
        LeakguardError: If it is not known to be protected, because no answer came.
    """
    check(secret)
    path = _path(os.environ if environ is None else environ)
    with socket.socket(socket.AF_UNIX) as connection:
        _connect(connection, path)
        try:
            connection.sendall(_message(secret))
            outcome, reason = _answer(connection)
        except OSError as error:
            why = error.strerror or str(error)
            raise LeakguardError(f"the running leakguard has not confirmed it: {why}") from error
    if outcome == _Outcome.REFUSED:
        raise LeakguardError(f"the running leakguard has refused it: {reason}")
    return reason


def _path(environ: Mapping[str, str]) -> str:
    if not _AVAILABLE:
        raise UsageError("no secret can be added here: the system lacks what it takes")
    if VARIABLE not in environ:
        raise UsageError(f"no running leakguard: {VARIABLE} is not set")
    if not environ[VARIABLE]:
        raise UsageError("the running leakguard found no directory for its socket")
    return environ[VARIABLE]


def _connect(connection: socket.socket, path: str) -> None:
    connection.settimeout(_ANSWERED_WITHIN)
    try:
        connection.connect(path)
        own = _is_own(connection)
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"no running leakguard where {VARIABLE} leads: {why}") from error
    if not own:
        raise UsageError(f"{VARIABLE} leads to another user")


def _message(secret: Secret) -> bytes:
    name = secret.name.encode()
    return _HEAD.pack(_PROTOCOL, len(name), len(secret.value)) + name + secret.value


def _answer(connection: socket.socket) -> tuple[int, str]:
    outcome, length = _ANSWER.unpack(_received(connection, _ANSWER.size))
    return outcome, _received(connection, length).decode(errors="replace")


def _received(connection: socket.socket, length: int) -> bytes:
    text = b""
    while len(text) < length:
        piece = connection.recv(length - len(text))
        if not piece:
            raise ConnectionError("it has gone")
        text += piece
    return text


def _control(register: Register) -> Control | None:
    for place in _places() if _AVAILABLE else ():
        with suppress(OSError):
            return Control(place, register)
    return None


@contextmanager
def _path_below(place: Path) -> Iterator[Path]:
    """Make a directory for the block, and return the path of a socket in it."""
    directory = Path(tempfile.mkdtemp(prefix="leakguard-", dir=place))
    path = directory / "s"
    try:
        yield path
    finally:
        # The job belongs to the same user, and may have removed it.
        with suppress(OSError):
            path.unlink(missing_ok=True)
            directory.rmdir()


def _places() -> Iterator[Path]:
    """Yield where the directory may be; some are not writable, or too deep for a socket."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/"):
        yield Path(runtime)
    with suppress(OSError):
        yield Path(tempfile.gettempdir())
    yield Path("/tmp")  # noqa: S108  # a directory in it is ours alone


def _is_own(connection: socket.socket) -> bool:
    """Return whether the process at the other end belongs to our user; not, if nobody can tell."""
    with suppress(OSError, struct.error):
        return _peer(connection) == os.geteuid()
    return False


def _peer(connection: socket.socket) -> int:
    """Return the user of the process at the other end."""
    if sys.platform == "linux":
        size = struct.calcsize("iII")
        peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int(struct.unpack("iII", peer)[1])
    # macOS and the BSDs: level SOL_LOCAL, option LOCAL_PEERCRED, and a version before the user.
    peer = connection.getsockopt(0, 1, _XUCRED_SIZE)
    return int(struct.unpack_from("II", peer)[1])
