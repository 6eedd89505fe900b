"""Builds archives in memory, sound ones and ones that are not, for the tests that open them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def zstd_compress(data: bytes) -> bytes:
    """Return a frame with a checksum, as the command line program writes it."""
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zst": zstd_compress,
}
TAR_FORMATS = {
    "ustar": tarfile.USTAR_FORMAT,
    "gnu": tarfile.GNU_FORMAT,
    "pax": tarfile.PAX_FORMAT,
}
ZIP_METHODS = {
    "stored": zipfile.ZIP_STORED,
    "deflated": zipfile.ZIP_DEFLATED,
    "bzip2": zipfile.ZIP_BZIP2,
    "lzma": zipfile.ZIP_LZMA,
}
_CENTRAL = b"PK\1\2"


def tar(members: Mapping[str, bytes], dialect: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=dialect) as archive:
        for name, data in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            archive.addfile(header, io.BytesIO(data))
    return file.getvalue()


def tar_block(
    name: bytes, size: int, kind: bytes = b"0", *, magic: bytes = b"ustar\x0000"
) -> bytes:
    """Return one tar header as old programs write it, whatever it says."""
    length = b"%011o\0" % size if size >= 0 else struct.pack(">Bxxxq", 0xFF, size)
    head = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + length + b"00000000000\0"
    block = head + b" " * 8 + kind + bytes(100) + magic
    block = block.ljust(512, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def zipped(
    members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b""
) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.comment = comment
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return file.getvalue()


class Pipe:
    """A stream that goes forwards only, in short pieces."""

    def __init__(self, data: bytes, piece: int = 1000) -> None:
        self._data = io.BytesIO(data)
        self._piece = piece

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes."""
        return self._data.read(min(size, self._piece))


def noise(seed: int, size: int) -> bytes:
    """Return bytes that do not compress, the same for the same seed."""
    return random.Random(seed).randbytes(size)  # noqa: S311  # no secret is made of them


def streamed_zip(members: Mapping[str, bytes]) -> bytes:
    """Return a zip whose sizes stand behind the data, as it comes out of a pipe."""
    file = io.BytesIO()
    file.seekable = lambda: False  # type: ignore[method-assign]  # zipfile asks, and believes it
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def encrypted(archive: bytes) -> bytes:
    """Return a zip of one member with the flag set that says it needs a password."""
    data = bytearray(archive)
    data[6] |= 1
    data[archive.rindex(_CENTRAL) + 8] |= 1
    return bytes(data)


def without_first_entry(archive: bytes) -> bytes:
    """Return a zip with its first member's data in place, and its directory entry gone."""
    first = archive.index(_CENTRAL)
    second = archive.index(_CENTRAL, first + 4)
    end = archive.rindex(b"PK\5\6")
    count, length = struct.unpack_from("<HI", archive, end + 10)
    record = struct.pack("<HHI", count - 1, count - 1, length - (second - first))
    return (
        archive[:first]
        + archive[second:end]
        + archive[end : end + 8]
        + record
        + archive[end + 16 :]
    )


def overlapping(data: bytes, count: int) -> bytes:
    """Return a zip whose many members are all the same bytes."""
    single = zipped({"a": data})
    first, end = single.index(_CENTRAL), single.rindex(b"PK\5\6")
    entry = single[first:end]
    record = struct.pack("<HHI", count, count, len(entry) * count)
    return single[:first] + entry * count + single[end : end + 8] + record + single[end + 16 :]


def ar(members: Mapping[str, bytes]) -> bytes:
    data = b"!<arch>\n"
    for name, content in members.items():
        header = f"{name}/".ljust(16) + "0".ljust(12) + "0".ljust(6) * 2 + "644".ljust(8)
        data += f"{header}{len(content):<10}`\n".encode() + content + b"\n" * (len(content) % 2)
    return data
