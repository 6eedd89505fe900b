"""What the layers above do to a file: leave it, put another in its place, or delete it.

Only the names that matter are remembered, those of files in which something was found, so that an
image of any size needs no more memory. A name with a slash at its end is a directory.
"""

from __future__ import annotations

from collections.abc import Iterator

PRESENT, OVERWRITTEN, DELETED = "present", "overwritten", "deleted"
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"


class Overlay:
    """What becomes of some files as more layers are put on top.

    A name that is taken counts for what is below the layer that has it, so the files of a layer are
    watched once all of its names are taken.
    """

    def __init__(self) -> None:
        self._watched: dict[str, list[tuple[str, str]]] = {}
        self._states: dict[str, str] = {}

    @property
    def watches(self) -> bool:
        """Whether any name matters yet."""
        return bool(self._watched)

    def watch(self, layer: int, name: str) -> None:
        """Watch what becomes of a file of that layer."""
        key = _key(layer, name)
        if key in self._states:
            return
        self._states[key] = PRESENT
        for hiding, state in _hiding(plain(name)):
            self._watched.setdefault(hiding, []).append((key, state))

    def take(self, name: str) -> None:
        """Take a name of the next layer."""
        if name.startswith(("/", "./")) or "//" in name:
            name = plain(name)
        for key, state in self._watched.get(name, ()):
            if self._states[key] == PRESENT:
                self._states[key] = state

    def state(self, layer: int, name: str) -> str:
        """Return what has become of a file that is watched."""
        return self._states[_key(layer, name)]


def plain(name: str) -> str:
    """Return a name the way layers have it, whatever this one puts before: `/a`, `./a` are `a`."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return "/".join(parts) + ("/" if parts and name.endswith("/") else "")


def _hiding(name: str) -> Iterator[tuple[str, str]]:
    """Yield the names that hide a file when a layer above has them, and what it is then."""
    if not name.endswith("/"):
        yield name, OVERWRITTEN
        yield f"{name}/", OVERWRITTEN
    else:
        yield name.rstrip("/"), OVERWRITTEN
    parts = name.rstrip("/").split("/")
    for depth, part in enumerate(parts):
        above = "".join(f"{one}/" for one in parts[:depth])
        yield f"{above}{_WHITEOUT}{part}", DELETED
        yield f"{above}{_OPAQUE}", DELETED
        if depth:
            yield above.rstrip("/"), DELETED  # a file in the place of a directory


def _key(layer: int, name: str) -> str:
    return f"{layer} {name}"
