"""Builds container images in memory, sound ones and others, as directories and archives."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.archives import tar

Described = dict[str, object]

OCI = "application/vnd.oci.image"
LAYER = f"{OCI}.layer.v1.tar+gzip"
IN_TOTO = "application/vnd.in-toto+json"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def entries(*members: tuple[str, bytes | str | None]) -> bytes:
    """Return a tar: of a file by its bytes, of a link by its target, of a directory by None."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members:
            header = tarfile.TarInfo(name)
            if content is None:
                header.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                header.type, header.linkname = tarfile.SYMTYPE, content
            else:
                header.size = len(content)
            archive.addfile(header, io.BytesIO(content) if isinstance(content, bytes) else None)
    return file.getvalue()


@dataclass
class Builder:
    """Collects the files of an OCI layout, and of a Docker archive.

    Attributes:
        files: By name.
    """

    files: dict[str, bytes] = field(default_factory=dict)

    def blob(self, content: bytes, media_type: str = "", **more: object) -> Described:
        """Add a blob, and return what describes it."""
        name = digest(content)
        self.files[f"blobs/{name.replace(':', '/')}"] = content
        described: Described = {"digest": name, "size": len(content), **more}
        return {"mediaType": media_type, **described} if media_type else described

    def document(self, content: object, media_type: str = "", **more: object) -> Described:
        """Add a document, and return what describes it."""
        return self.blob(json.dumps(content).encode(), media_type, **more)

    def image(
        self,
        layers: Sequence[bytes],
        config: Mapping[str, object] | None = None,
        *,
        compress: Callable[[bytes], bytes] = packed,
        **more: object,
    ) -> Described:
        """Add an image of layers, which are plain tars, and return what describes its manifest."""
        stored = [compress(layer) for layer in layers]
        body = {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
            **(config or {}),
        }
        manifest = {
            "schemaVersion": 2,
            "config": self.document(body, f"{OCI}.config.v1+json"),
            "layers": [self.blob(content, LAYER) for content in stored],
        }
        return self.document(manifest, f"{OCI}.manifest.v1+json", **more)

    def index(self, *manifests: Described, **more: object) -> Described:
        """Add an index, and return what describes it."""
        body = {"schemaVersion": 2, "manifests": [*manifests], **more}
        return self.document(body, f"{OCI}.index.v1+json")

    def layout(self, *manifests: Described, **more: object) -> Builder:
        """Make a layout of what was added, with these at the top of its index."""
        body = {"schemaVersion": 2, "manifests": [*manifests], **more}
        self.files["index.json"] = json.dumps(body).encode()
        self.files["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
        return self

    def listed(self, *entries: Mapping[str, object]) -> Builder:
        """Add Docker's list of images, which comes last in its archives."""
        self.files["manifest.json"] = json.dumps([*entries]).encode()
        return self

    def docker_image(
        self, layers: Sequence[bytes], config: Mapping[str, object] | None = None, *tags: str
    ) -> Mapping[str, object]:
        """Add an image as Docker saved them before its version 25; return its entry in the list."""
        body = {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
            **(config or {}),
        }
        content = json.dumps(body).encode()
        name = f"{digest(content)[7:]}.json"
        self.files[name] = content
        names = [f"{digest(layer)[7:]}/layer.tar" for layer in layers]
        self.files |= dict(zip(names, layers, strict=True))
        return {"Config": name, "RepoTags": [*tags], "Layers": names}

    def directory(self, path: Path) -> Path:
        """Write the files below `path`."""
        for name, content in self.files.items():
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return path

    def archive(self, path: Path) -> Path:
        """Write the files as a tar archive."""
        path.write_bytes(tar(self.files))
        return path


def tagged(described: Described, name: str) -> Described:
    """Return what describes an image, with a tag."""
    return {**described, "annotations": {"org.opencontainers.image.ref.name": name}}
