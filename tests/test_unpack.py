"""What comes out of archives: every byte, or a skip that says why not."""

from __future__ import annotations

import gzip
import io
import lzma
import random
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.model import Skip
from leakguard.unpack import Limits, blobs, unpackers
from leakguard.unpack.base import HEAD
from tests.archives import (
    COMPRESSIONS,
    TAR_FORMATS,
    ZIP_METHODS,
    Pipe,
    ar,
    encrypted,
    noise,
    overlapping,
    padded,
    streamed_zip,
    tar,
    tar_block,
    without_first_entry,
    zipped,
    zstd_compress,
)

TEXT = b"what is in there\n"
END = bytes(1024)
Opened = tuple[dict[str, bytes], list[tuple[str, str]]]


def opened(path: str, data: bytes | Pipe | io.BytesIO, limits: Limits | None = None) -> Opened:
    """Return the contents by path, gaps by path and offset, and each skip with its reason."""
    contents: dict[str, bytes] = {}
    skips: list[tuple[str, str]] = []
    for found in blobs(path, data, limits or Limits()):
        if isinstance(found, Skip):
            skips.append((found.path, found.reason))
            continue
        stream = io.BytesIO(found.data) if isinstance(found.data, bytes) else found.data
        text = b"".join(iter(partial(stream.read, 1 << 16), b""))
        if text:
            where = found.path if found.gap is None else f"{found.path}@{found.gap}"
            contents[where] = contents.get(where, b"") + text
    return contents, skips


def notes(path: str, data: bytes) -> dict[str, bytes]:
    found = (found for found in blobs(path, data) if not isinstance(found, Skip))
    return {blob.path: blob.notes for blob in found}


def test_what_is_no_archive_comes_out_as_it_is() -> None:
    assert opened("a.txt", TEXT) == ({"a.txt": TEXT}, [])
    assert opened("empty", b"") == ({}, [])


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_a_compressed_file_is_named_without_its_ending(ending: str) -> None:
    data = COMPRESSIONS[ending](TEXT)
    assert opened(f"d/a.txt.{ending}", data) == ({f"d/a.txt.{ending}!a.txt": TEXT}, [])
    assert opened("other", data) == ({"other!other": TEXT}, [])


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_a_compressed_archive_is_named_as_if_it_were_not_compressed(ending: str) -> None:
    data = COMPRESSIONS[ending](tar({"b/c": TEXT}))
    assert opened(f"a.tar.{ending}", data) == ({f"a.tar.{ending}!b/c": TEXT}, [])


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
def test_every_member_of_a_compressed_file_is_read(ending: str) -> None:
    compress = COMPRESSIONS[ending]
    data = compress(b"one ") + compress(b"") + compress(b"two")
    assert opened(f"a.{ending}", data) == ({f"a.{ending}!a": b"one two"}, [])


@pytest.mark.parametrize("ending", ["gz", "xz"])
def test_zeros_behind_compressed_data_are_padding(ending: str) -> None:
    compress = COMPRESSIONS[ending]
    data = compress(b"one ") + bytes(1 << 20) + compress(b"two") + bytes(512)
    assert opened(f"a.{ending}", data) == ({f"a.{ending}!a": b"one two"}, [])


