"""What is told of container images: where in them a secret is, and what of them was not read."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard import images
from leakguard.cli import main
from leakguard.errors import UsageError
from leakguard.images.ahead import Ahead, Inline
from leakguard.images.fields import of
from leakguard.images.overlay import DELETED, OVERWRITTEN, PRESENT, Overlay
from leakguard.matcher import Matcher
from leakguard.model import Finding, ImagePlace, Secret, Skip
from leakguard.rules import Rule
from leakguard.scanner import Limits, scan, scan_images
from leakguard.scanner.findings import Reporter
from leakguard.scanner.search import Search
from leakguard.unpack import Row, rows
from leakguard.unpack.base import StoppedError
from tests.archives import noise, tar, zipped, zstd_compress
from tests.images import IN_TOTO, Builder, digest, entries, packed, tagged

VALUE = b"Vq7mZp2Lk9Rt4WxB"
TEXT = VALUE.decode()
MATCHER = Matcher([Secret("DB", VALUE)])
LAYER = entries(("app/", None), ("app/.env", b"DB=" + VALUE))

Told = tuple[str, str, int | None, str]


def found(*references: str | Path, **options: object) -> list[Finding | Skip]:
    return list(scan_images(map(str, references), MATCHER, **options))  # type: ignore[arg-type]  # by keyword


def place(finding: Finding | Skip) -> ImagePlace:
    assert isinstance(finding, Finding)
    assert finding.image is not None
    return finding.image


def told(*references: str | Path, **options: object) -> list[Told]:
    """Return path, state, layer and field of each finding; there must be no skip."""
    return [
        (
            item.path.rpartition("/")[2] if "!" not in item.path else item.path.partition("!")[2],
            place(item).state,
            place(item).layer,
            place(item).field,
        )
        for item in found(*references, **options)
    ]


def fields_told(*references: str | Path) -> list[str]:
    return [field for *_, field in told(*references) if field]


def skips(*references: str | Path, **options: object) -> list[tuple[str, str]]:
    items = found(*references, **options)
    return [(item.path.partition("!")[2], item.reason) for item in items if isinstance(item, Skip)]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def one_image(layers: list[bytes], config: Mapping[str, object] | None = None) -> Builder:
    builder = Builder()
    return builder.layout(tagged(builder.image(layers, config), "v1"))


# Sources


def test_a_finding_says_where_in_its_image_it_is() -> None:
    config = {
        "history": [
            {"created_by": "ENV A=b", "empty_layer": True},
            {"created_by": "COPY .env /app/ # buildkit"},
        ]
    }
    one_image([LAYER], config).archive(Path("app.tar"))
    (finding,) = found("app.tar")
    assert isinstance(finding, Finding)
    assert (finding.path, finding.line, finding.column) == ("app.tar!app/.env", 1, 4)
    assert finding.image == ImagePlace(
        reference="oci-archive:app.tar:v1",
        platform="linux/amd64",
        layer=0,
        digest=digest(packed(LAYER)),
        diff_id=digest(LAYER),
        created_by="COPY .env /app/ # buildkit",
        state="present",
    )


def test_every_way_to_name_an_image_gives_the_same() -> None:
    builder = one_image([LAYER])
    builder.directory(Path("lay"))
    builder.archive(Path("lay.tar"))
    Path("lay.tar.gz").write_bytes(gzip.compress(Path("lay.tar").read_bytes()))
    name = str(builder.image([LAYER])["digest"])
    references = [
        "lay", "oci:lay", "oci:lay:v1", f"oci:lay@{name}", "lay:v1",
        "lay.tar", "oci-archive:lay.tar", "oci-archive:lay.tar:v1", "lay.tar.gz",
    ]  # fmt: skip
    assert [told(reference) for reference in references] == [
        [("app/.env", "present", 0, "")] for _ in references
    ]


def test_a_path_may_have_a_colon_in_it() -> None:
    one_image([LAYER]).archive(Path("a:v1"))
    assert place(found("a:v1")[0]).reference == "oci-archive:a:v1:v1"
    assert told("oci-archive:a:v1:v1") == [("app/.env", "present", 0, "")]


@pytest.mark.parametrize("name", ["docker-archive:a.tar", "a.tar", "docker-archive:a.tar:fix:v1"])
def test_archives_of_docker_are_read(name: str) -> None:
    builder = Builder()
    entry = builder.docker_image([LAYER], {"config": {"Env": [f"A={TEXT}"]}}, "fix:v1")
    builder.listed(entry).archive(Path("a.tar"))
    assert told(name) == [
        ("a.tar", "metadata", None, "config.Env[0]"),
        ("app/.env", "present", 0, ""),
    ]
    assert place(found(name)[1]).reference == "docker-archive:a.tar:fix:v1"


def test_all_images_in_an_archive_are_searched() -> None:
    builder = Builder()
    one = builder.docker_image([entries(("a", VALUE))], None, "one:1")
    two = builder.docker_image([entries(("b", VALUE))], None, "two:1")
    builder.listed(one, two).archive(Path("a.tar"))
    assert [name for name, *_ in told("a.tar")] == ["a", "b"]
    assert [name for name, *_ in told("docker-archive:a.tar:two:1")] == ["b"]


def test_a_name_without_a_tag_or_with_the_default_registry_is_the_same() -> None:
    builder = Builder()
    builder.listed(builder.docker_image([LAYER], None, "fix:latest")).archive(Path("a.tar"))
    assert told("a.tar:fix") == told("a.tar:docker.io/library/fix:latest") != []


def test_layers_that_are_links_to_each_other_are_followed() -> None:
    builder = Builder()
    entry = dict(builder.docker_image([LAYER], None, "fix:1"))
    members: list[tuple[str, bytes | str | None]] = [
        ("one/layer.tar", "../two/layer.tar"),
        ("two/layer.tar", f"../{digest(LAYER)[7:]}/layer.tar"),
        *builder.files.items(),
    ]
    listed = [{**entry, "Layers": ["one/layer.tar"]}]
    members.append(("manifest.json", json.dumps(listed).encode()))
    Path("a.tar").write_bytes(entries(*members))
    assert told("a.tar") == [("app/.env", "present", 0, "")]


def test_links_in_a_circle_lead_nowhere() -> None:
    builder = Builder()
    entry = dict(builder.docker_image([LAYER], None, "fix:1"))
    listed = [{**entry, "Layers": ["one", "self"]}]
    members: list[tuple[str, bytes | str | None]] = [
        ("one", "two"), ("two", "one"), ("self", "self"),
        *builder.files.items(),
        ("manifest.json", json.dumps(listed).encode()),
    ]  # fmt: skip
    Path("a.tar").write_bytes(entries(*members))
    assert skips("a.tar:fix:1") == [("one", "absent"), ("self", "absent")]


def test_an_image_in_both_lists_is_one_and_others_are_not_lost() -> None:
    """Docker 25 names in its own list only the image of the host."""
    builder = Builder()
    host = builder.image([LAYER], {"config": {"Env": ["A=b"]}}, compress=bytes)
    other = builder.image([], {"architecture": "arm64", "config": {"Env": [f"A={TEXT}"]}})
    top = builder.index({**host, "platform": {"os": "linux", "architecture": "amd64"}}, other)
    config = json.loads(builder.files[_name(host)])["config"]["digest"]
    entry = {
        "Config": f"blobs/{config.replace(':', '/')}",
        "RepoTags": ["fix:v1"],
        "Layers": [f"blobs/{digest(LAYER).replace(':', '/')}"],
    }
    name = {"io.containerd.image.name": "docker.io/library/fix:v1"}
    builder.layout({**top, "annotations": name}).listed(entry).archive(Path("a.tar"))
    assert told("a.tar") == [
        ("app/.env", "present", 0, ""),
        ("a.tar", "metadata", None, "config.Env[0]"),
    ]
    assert [place(one).platform for one in found("a.tar")] == ["linux/amd64", "linux/arm64"]
    assert told("docker-archive:a.tar:fix:v1") == told("a.tar")


def _name(described: dict[str, object]) -> str:
    return f"blobs/{str(described['digest']).replace(':', '/')}"


# Compression


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": packed,
    "gzip in members": lambda data: b"".join(
        packed(data[at : at + 700]) for at in range(0, len(data), 700)
    ),
    "zstd": zstd_compress,
    "zstd in frames": lambda data: (
        zstd_compress(data[:600]) + b"\x50\x2a\x4d\x18\x04\0\0\0note" + zstd_compress(data[600:])
    ),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_layers_are_read_however_they_are_compressed(compression: str, jobs: int) -> None:
    builder = Builder()
    builder.layout(builder.image([LAYER], compress=COMPRESSIONS[compression]))
    builder.directory(Path("lay"))
    assert told("lay", jobs=jobs) == [("app/.env", "present", 0, "")]


def test_archives_in_layers_are_opened() -> None:
    one_image([tar({"a.zip": zipped({"b": VALUE}), "c.gz": gzip.compress(VALUE)})]).directory(
        Path("lay")
    )
    assert [name for name, *_ in told("lay")] == ["a.zip!b", "c.gz!c"]


# Metadata


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"config": {"Env": ["A=b", f"TOKEN={TEXT}"]}}, "config.Env[1]"),
        ({"config": {"Labels": {"org.example.token": TEXT}}}, "config.Labels.org.example.token"),
        ({"config": {"Entrypoint": ["sh", "-c", TEXT]}}, "config.Entrypoint[2]"),
        ({"config": {"Cmd": [TEXT]}}, "config.Cmd[0]"),
        ({"config": {"Healthcheck": {"Test": ["CMD", TEXT]}}}, "config.Healthcheck.Test[1]"),
        ({"config": {"OnBuild": [f"RUN {TEXT}"]}}, "config.OnBuild[0]"),
        ({"config": {"User": TEXT}}, "config.User"),
        ({"config": {"WorkingDir": f"/{TEXT}"}}, "config.WorkingDir"),
        ({"container_config": {"Env": [TEXT]}}, "container_config.Env[0]"),
        ({"author": TEXT}, "author"),
        ({"comment": TEXT}, "comment"),
        ({"history": [{"created_by": f"|1 NAME={TEXT} /bin/sh"}]}, "history[0].created_by"),
        ({"history": [{}, {"comment": TEXT}]}, "history[1].comment"),
        ({"unheard of": {"deep": [[{"x": TEXT}]]}}, "unheard of.deep[0][0].x"),
    ],
)
def test_each_field_of_a_configuration_is_searched(config: dict[str, object], field: str) -> None:
    one_image([], config).directory(Path("lay"))
    assert told("lay") == [("lay", "metadata", None, field)]


def test_annotations_of_index_manifest_and_descriptor_are_searched() -> None:
    builder = Builder()
    manifest = {"layers": [], "config": builder.document({}), "annotations": {"note": TEXT}}
    described = builder.document(manifest, annotations={"on descriptor": TEXT})
    inner = builder.index(described, annotations={"inner": TEXT})
    builder.layout(inner, annotations={"top": TEXT}).directory(Path("lay"))
    assert fields_told("lay") == [
        "index.annotations.top",
        "index.manifests[0].annotations.on descriptor",
        "index.annotations.inner",
        "annotations.note",
    ]


def test_a_value_is_searched_as_itself_and_not_as_json_has_it() -> None:
    value = b'two\nlines "quoted" ' + VALUE
    one_image([], {"comment": value.decode()}).directory(Path("lay"))
    matcher = Matcher.of_needles([])
    assert list(scan_images(["lay"], matcher)) == []
    items = list(scan_images(["lay"], Matcher([Secret("DB", value)])))
    assert [(place(one).field, one.encoding) for one in items if isinstance(one, Finding)] == [
        ("comment", "raw")
    ]


def test_the_inline_cache_of_buildkit_is_decoded() -> None:
    cache = base64.b64encode(json.dumps({"layers": [{"note": TEXT}]}).encode()).decode()
    other = base64.b64encode(b"no document " + VALUE).decode()
    key = "moby.buildkit.cache.v0"
    config = json.dumps({key: cache})[:-1] + f', "{key}": "{other}"' + "}"
    assert [(field.name, VALUE in field.value) for field in of(config.encode())] == [
        (key, False),
        (f"{key}.layers", False),
        (f"{key}.layers[0].note", False),
        (f"{key}.layers[0].note", True),
        (key, False),
        (key, False),
        (key, True),
        (key, False),
    ]


def test_numbers_and_repeated_keys_are_read_as_they_stand() -> None:
    values = [field.value for field in of(b'{"a": 12345678901234567890.10, "a": [true, "x"]}')]
    assert values == [b"a", b"12345678901234567890.10", b"a", b"x"]


def test_what_is_no_document_is_searched_as_it_is() -> None:
    assert [field.value for field in of(b"{" + VALUE)] == [b"{" + VALUE]
    deep = b"[" * 100_000
    assert [field.value for field in of(deep)] == [deep]


def test_attestations_are_searched_as_documents() -> None:
    builder = Builder()
    image = builder.image([LAYER])
    statement = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicate": {"args": {"build-arg:NPM_TOKEN": TEXT}},
    }
    manifest = {
        "config": builder.document({"architecture": "unknown", "os": "unknown"}),
        "layers": [builder.document(statement, IN_TOTO)],
    }
    unknown = {"architecture": "unknown", "os": "unknown"}
    attestation = builder.document(manifest, platform=unknown)
    builder.layout(builder.index(image, attestation)).directory(Path("lay"))
    assert told("lay") == [
        ("app/.env", "present", 0, ""),
        ("lay", "metadata", None, "attestation.predicate.args.build-arg:NPM_TOKEN"),
    ]
    assert place(found("lay")[1]).platform == ""


def test_a_value_in_a_field_is_told_once_for_each_image() -> None:
    builder = Builder()
    config = {
        "config": {"Env": [f"A={TEXT}"]},
        "history": [{"created_by": f"RUN |1 A={TEXT} {TEXT}"}] * 2,
    }
    builder.layout(builder.image([], config)).directory(Path("lay"))
    assert fields_told("lay") == ["config.Env[0]", "history[0].created_by", "history[1].created_by"]


def test_what_legacy_files_repeat_is_told_once() -> None:
    builder = Builder()
    config = {"config": {"Env": [f"A={TEXT}"]}}
    entry = builder.docker_image([LAYER], config, "fix:1")
    builder.files[f"{digest(LAYER)[7:]}/json"] = json.dumps(config).encode()
    builder.files[f"{digest(LAYER)[7:]}/VERSION"] = b"1.0"
    builder.listed(entry).archive(Path("a.tar"))
    assert told("a.tar") == [
        ("a.tar", "metadata", None, "config.Env[0]"),
        ("app/.env", "present", 0, ""),
    ]


def test_no_secret_is_in_what_is_told() -> None:
    config = {
        "config": {"Labels": {TEXT: "x"}},
        "history": [{"created_by": f"RUN |1 A={TEXT} make"}],
    }
    builder = Builder()
    builder.layout(tagged(builder.image([LAYER], config), TEXT)).directory(Path("lay"))
    items = found("lay")
    assert TEXT not in repr(items)
    layer = next(place(one) for one in items if place(one).layer == 0)
    assert layer.created_by == "RUN |1 A=*** make"
    assert layer.reference == "oci:lay:***"
    assert "config.Labels.***" in {place(one).field for one in items}


def test_no_secret_that_an_image_says_of_itself_is_in_a_message() -> None:
    builder = Builder()
    config = {"rootfs": {"diff_ids": [f"sha256:{TEXT}"]}}
    described = tagged(builder.image([LAYER], config), TEXT)
    builder.layout(described, {"digest": f"sha256:{TEXT}"}).directory(Path("lay"))
    items = found("lay")
    assert {type(one) for one in items} == {Finding, Skip}
    assert TEXT not in repr(items)
    with pytest.raises(UsageError, match=r"^lay: no image v2 in it, only \*\*\*$"):
        found("oci:lay:v2")


# Layers


@pytest.mark.parametrize(
    ("later", "state"),
    [
        pytest.param([("app/other", b"")], "present", id="untouched"),
        pytest.param([("app/", None)], "present", id="directory again"),
        pytest.param([("app/.env", b"new")], "overwritten", id="same path"),
        pytest.param([("./app/.env", b"new")], "overwritten", id="dot path"),
        pytest.param([("/app/.env", b"new")], "overwritten", id="rooted path"),
        pytest.param([("app/.env", "/target")], "overwritten", id="link"),
        pytest.param([("app/.env/", None)], "overwritten", id="directory in its place"),
        pytest.param([("app/.wh..env", b"")], "deleted", id="whiteout"),
        pytest.param([(".wh.app", b"")], "deleted", id="whiteout above"),
        pytest.param([("app/.wh..wh..opq", b"")], "deleted", id="opaque"),
        pytest.param([(".wh..wh..opq", b"")], "deleted", id="opaque root"),
        pytest.param([("app", b"a file")], "deleted", id="file in place of its directory"),
        pytest.param([("application/.wh..env", b"")], "present", id="elsewhere"),
    ],
)
def test_later_layers_say_what_became_of_a_file(
    later: list[tuple[str, bytes | str | None]], state: str
) -> None:
    one_image([LAYER, entries(("x", b"")), entries(*later)]).directory(Path("lay"))
    assert told("lay") == [("app/.env", state, 0, "")]


def test_what_is_in_a_nested_archive_shares_the_fate_of_its_file() -> None:
    layers = [tar({"a.zip": zipped({"b": VALUE})}), entries((".wh.a.zip", b""))]
    one_image(layers).directory(Path("lay"))
    assert told("lay") == [("a.zip!b", "deleted", 0, "")]


def test_the_first_that_happens_to_a_file_counts() -> None:
    layers = [LAYER, entries(("app/.env", VALUE)), entries((".wh.app", b""))]
    one_image(layers).directory(Path("lay"))
    assert told("lay") == [("app/.env", "overwritten", 0, ""), ("app/.env", "deleted", 1, "")]


NAMES = st.sampled_from(["a", "a/b", "a/b/c", "d", "d/b"])
ACTIONS = st.tuples(st.sampled_from(["file", "directory", "whiteout", "opaque"]), NAMES)


@given(st.lists(st.lists(ACTIONS, max_size=4), max_size=4))
def test_a_file_is_present_if_and_only_if_putting_layers_together_leaves_it(
    layers: list[list[tuple[str, str]]],
) -> None:
    """And the names of one layer do nothing to that layer itself."""
    overlay = Overlay()
    merged: dict[str, int] = {}
    files: list[tuple[int, str]] = []
    for number, layer in enumerate(layers):
        below = dict(merged)
        merged, own = _applied(below, number, layer)
        for kind, name in layer:
            overlay.take(_entry(kind, name))
        for name in own:
            overlay.watch(number, name)
            files.append((number, name))
    for number, name in files:
        assert (overlay.state(number, name) == PRESENT) == (merged.get(name) == number)
        assert overlay.state(number, name) in (PRESENT, OVERWRITTEN, DELETED)


def _entry(kind: str, name: str) -> str:
    above, _, last = name.rpartition("/")
    prefix = f"{above}/" if above else ""
    return {
        "file": name,
        "directory": f"{name}/",
        "whiteout": f"{prefix}.wh.{last}",
        "opaque": f"{name}/.wh..wh..opq",
    }[kind]


def _applied(
    below: dict[str, int], number: int, layer: list[tuple[str, str]]
) -> tuple[dict[str, int], list[str]]:
    """Return the files after a layer, each with the number of its layer, and that layer's own."""
    for kind, name in layer:
        gone = [
            old
            for old in below
            if old.startswith(f"{name}/") * (kind != "directory")
            or (old == name) * (kind != "opaque")
        ]
        for old in gone:
            del below[old]
    own = list(dict.fromkeys(name for kind, name in layer if kind == "file"))
    return below | dict.fromkeys(own, number), own


