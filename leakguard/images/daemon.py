"""Images that a Docker daemon has, and the one door to its package, which is an extra.

The daemon is the one that `DOCKER_HOST` and its companions name. It sends an archive, in which the
list of layers may come last: it is kept in a temporary file without a name until it is searched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from leakguard.errors import LeakguardError, UsageError
from leakguard.images import files
from leakguard.images.layout import Selection
from leakguard.images.model import Layout
from leakguard.images.source import Source
from leakguard.unpack import Limits
from leakguard.unpack.guard import spool

_PREFIX = "docker://"
_MISSING = "docker:// needs the docker extra: pip install 'leakguard-ci[docker]'"
_NO_ANSWER = "no Docker daemon answers: is it running, and is DOCKER_HOST right?"
_PIECE = 1 << 20
_PATIENCE = 600  # seconds: before the first byte, Docker may put together all of an archive


@contextmanager
def image(name: str, limits: Limits) -> Iterator[Layout]:
    """Open an image of the daemon.

    Raises:
        UsageError: If there is no daemon, no such image, or no package to ask with.
        LeakguardError: If the image cannot be kept.
    """
    reference = f"{_PREFIX}{name}"
    if not name:
        raise UsageError(f"{reference} names no image")
    with spool() as copy:
        try:
            for piece in _saved(name, limits):
                copy.write(piece)
        except OSError as error:
            raise LeakguardError(f"cannot keep {reference}: {error.strerror}") from error
        with files.of_file(reference, copy, Selection(), limits, reference) as found:
            yield found


def _saved(name: str, limits: Limits) -> Iterator[bytes]:
    """Yield the archive that the daemon makes of an image."""
    docker = _package()
    try:
        with closing(docker.from_env(timeout=_PATIENCE)) as client:
            client.api.inspect_image(name)  # an answer that is not streamed, if there is none
            size = 0
            for piece in client.api.get_image(name, _PIECE):
                size += len(piece)
                if size > limits.max_total_size:
                    raise UsageError(f"{_PREFIX}{name}: larger than {limits.max_total_size} bytes")
                yield piece
    except docker.errors.NotFound as error:
        raise UsageError(f"{_PREFIX}{name}: the Docker daemon has no such image") from error
    except docker.errors.APIError as error:
        why = " ".join(str(error.explanation or error).split())
        raise UsageError(f"{_PREFIX}{name}: the Docker daemon says: {why}") from error
    except (docker.errors.DockerException, OSError) as error:
        # The error names the daemon's address, in which there may be a password.
        raise UsageError(f"{_PREFIX}{name}: {_NO_ANSWER}") from error


def _package() -> Any:  # noqa: ANN401  # a module without types
    try:
        import docker  # noqa: PLC0415  # an extra, and it takes a third of a second
    except ImportError as error:
        raise UsageError(_MISSING) from error
    return docker


SOURCE = Source(prefix=_PREFIX, syntax="docker://REF", open=image, bare=True)