def test_skippable_frames_of_zstd_are_passed_over() -> None:
    frame = b"\x51\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"
    data = frame + zstd_compress(b"one ") + frame + zstd_compress(b"two")
    assert opened("a.zst", data) == ({"a.zst!a": b"one two"}, [])


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
def test_what_stands_behind_compressed_data_is_searched_and_told(ending: str) -> None:
    data = COMPRESSIONS[ending](TEXT)
    contents, skips = opened(f"a.{ending}", data + b"more than was said")
    assert contents == {
        f"a.{ending}!a": TEXT,
        f"a.{ending}@{len(data)}": b"more than was said",
    }
    assert skips == [(f"a.{ending}", "damaged")]


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_compressed_data_that_is_cut_off_is_searched_up_to_there_and_told(ending: str) -> None:
    text = noise(1, 3 << 20)
    data = COMPRESSIONS[ending](text)
    contents, skips = opened(f"a.{ending}", data[: len(data) * 2 // 3])
    assert skips == [(f"a.{ending}!a", "damaged")]
    assert len(contents[f"a.{ending}!a"]) > 1 << 20
    assert text.startswith(contents[f"a.{ending}!a"])


def test_the_name_and_comment_in_a_gzip_header_are_notes() -> None:
    body = gzip.compress(TEXT, mtime=0)[10:]
    data = b"\x1f\x8b\x08\x1c" + bytes(6) + b"\2\0xy" + b"name\0" + b"comment\0" + body
    assert notes("a.gz", data) == {"a.gz!a": b"\2\0xyname\0comment\0"}


@pytest.mark.parametrize("dialect", TAR_FORMATS)
def test_tar_is_read_as_tarfile_reads_it(dialect: str) -> None:
    members = {
        "a": TEXT,
        "d/" * 60 + "long": b"1",
        "empty": b"",
        "exact": bytes(range(256)) * 2,
        "d/umlaut \xe4": b"2",
        "large": b"x" * (9 << 20),
    }
    if dialect != "ustar":
        members["n" * 300] = b"3"
    data = tar(members, TAR_FORMATS[dialect])
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        told = {one.name: archive.extractfile(one) for one in archive}
    expected = {f"a.tar!{name}": file.read() for name, file in told.items() if file}
    contents, skips = opened("a.tar", data)
    assert skips == []
    assert contents == {name: text for name, text in expected.items() if text}


def test_tar_before_any_standard_is_recognized() -> None:
    data = tar_block(b"a", len(TEXT), b"\0", magic=b"") + padded(TEXT) + END
    assert opened("x", data) == ({"x!a": TEXT}, [])


def test_links_and_directories_are_names_with_notes() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname, link.uname = tarfile.SYMTYPE, "/etc/shadow", "owner"
        archive.addfile(link)
        directory = tarfile.TarInfo("directory")
        directory.type = tarfile.DIRTYPE
        archive.addfile(directory)
    found = notes("a.tar", file.getvalue())
    assert opened("a.tar", file.getvalue()) == ({}, [])
    assert list(found) == ["a.tar!link", "a.tar!directory/"]
    assert b"/etc/shadow" in found["a.tar!link"]
    assert b"owner" in found["a.tar!link"]


def test_a_pax_header_gives_a_size_with_any_number_of_zeros() -> None:
    record = b"35 size=00000000000000000000000012\n"
    data = tar_block(b"PaxHeader", 35, b"x") + padded(record)
    data += tar_block(b"a", 0) + padded(b"twelve bytes") + END
    assert opened("a.tar", data) == ({"a.tar!a": b"twelve bytes"}, [])


def test_pax_records_are_notes() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("a")
        member.pax_headers = {"SCHILY.xattr.user.key": "an attribute"}
        archive.addfile(member)
    assert b"user.key=an attribute" in notes("a.tar", file.getvalue())["a.tar!a"]


def test_holes_of_sparse_files_are_not_expanded() -> None:
    # One stretch of data at 1 TiB, as old GNU tar has it.
    block = bytearray(tar_block(b"sparse", 4, b"S", magic=b"ustar  \0"))
    block[386:410] = b"20000000000\0" + b"00000000004\0"
    block[483:495] = b"20000000004\0"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    assert opened("a.tar", bytes(block) + padded(b"data") + END) == ({"a.tar!sparse": b"data"}, [])


def test_tars_one_behind_the_other_are_both_read() -> None:
    data = tar({"a": b"1"}) + tar({"b": b"2"})
    assert opened("a.tar", data) == ({"a.tar!a": b"1", "a.tar!b": b"2"}, [])


def test_a_tar_without_an_end_or_padding_is_complete() -> None:
    assert opened("a.tar", tar_block(b"a", 4) + b"data") == ({"a.tar!a": b"data"}, [])


def test_a_tar_goes_on_behind_a_bad_header_and_the_gap_is_searched_and_told() -> None:
    bad = b"not a header".ljust(512, b"!")
    data = tar_block(b"a", 1) + padded(b"1") + bad + tar_block(b"b", 1) + padded(b"2") + END
    contents, skips = opened("a.tar", data)
    assert contents == {"a.tar!a": b"1", "a.tar@1024": bad, "a.tar!b": b"2"}
    assert skips == [("a.tar", "damaged")]


def test_data_behind_the_end_of_a_tar_is_searched_and_told() -> None:
    data = tar_block(b"a", 1) + padded(b"1") + END + b"hidden"
    assert opened("a.tar", data) == (
        {"a.tar!a": b"1", "a.tar@2048": b"hidden"},
        [("a.tar", "damaged")],
    )


@pytest.mark.parametrize("size", [len(TEXT), 9 << 20])
def test_a_tar_that_ends_in_a_member_is_searched_up_to_there_and_told(size: int) -> None:
    data = tar_block(b"a", size + 1) + b"x" * size
    assert opened("a.tar", data) == ({"a.tar!a": b"x" * size}, [("a.tar!a", "damaged")])


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(tar_block(b"a", -512), id="negative"),
        pytest.param(tar_block(b"PaxHeader", 6, b"x") + padded(b"9 a=b\n"), id="pax length"),
        pytest.param(tar_block(b"PaxHeader", 13, b"x") + padded(b"13 size=-512\n"), id="pax size"),
    ],
)
def test_numbers_in_a_tar_that_make_no_sense_are_told(block: bytes) -> None:
    data = block + tar_block(b"b", 1) + padded(b"2") + END
    contents, skips = opened("a.tar", data)
    assert contents["a.tar!b"] == b"2"
    assert skips == [("a.tar", "damaged")]


