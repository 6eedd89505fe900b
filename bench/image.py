"""An image with one large layer beside its own gunzip and SHA-256, and beside `kingfisher`.

python bench/image.py [PEERS_BIN]
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import STDLIB, leakguard, medians, peak_memory

FILES = 33_000
SIZE = 300_000_000
# What has to be done at the least, in Python too: its zlib and its hashes are those of C.
LEAST = """
import hashlib, sys, tarfile, zlib
with tarfile.open(sys.argv[1]) as archive:
    layer = max(archive, key=lambda member: member.size)
    stored = archive.extractfile(layer)
    unzip, digest, diff_id = zlib.decompressobj(31), hashlib.sha256(), hashlib.sha256()
    while piece := stored.read(1 << 20):
        digest.update(piece)
        diff_id.update(unzip.decompress(piece))
"""


def sources() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of as many files as are wanted: parts of the standard library."""
    text = b"".join(file.read_bytes() for file in sorted(STDLIB.rglob("*.py")))
    chance = random.Random(5)  # noqa: S311  # the same files at every run
    for number in range(FILES):
        size = chance.randint(200, 2 * SIZE // FILES - 200)
        start = chance.randrange(len(text) - size)
        yield f"usr/lib/packages/{number // 100}/file_{number}.py", text[start : start + size]


def layer() -> bytes:
    """Return the tar of the layer."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in sources():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def documents(plain: bytes, packed: bytes) -> dict[str, bytes]:
    """Return the files of a layout with one image of one layer, by name."""
    found: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def blob(content: bytes) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        found[f"blobs/sha256/{digest}"] = content
        return {"digest": f"sha256:{digest}", "size": len(content)}

    rootfs = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(plain).hexdigest()}"]}
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            **blob(json.dumps(config).encode()),
        },
        "layers": [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **blob(packed)},
        ],
    }
    described = {"mediaType": manifest["mediaType"], **blob(json.dumps(manifest).encode())}
    index = {"schemaVersion": 2, "manifests": [described]}
    # Kingfisher wants Docker's list of layers too.
    names = list(found)
    listed = [{"Config": names[1], "RepoTags": ["bench:1"], "Layers": [names[2]]}]
    found["index.json"] = json.dumps(index).encode()
    found["manifest.json"] = json.dumps(listed).encode()
    return found


def image() -> Path:
    """Return an OCI archive, built once."""
    file = Path(tempfile.gettempdir()) / "leakguard-bench" / "image.tar"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        plain = layer()
        with tarfile.open(file, "w") as archive:
            for name, content in documents(plain, gzip.compress(plain, 6, mtime=0)).items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return file


def main() -> None:
    """Print the median times, their ratios, and the peak memory."""
    file = image()
    peers = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(sys.executable).parent
    runs = {
        "gunzip, SHA-256": f"{sys.executable} -c '{LEAST}' {file}",
        "leakguard": f"{leakguard()} image --no-secrets oci-archive:{file}",
        "leakguard, 1 job": f"{leakguard()} image --no-secrets --jobs 1 oci-archive:{file}",
    }
    if kingfisher := shutil.which("kingfisher", path=str(peers)):
        options = "--no-validate --no-update-check"
        runs["kingfisher"] = f"{kingfisher} scan docker --archive {file} {options}"
    times = dict(zip(runs, medians(list(runs.values())), strict=True))
    print(
        f"{file.stat().st_size / 1e6:.0f} MB archive, layer of {FILES} files, {SIZE / 1e6:.0f} MB"
    )
    for name, command in runs.items():
        ratio = times[name] / times["gunzip, SHA-256"]
        memory = peak_memory(command)
        print(f"  {name:16} {times[name]:5.2f} s, {memory:4.0f} MB, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