def test_a_layer_that_is_there_twice_is_told_where_it_is_on_top() -> None:
    one_image([LAYER, entries((".wh.app", b"")), LAYER]).directory(Path("lay"))
    assert told("lay") == [("app/.env", "present", 2, "")]


def test_a_layer_that_images_share_is_told_once_and_its_names_still_count() -> None:
    builder = Builder()
    delete = entries((".wh.secret", b""))
    one = builder.image([LAYER, delete])
    two = builder.image([entries(("secret", VALUE)), LAYER, delete], {"architecture": "arm64"})
    builder.layout(one, two).directory(Path("lay"))
    assert told("lay") == [("app/.env", "present", 0, ""), ("secret", "deleted", 0, "")]
    assert [place(one).platform for one in found("lay")] == ["linux/amd64", "linux/arm64"]


def test_a_layer_in_two_archives_is_told_once_if_it_is_the_same() -> None:
    one_image([LAYER]).directory(Path("one"))
    builder = Builder()
    builder.listed(builder.docker_image([LAYER], None, "b:1")).archive(Path("two.tar"))
    assert [item.path for item in found("one", "two.tar")] == ["one!app/.env"]


def test_that_a_layer_claims_to_be_known_is_no_proof() -> None:
    harmless, builder = entries(("a", b"harmless")), Builder()
    one_image([harmless]).directory(Path("one"))
    builder.layout(builder.image([harmless]))
    builder.files[f"blobs/{digest(packed(harmless)).replace(':', '/')}"] = packed(LAYER)
    builder.directory(Path("two"))
    skip, finding = found("one", "two")[::-1]
    assert (skip.path, skip.reason) == (f"two!{digest(packed(harmless))}", "damaged")  # type: ignore[union-attr]  # a skip
    assert finding.path == "two!app/.env"