@pytest.mark.parametrize("kind", [b"x", b"g", b"L"])
def test_a_header_bomb_is_searched_and_not_believed(kind: bytes) -> None:
    bomb = b"z" * (3 << 20)
    data = tar_block(b"bomb", len(bomb), kind) + bomb + tar_block(b"b", 1) + padded(b"2") + END
    assert opened("a.tar.gz", gzip.compress(data)) == (
        {"a.tar.gz@512": bomb, "a.tar.gz!b": b"2"},
        [("a.tar.gz", "too-large")],
    )


def test_a_pax_header_without_a_member_is_searched_and_told() -> None:
    data = tar_block(b"PaxHeader", 14, b"x") + padded(b"14 comment=key") + END
    assert opened("a.tar", data) == ({}, [("a.tar!", "damaged")])
    assert b"comment=key" in b"".join(notes("a.tar", data).values())


@pytest.mark.parametrize("method", ZIP_METHODS)
def test_zip_members_are_read_whatever_compresses_them(method: str) -> None:
    members = {"a": TEXT, "d/b": b"x" * 100_000, "large": b"y" * (9 << 20)}
    data = zipped(members, ZIP_METHODS[method])
    assert opened("a.zip", data) == ({f"a.zip!{name}": text for name, text in members.items()}, [])


def test_zip_members_by_zstd_and_xz_are_read() -> None:
    for method, compress in ((93, zstd_compress), (95, lzma.compress)):
        packed = compress(TEXT)
        data = bytearray(zipped({"a": packed}, zipfile.ZIP_STORED))
        for at, header in ((data.index(b"PK\3\4"), 8), (data.index(b"PK\1\2"), 10)):
            data[at + header] = method
            data[at + header + 6 : at + header + 10] = zlib.crc32(TEXT).to_bytes(4, "little")
            data[at + header + 14 : at + header + 18] = len(TEXT).to_bytes(4, "little")
        assert opened("a.zip", bytes(data)) == ({"a.zip!a": TEXT}, [])


def test_a_zip_that_came_out_of_a_pipe_is_read() -> None:
    data = streamed_zip({"a": TEXT, "b": b"2"})
    assert opened("a.zip", data) == ({"a.zip!a": TEXT, "a.zip!b": b"2"}, [])


def test_a_zip_that_comes_through_a_pipe_is_read() -> None:
    data = zipped({"a": TEXT, "b": b"2"})
    assert opened("-", Pipe(data)) == ({"-!a": TEXT, "-!b": b"2"}, [])


def test_a_large_zip_with_64_bit_records_is_read() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("a", "w", force_zip64=True) as member:
            member.write(TEXT)
        for number in range(70_000):
            archive.writestr(zipfile.ZipInfo(f"{number}/"), b"")
    assert opened("a.zip", file.getvalue()) == ({"a.zip!a": TEXT}, [])


def test_zip_comments_and_extra_fields_are_searched() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        member = zipfile.ZipInfo("a")
        member.comment, member.extra = b"of a member", b"\xfe\xca\x04\0more"
        archive.comment = b"of the archive"
        archive.writestr(member, TEXT)
    data = file.getvalue()
    contents, skips = opened("a.zip", data)
    assert (contents["a.zip!a"], skips) == (TEXT, [])
    assert contents[f"a.zip@{len(data) - 14}"] == b"of the archive"
    assert b"more" in notes("a.zip", data)["a.zip!a"]
    assert b"of a member" in notes("a.zip", data)["a.zip!a"]


