"""What prints a value byte by byte, as a list or turned around hides nothing of it."""

import base64
import binascii
import codecs
import json
import re
import shutil
import subprocess
from collections.abc import Callable

import pytest

from leakguard.masker import Masker
from leakguard.matcher import Matcher
from leakguard.model import Secret
from tests.streams import cut, mask

VALUES = {
    "token": b"tok_live_8f3Kd92LmQx71ZbV0aHs",
    "capitals": b"tuvwX8f3Kd92LmQx71ZbV0aHs",
    "signs": b"Zq8'x\"9<K>&m2%Qd7=e5$L",
    "wide": "Kä9ßx7Qmé2LZ8w".encode(),  # the letters are meant
    "lines": b"Vq7mZp2Lk9Rt4WxBc8Yd\n3Jf6HnTs5Ga1Qe0Ui4Oy\nPb9Vc2Xn7Mq",
}
MATCHER = Matcher([Secret(name, value) for name, value in VALUES.items()])


def sh(*command: str) -> Callable[[bytes], bytes]:
    """Return what a command prints of a value."""
    if shutil.which(command[0]) is None:
        raise RuntimeError(f"{command[0]} is missing")
    return lambda value: (
        subprocess.run(  # noqa: S603  # the commands below
            command, input=value, capture_output=True, check=True
        ).stdout
    )


def listed(joint: str, value: bytes) -> bytes:
    return joint.join(value.decode()).encode()


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "od": sh("od"),
    "od -c": sh("od", "-c"),
    "od -a": sh("od", "-a"),
    "od -b": sh("od", "-b"),
    "od of decimals": sh("od", "-An", "-tu1"),
    "od of digits": sh("od", "-An", "-tx1"),
    "hexdump": sh("od", "-tx2"),
    "od of long words": sh("od", "-tx4"),
    "letters on lines": sh("fold", "-w1"),
    "pairs on lines": sh("fold", "-w2"),
    "threes on lines": sh("fold", "-w3"),
    "blanks": sh("sed", "s/./& /g"),
    "hyphens": sh("sed", "s/./&-/g"),
    "dots": sh("sed", "s/./&./g"),
    "commas": sh("sed", "s/./&,/g"),
    "a list of Python": lambda value: repr(list(value.decode())).encode(),
    "a list of JSON": lambda value: json.dumps(list(value.decode()), ensure_ascii=False).encode(),
    "a list of JavaScript": lambda value: json.dumps(
        list(value.decode()), ensure_ascii=False, separators=(",", ":")
    ).encode(),
    "a list of Java": lambda value: b"[" + listed(", ", value) + b"]",
    "rev": lambda value: b"\n".join(line.decode()[::-1].encode() for line in value.split(b"\n")),
    "rot13": lambda value: codecs.encode(value.decode(), "rot13").encode(),
    "Ascii85": base64.a85encode,
    "base85": base64.b85encode,
    "uuencode": lambda value: b"".join(
        binascii.b2a_uu(value[at : at + 45]) for at in range(0, len(value), 45)
    ),
    "bits": lambda value: " ".join(f"{byte:08b}" for byte in value).encode(),
    "UTF-32": lambda value: value.decode().encode("utf-32-le"),
}
# Offsets of a dump, and blanks, quotes and brackets around what was printed.
_AROUND = re.compile(rb"(?m)^[0-7]{7}$|^[0-7]{7}(?= )|[\s\0\[\]'\",-.]|\*\*\*")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", VALUES)
def test_nothing_to_speak_of_is_left(name: str, way: str) -> None:
    text = WAYS[way](VALUES[name])
    whole = mask(MATCHER, text)
    left = _AROUND.sub(b"", whole)
    assert len(left) <= 8, whole  # the last bytes of what is dumped in words, or encoded in groups
    for lengths in ([1], [7], [64]):
        assert mask(MATCHER, *cut(text, lengths)) == whole


@pytest.mark.parametrize("way", WAYS)
def test_another_value_stays(way: str) -> None:
    text = WAYS[way](b"Another of the kind: 9Qw3Xb7Lp2")
    assert mask(MATCHER, text) == text


@pytest.mark.parametrize("prompt", [b"name: ", b"go on? [y/N] ", b">>> ", b"$ ", b"  12\t"])
def test_no_prompt_waits_for_what_may_follow_it(prompt: bytes) -> None:
    assert Masker(MATCHER).feed(prompt) == prompt


@pytest.mark.parametrize("lead", range(4))
@pytest.mark.parametrize("way", ["od", "hexdump", "od of long words", "od of decimals", "od -c"])
def test_a_dump_is_read_wherever_the_value_begins_in_it(way: str, lead: int) -> None:
    text = WAYS[way](b"key=.."[:lead] + VALUES["token"] + b" ends")
    whole = WAYS[way](VALUES["token"])
    assert len(_AROUND.sub(b"", mask(MATCHER, text))) < 0.5 * len(_AROUND.sub(b"", whole))