@pytest.mark.parametrize(
    ("history", "made"),
    [
        ([{"created_by": "A"}, {"created_by": "B", "empty_layer": True}], "A"),
        ([{"created_by": "A"}, {"created_by": "B"}], ""),
        ([], ""),
        (None, ""),
    ],
)
def test_the_instruction_is_told_where_history_fits(history: object, made: str) -> None:
    one_image([LAYER], {"history": history}).directory(Path("lay"))
    assert place(found("lay")[0]).created_by == made


# Damage


def test_blobs_that_are_named_and_absent_are_told_and_the_rest_is_searched() -> None:
    builder = Builder()
    image = builder.image([entries(("x", b"")), LAYER])
    other = builder.image([], {"architecture": "arm64"})
    builder.layout(image, other, {"digest": "sha256:" + "0" * 64})
    gone = digest(packed(entries(("x", b""))))
    del builder.files[f"blobs/{gone.replace(':', '/')}"]
    del builder.files[_name(other)]
    builder.directory(Path("lay"))
    assert sorted(skips("lay")) == sorted(
        [
            (f"blobs/{gone.replace(':', '/')}", "absent"),
            (_name(other), "absent"),
            ("blobs/sha256/" + "0" * 64, "absent"),
        ]
    )
    assert [one.path for one in found("lay") if isinstance(one, Finding)] == ["lay!app/.env"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_damaged_layer_is_told_and_searched_up_to_there(jobs: int) -> None:
    layer = tar({"a": VALUE, "b": noise(1, 300_000), "c": VALUE})
    builder = one_image([layer])
    name = f"blobs/{digest(packed(layer)).replace(':', '/')}"
    builder.files[name] = builder.files[name][:200_000]
    builder.directory(Path("lay"))
    items = found("lay", jobs=jobs)
    assert [one.path for one in items if isinstance(one, Finding)] == ["lay!a"]
    assert ("damaged", f"lay!{digest(packed(layer))}") in {
        (one.reason, one.path) for one in items if isinstance(one, Skip)
    }


def test_a_digest_that_does_not_match_is_told_and_its_blob_is_searched() -> None:
    builder = one_image([LAYER], {"comment": "x"})
    stored = digest(packed(LAYER))
    builder.files[f"blobs/{stored.replace(':', '/')}"] = gzip.compress(LAYER, mtime=1)
    (config,) = [name for name, body in builder.files.items() if b'"comment"' in body]
    builder.files[config] = json.dumps({"comment": TEXT}).encode()
    builder.directory(Path("lay"))
    assert skips("lay") == [(config, "damaged"), (stored, "damaged")]
    assert [place(one).field for one in found("lay") if isinstance(one, Finding)] == ["comment", ""]


def test_a_layer_that_is_not_what_its_image_says_is_told() -> None:
    builder = Builder()
    config = {"rootfs": {"diff_ids": [digest(b"else")]}}
    builder.layout(builder.image([LAYER], config)).directory(Path("lay"))
    assert skips("lay") == [(digest(packed(LAYER)), "damaged")]


def test_manifests_without_a_media_type_are_told_apart_by_their_shape() -> None:
    builder = Builder()
    layers = [builder.blob(packed(LAYER))]
    manifest = builder.document({"config": builder.document({}), "layers": layers})
    builder.layout(builder.document({"manifests": [manifest]})).directory(Path("lay"))
    assert told("lay") == [("app/.env", "present", 0, "")]


def test_an_index_of_indexes_is_gone_through_once() -> None:
    builder = Builder()
    inner = builder.index(builder.image([LAYER]))
    outer = builder.index(inner, inner)
    builder.layout(outer, inner, outer).directory(Path("lay"))
    assert told("lay") == [("app/.env", "present", 0, "")]


@pytest.mark.parametrize(
    "listed",
    [b"null", b"[null, 1, {}]", b'[{"Config": null, "Layers": [null, "../../etc/passwd"]}]', b"{"],
)
def test_a_list_that_makes_no_sense_is_survived(listed: bytes) -> None:
    builder = one_image([LAYER])
    builder.files["manifest.json"] = listed
    builder.directory(Path("lay"))
    assert "lay!app/.env" in {item.path for item in found("lay")}


def test_nothing_outside_of_a_layout_is_opened() -> None:
    Path("outside").write_bytes(VALUE)
    builder = Builder()
    builder.layout(builder.image([LAYER], compress=bytes))
    builder.listed({"Config": "../outside", "Layers": ["../outside", "blobs/link"]})
    builder.directory(Path("lay"))
    Path("lay/blobs/link").symlink_to(Path("outside").absolute())
    assert [one.path for one in found("lay") if isinstance(one, Finding)] == ["lay!app/.env"]


def test_an_archive_with_a_bad_header_is_searched_around_it_and_told() -> None:
    files = one_image([LAYER]).files
    data = tar(files)
    bad = data[:-1024].rstrip(b"\0")
    bad += bytes(-len(bad) % 512) + b"!" * 512 + tar({"later": VALUE})
    Path("a.tar").write_bytes(bad)
    items = found("a.tar")
    assert [one.path for one in items] == ["a.tar", "a.tar!app/.env", "a.tar!later"]
    assert isinstance(items[0], Skip)
    assert items[0].reason == "damaged"


def test_a_truncated_archive_is_told() -> None:
    builder = one_image([tar({"a": VALUE, "b": noise(1, 100_000)})])
    order = sorted(builder.files.items(), key=lambda item: len(item[1]))
    data = tar(dict(order))
    Path("a.tar").write_bytes(data[: len(data) - 60_000])
    reasons = {(one.path, one.reason) for one in found("a.tar") if isinstance(one, Skip)}
    assert ("a.tar", "damaged") in reasons
    assert "a.tar!a" in {one.path for one in found("a.tar") if isinstance(one, Finding)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_limits_reach_the_layers(jobs: int) -> None:
    layer = tar({"a": bytes(40 << 20), "b": VALUE})
    one_image([layer, LAYER]).directory(Path("lay"))
    name = digest(packed(layer))
    items = found("lay", limits=Limits(max_ratio=100), jobs=jobs)
    assert (name, "ratio") in [(one.path[4:], one.reason) for one in items if isinstance(one, Skip)]
    assert "lay!app/.env" in [one.path for one in items]
    items = found("lay", limits=Limits(max_total_size=1 << 20), jobs=jobs)
    assert (name, "too-large") in [
        (one.path[4:], one.reason) for one in items if isinstance(one, Skip)
    ]


# Searching paths


def test_a_search_of_paths_finds_in_images_what_a_search_of_images_finds() -> None:
    builder = one_image([LAYER, entries((".wh.app", b""))], {"config": {"Env": [TEXT]}})
    builder.files["blobs/sha256/orphan"] = VALUE
    builder.directory(Path("tree/lay"))
    builder.archive(Path("tree/lay.tar"))
    Path("tree/lay.tar.gz").write_bytes(gzip.compress(Path("tree/lay.tar").read_bytes()))
    Path("tree/z.txt").write_bytes(VALUE)
    for name in ("tree/lay", "tree/lay.tar", "tree/lay.tar.gz"):
        assert [one.path for one in scan([name], MATCHER)] == [
            name, f"{name}!app/.env", f"{name}!blobs/sha256/orphan"
        ]  # fmt: skip
        assert list(scan([name], MATCHER)) == found(name)
    alone = list(scan(["tree"], MATCHER))
    assert len(alone) == 10
    assert list(scan(["tree"], MATCHER, jobs=3)) == alone


def test_a_pipe_with_an_image_in_it_is_searched_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    data = one_image([LAYER]).archive(Path("a.tar")).read_bytes()

    class Raw(io.RawIOBase):
        stream = io.BytesIO(data)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            return self.stream.readinto(buffer)  # type: ignore[arg-type]  # a buffer

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Raw())))
    (finding,) = scan(["-"], MATCHER)
    assert finding.path == "-!app/.env"
    assert place(finding).reference == "oci-archive:-:v1"