def test_a_member_that_the_central_directory_leaves_out_is_found() -> None:
    members = {"hidden": TEXT, "b": b"2"}
    for data in (zipped(members), streamed_zip(members)):
        contents, skips = opened("a.zip", without_first_entry(data))
        assert contents == {"a.zip!hidden": TEXT, "a.zip!b": b"2"}
        assert skips == []


def test_a_zip_without_a_central_directory_is_read_and_told() -> None:
    data = zipped({"a": TEXT, "b": b"2"})
    contents, skips = opened("a.zip", data[: data.index(b"PK\1\2")])
    assert contents == {"a.zip!a": TEXT, "a.zip!b": b"2"}
    assert skips == [("a.zip", "damaged")]


def test_an_encrypted_member_is_told() -> None:
    assert opened("a.zip", encrypted(zipped({"a": TEXT}))) == ({}, [("a.zip!a", "encrypted")])


def test_a_compression_that_is_not_known_is_told() -> None:
    data = bytearray(zipped({"a": TEXT}))
    data[8] = data[data.index(b"PK\1\2") + 10] = 9
    assert opened("a.zip", bytes(data)) == ({}, [("a.zip!a", "unsupported")])


def test_a_zip_member_with_the_wrong_checksum_is_searched_and_told() -> None:
    data = zipped({"a": TEXT, "b": b"2"}, zipfile.ZIP_STORED).replace(b"what", b"that")
    contents, skips = opened("a.zip", data)
    assert contents == {"a.zip!a": TEXT.replace(b"what", b"that"), "a.zip!b": b"2"}
    assert skips == [("a.zip!a", "damaged")]


def test_a_zip_member_that_unpacks_to_more_than_it_says_is_cut_and_told() -> None:
    data = zipped({"a": b"x" * 1000}).replace((1000).to_bytes(4, "little"), b"\x0a\0\0\0")
    contents, skips = opened("a.zip", data)
    assert skips == [("a.zip!a", "damaged")]
    assert set(contents) <= {"a.zip!a"}


def test_members_that_overlap_are_read_once_and_told() -> None:
    contents, skips = opened("a.zip", overlapping(b"x" * 100_000, 2000))
    assert contents == {"a.zip!a": b"x" * 100_000}
    assert skips == [("a.zip", "damaged")]


@pytest.mark.parametrize("size", [100, 9 << 20])
def test_a_zip_behind_other_data_is_opened_and_all_is_searched(size: int) -> None:
    program = b"\x7fELF" + noise(2, size)
    data = program + zipped({"a": TEXT})
    for source in (data, io.BytesIO(data), Pipe(data, 1 << 16)):
        contents, skips = opened("run", source)
        assert contents == {"run": data, "run!a": TEXT}
        assert skips == []


def test_the_words_of_a_zip_in_a_program_make_none() -> None:
    program = b"\x7fELF....PK\3\4....PK\5\6...." + bytes(100)
    assert opened("run", program) == ({"run": program}, [])


def test_ar_and_debian_packages_are_read() -> None:
    data = ar({"debian-binary": b"2.0\n", "data.tar.xz": lzma.compress(tar({"./a": TEXT}))})
    assert opened("a.deb", data) == (
        {"a.deb!debian-binary": b"2.0\n", "a.deb!data.tar.xz!./a": TEXT},
        [],
    )


def test_long_names_of_ar_are_read() -> None:
    gnu = ar({"/": b"a_name_that_is_long.o/\n", "/0": b"1"}).replace(b"/0/", b"/0 ")
    bsd = ar({"#1/4": b"nameDATA"}).replace(b"#1/4/", b"#1/4 ")
    assert opened("a.a", gnu)[0]["a.a!a_name_that_is_long.o"] == b"1"
    assert opened("a.a", bsd) == ({"a.a!name": b"DATA"}, [])


def test_a_damaged_ar_is_searched_and_told() -> None:
    data = ar({"a": b"12"}) + b"something else"
    assert opened("a.a", data) == (
        {"a.a!a": b"12", "a.a@70": b"something else"},
        [("a.a", "damaged")],
    )


@pytest.mark.parametrize(
    "head", [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\1\0", b"\x04\x22\x4d\x18", b"\x1f\x9d\x90"]
)
def test_an_archive_that_is_not_opened_is_searched_as_it_is_and_told(head: bytes) -> None:
    assert opened("a", head + TEXT) == ({"a": head + TEXT}, [("a", "unsupported")])
    long = head + TEXT * 1000
    assert opened("a", Pipe(long)) == ({"a": long}, [("a", "unsupported")])


def test_archives_nest_in_any_order() -> None:
    inner = zipped({"c.txt": TEXT, "d.txt.bz2": COMPRESSIONS["bz2"](b"2")})
    data = gzip.compress(tar({"b/c.zip": inner, "e.tar.xz": lzma.compress(tar({"f": b"3"}))}))
    assert opened("a.tgz", data) == (
        {
            "a.tgz!b/c.zip!c.txt": TEXT,
            "a.tgz!b/c.zip!d.txt.bz2!d.txt": b"2",
            "a.tgz!e.tar.xz!f": b"3",
        },
        [],
    )


def test_an_archive_is_read_the_same_from_bytes_a_file_and_a_pipe() -> None:
    data = gzip.compress(tar({"a.zip": zipped({"b": TEXT}), "large": b"x" * (9 << 20)}))
    assert opened("a", data) == opened("a", io.BytesIO(data)) == opened("a", Pipe(data))


def test_what_is_too_deep_is_searched_as_it_is_and_told() -> None:
    data = TEXT
    layers = []
    for _ in range(20):
        layers.append(data)
        data = gzip.compress(data, mtime=0)
    contents, skips = opened("a", data)
    assert contents == {"a!a": layers[12]}
    assert skips == [("a!a", "too-deep")]
    assert opened("a", data, Limits(max_depth=20)) == ({"a!a": TEXT}, [])
    assert opened("a", data, Limits(max_depth=0)) == ({"a": data}, [("a", "too-deep")])


def test_a_file_that_is_too_large_is_searched_up_to_the_limit_and_told() -> None:
    limits = Limits(max_file_size=10)
    text = b"0123456789"
    for source in (text, io.BytesIO(text)):
        assert opened("a", source, limits) == ({"a": text}, [])
    for source in (text + b"x", io.BytesIO(text + b"x")):
        assert opened("a", source, limits) == ({"a": text}, [("a", "too-large")])
    data = gzip.compress(tar({"a": text + b"x", "b": text, "large": b"y" * (9 << 20)}))
    assert opened("t", data, limits) == (
        {"t!a": text, "t!b": text, "t!large": b"y" * 10},
        [("t!a", "too-large"), ("t!large", "too-large")],
    )


def test_what_unpacks_to_too_much_in_all_ends_the_walk_and_is_told() -> None:
    data = zipped({name: bytes(1000) for name in "abcdefgh"})
    contents, skips = opened("t", data, Limits(max_total_size=3500))
    assert list(contents) == ["t!a", "t!b", "t!c"]
    assert skips == [("t!d", "too-large")]


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
def test_a_bomb_is_searched_up_to_the_ratio_and_told(ending: str) -> None:
    bomb = COMPRESSIONS[ending](bytes(4 << 20))
    limits = Limits(max_ratio=100, ratio_floor=1 << 20)
    contents, skips = opened("bomb", bomb, limits)
    assert skips == [("bomb!bomb", "ratio")]
    assert 1 << 20 <= len(contents["bomb!bomb"]) < 4 << 20
    contents, skips = opened("a.zip", zipped({"bomb": bytes(9 << 20)}), limits)
    assert skips == [("a.zip!bomb", "ratio")]


def test_too_many_members_end_the_walk_and_are_told() -> None:
    members = {str(number): b"x" for number in range(10)}
    for data in (tar(members), zipped(members)):
        contents, skips = opened("a", data, Limits(max_members=4))
        assert list(contents) == ["a!0", "a!1", "a!2", "a!3"]
        assert skips == [("a!4", "too-many-members")]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x5d\xff\xff\xff\xff" + b"\xff" * 8 + bytes(19), id="lzma, 4 GiB"),
        pytest.param(b"\x28\xb5\x2f\xfd\x00\xa8" + bytes(8), id="zstd, 2 GiB"),
    ],
)
def test_what_asks_for_too_much_memory_is_told(data: bytes) -> None:
    contents, skips = opened("a", data)
    assert (contents, [reason for _, reason in skips]) == ({}, ["damaged"])


def test_the_cause_of_damage_is_told_once() -> None:
    data = gzip.compress(tar({"a": noise(3, 100_000), "b": b"2"}))
    contents, skips = opened("a.tgz", data[:50_000])
    assert list(contents) == ["a.tgz!a"]
    assert skips == [("a.tgz", "damaged")]