def test_archives_that_only_resemble_images_are_searched_as_archives() -> None:
    for files in (
        {"index.json": b"{}", "a": VALUE},
        {"manifest.json": b"[]", "a": VALUE},
        {"manifest.json": b'{"name": "an extension"}', "a": VALUE},
        {"manifest.json": b'[{"name": "a list"}]', "a": VALUE},
        {"manifest.json": b"no JSON", "a": VALUE},
        {"blobs/": b"", "a": VALUE},
    ):
        Path("a.tar").write_bytes(tar(files))
        assert [one.path for one in scan(["a.tar"], MATCHER)] == ["a.tar!a"]
        Path("a.tgz").write_bytes(gzip.compress(tar(files)))
        assert [one.path for one in scan(["a.tgz"], MATCHER)] == ["a.tgz!a"]
    directory = Path("lay")
    directory.mkdir()
    (directory / "oci-layout").write_bytes(b"{}")
    (directory / "index.json").write_bytes(VALUE)
    assert [one.path for one in scan(["."], MATCHER, exclude=["*.t*"])] == ["lay/index.json"]


# Errors


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("oci:none", "no such file or directory: none"),
        ("./none", "no such file or directory: ./none"),
        ("oci:lay:v2", "lay: no image v2 in it, only v1"),
        ("oci:lay@sha256:0", "lay: no image sha256:0 in it, only v1"),
        ("text", "text: no image: there is no manifest.json and no index.json in it"),
        ("docker-archive:empty", "empty: no image: not a tar archive"),
        ("oci:text", "text: no OCI layout: not a directory"),
        ("docker-archive:.", "cannot read .: not a regular file"),
        (
            "gone",
            "gone: no image can be read: blobs/sha256/{0} is named by index.json, and is not there",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_is_one_line(
    reference: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    one_image([LAYER]).directory(Path("lay"))
    Path("text").write_bytes(b"text")
    Path("empty").write_bytes(b"")
    Builder().layout({"digest": "sha256:" + "0" * 64}).directory(Path("gone"))
    message = message.replace("{0}", "0" * 64)
    assert main(["image", "--no-secrets", reference]) == 2
    out, err = capfd.readouterr()
    assert (out, err.lower()) == ("", f"leakguard: {message}\n".lower())


def test_of_several_images_those_that_open_are_searched(
    capfd: pytest.CaptureFixture[str],
) -> None:
    one_image([entries(("a", b""))]).directory(Path("lay"))
    assert main(["image", "--no-secrets", "lay", "./none"]) == 3
    assert "./none" in capfd.readouterr().out
    assert main(["image", "--no-secrets", "./no", "./none"]) == 2
    assert capfd.readouterr() == ("", "leakguard: no such file or directory: ./no\n")
    assert main(["image", "--no-secrets", "lay"]) == 0


def test_a_layout_of_which_nothing_is_there_is_not_clean_when_paths_are_searched() -> None:
    builder = Builder().layout({"digest": "sha256:" + "0" * 64})
    builder.files["more"] = VALUE
    builder.directory(Path("lay"))
    builder.archive(Path("lay.tar"))
    for name in ("lay", "lay.tar"):
        skip, finding = scan([name], MATCHER)
        assert isinstance(skip, Skip)
        assert (skip.path, skip.reason) == (f"{name}!blobs/sha256/{'0' * 64}", "absent")
        assert finding.path == f"{name}!more"


def test_what_is_absent_makes_a_search_incomplete() -> None:
    builder = one_image([entries(("a", b"")), entries(("b", b""))])
    del builder.files[f"blobs/{digest(packed(entries(('a', b'')))).replace(':', '/')}"]
    builder.directory(Path("lay"))
    assert main(["image", "--no-secrets", "lay"]) == 3


def test_without_the_package_for_the_daemon_a_name_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    message = r"^docker:// needs the docker extra: pip install 'leakguard-ci\[docker\]'$"
    for reference in ("docker://alpine", "alpine:3"):
        with pytest.raises(UsageError, match=message):
            found(reference)


def test_sources_are_found_by_their_module_alone() -> None:
    assert images.syntaxes() == (
        "docker://REF",
        "docker-archive:FILE[:TAG]",
        "oci:DIR[:TAG|@DIGEST]",
        "oci-archive:FILE[:TAG|@DIGEST]",
    )


# Streams


def test_what_is_made_ahead_is_what_is_made_when_it_is_read() -> None:
    def pieces() -> Iterator[bytes]:
        yield from (b"abc", b"defgh", b"i" * 10)
        raise StoppedError("damaged", "here")

    for stream in (Ahead(pieces()), Inline(pieces())):
        assert b"".join(stream.read(2) for _ in range(10)) == b"abcdefgh" + b"i" * 10
        with pytest.raises(StoppedError, match=r"^here$"):
            stream.read(2)
        stream.close()


def test_a_thread_ends_with_its_reader() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(1000)

    turn = sys.getswitchinterval()
    stream = Ahead(endless())
    assert stream.read(10) == bytes(10)
    stream.close()
    assert sys.getswitchinterval() == turn


# The walk that serves every tar


TOKEN = b"toy_" + b"k3v9x1q7m2z8p4w6"
RULE = Rule(
    id="toy-token",
    description="Token of a toy",
    regex=rb"\btoy_[a-z0-9]{16}\b",
    keywords=(b"toy_",),
)
KNOWING = Matcher([Secret("DB", VALUE)], [RULE])
# A header follows at once where a member fills its last block.
FILLED = [b"x" * (511 - len(one)) + b" " + one for one in (VALUE, TOKEN)]
CONTENTS = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([VALUE, TOKEN, VALUE[:9], VALUE[9:], *FILLED]),
    st.sampled_from([b"\x1b[0m".join([VALUE[:5], VALUE[5:]]), b"\x1b", b"[0m" + VALUE]),
    st.builds(lambda size: b"x" * size + b" " + TOKEN, st.integers(480, 530)),
    st.just(b"a" * (3 << 20) + VALUE),
)
NAMES_IN_TAR = st.text("ab/\xe4", min_size=1, max_size=130).filter(
    lambda name: name.strip("/.") and not name.endswith("/")
)


def test_plain_members_come_in_rows_and_others_by_themselves() -> None:
    archive = tar({"a": b"1", "b.gz": packed(b"2"), "c": b"3", "d": bytes(9 << 20), "e": b""})
    found = [
        [path for path, *_ in one.blobs] if isinstance(one, Row) else one.path
        for one in rows("t", archive)
        if not isinstance(one, Skip)
    ]
    assert found == [["t!a"], "t!b.gz", "t!b.gz!b", ["t!c"], "t!d", ["t!e"]]


@given(
    st.dictionaries(NAMES_IN_TAR, CONTENTS, max_size=8),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_a_walk_by_rows_finds_what_a_search_of_each_member_finds(
    members: dict[str, bytes], dialect: int
) -> None:
    archive = tar(members, dialect)
    expected = []
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        for member in opened:
            file = opened.extractfile(member)
            text = file.read() if file else b""
            expected += [(f"a!{member.name}", match.start) for match in KNOWING.find(text)]
    search = Search(KNOWING, Reporter(KNOWING, b""), Limits(), lambda _: False)
    items = search.inside("a", archive)
    assert [(one.path, one.offset) for one in items if isinstance(one, Finding)] == expected