def test_members_are_left_out_by_path() -> None:
    data = tar({"a.txt": b"1", "b.zip": zipped({"c": b"2", "d": b"3"})})
    found = blobs("t", data, excluded=lambda path: path in {"t!a.txt", "t!b.zip!c"})
    assert [(blob.path, blob.data) for blob in found if not isinstance(blob, Skip)] == [
        ("t!b.zip", b""),
        ("t!b.zip!d", b"3"),
    ]


def test_names_that_are_no_text_can_be_turned_back() -> None:
    (found,) = blobs("t", tar_block(b"\xff\xfe", 1) + padded(b"1") + END)
    assert found.path.encode("utf-8", "surrogateescape") == b"t!\xff\xfe"


def test_old_zip_names_are_read_in_the_code_page_of_dos() -> None:
    data = zipped({"a": TEXT}).replace(b"a", b"\x84")
    assert opened("z", data) == ({"z!\xe4": TEXT.replace(b"a", b"a")}, [])


def test_no_two_unpackers_recognize_the_same_bytes() -> None:
    samples = [compress(TEXT) for compress in COMPRESSIONS.values()]
    samples += [tar({"a": TEXT}), zipped({"a": TEXT}), ar({"a": TEXT}), b"7z\xbc\xaf\x27\x1c"]
    magics = [re.compile(one.magic, re.DOTALL) for one in unpackers()]
    assert [sum(bool(magic.match(sample[:HEAD])) for magic in magics) for sample in samples] == [
        1 for _ in samples
    ]
    # The walk tells unpackers apart by the group that matched.
    assert [magic.groups for magic in magics] == [0 for _ in magics]


def test_every_unpacker_is_found_by_its_module_alone() -> None:
    labels = {one.label for one in unpackers()}
    assert labels >= {"tar", "zip", "gzip", "bzip2", "xz", "zstd", "ar", "unsupported"}


SECRET = b"Vq7mZp2Lk9Rt4WxB"
NOISE = noise(4, 700)


def samples() -> Iterator[tuple[str, bytes]]:
    """Yield archives with the secret in a member in the middle, and what surrounds it."""
    members = {"first": NOISE, "second": TEXT + SECRET + TEXT, "third": NOISE}
    plain = {name: tar(members, dialect) for name, dialect in TAR_FORMATS.items()}
    yield from plain.items()
    for ending, compress in COMPRESSIONS.items():
        if ending != "lzma":  # it has no checksum
            yield f"tar.{ending}", compress(plain["pax"])
            yield ending, compress(b"".join(members.values()))
    for name, method in ZIP_METHODS.items():
        yield name, zipped(members, method)
    yield "streamed zip", streamed_zip(members)
    yield "ar", ar(members)
    yield "zip in tar", tar({"a": NOISE, "b.zip": zipped(members), "c": NOISE})
    yield (
        "gz in tar in zip",
        zipped({"a.tar": tar({"b.gz": gzip.compress(members["second"], mtime=0)})}),
    )


SAMPLES = dict(samples())


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_secret_is_found_in_every_sample(sample: str) -> None:
    contents, skips = opened("a", SAMPLES[sample])
    assert skips == []
    assert SECRET in b"\n".join(contents.values())


def has_no_end(archive: bytes) -> bool:
    """Say whether an archive may be complete that ends between members: nothing tells of more."""
    return archive[257:262] == b"ustar" or archive.startswith(b"!<arch>")


@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_a_damaged_archive_is_never_clean(sample: str, data: st.DataObject) -> None:
    """Whatever happens to an archive behind its magic: the secret is found, or a skip is told."""
    archive = bytearray(SAMPLES[sample])
    places = st.integers(10, len(archive) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=4)):
        archive[place] = data.draw(st.integers(0, 255))
    if not has_no_end(SAMPLES[sample]) and data.draw(st.booleans()):
        del archive[data.draw(places) :]
    elif data.draw(st.booleans()):
        del archive[data.draw(st.integers(min(HEAD, len(archive) - 1), len(archive) - 1))]
    stored = SECRET in SAMPLES[sample]
    if stored and SECRET not in archive:
        return  # what is not in there any more cannot be found, and tar keeps no checksum of it
    contents, skips = opened("a", bytes(archive))
    assert skips or SECRET in b"\n".join(contents.values())


@given(st.sampled_from(sorted(SAMPLES)), st.integers(1, 3000), st.randoms(use_true_random=False))
def test_what_is_no_archive_at_all_never_raises(
    sample: str, length: int, source: random.Random
) -> None:
    data = SAMPLES[sample][:length] + source.randbytes(2000)
    for form in (data, io.BytesIO(data), Pipe(data)):
        opened("a", form)
