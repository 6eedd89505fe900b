"""A secret is followed however the text writes it, and what is no part of it is left alone."""

import base64
import html
import json
import quopri
import time
from collections.abc import Callable
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leakguard.masker import Masker
from leakguard.matcher import Matcher
from leakguard.model import Secret
from leakguard.rules import Rule
from leakguard.traces import Anchor
from tests.streams import cut, cuttings, mask

PLAIN = b"tok_live_8f3Kd92LmQx71ZbV0aHs"
SIGNS = b"Zq8'x\"9<K>&m2%Qd7=e5$L"
KEY = b"Vq7mZp2Lk9Rt4WxBc8Yd3Jf6Hn"
WIDE = "Kä9ßx7Qmé2LZ8w".encode()  # the letters are meant
KNOWN = {value: Matcher([Secret("S", value)]) for value in (PLAIN, SIGNS, WIDE, KEY)}

ESCAPES: dict[str, Callable[[bytes], bytes]] = {
    "json": lambda text: json.dumps(text.decode())[1:-1].encode(),
    "percent": lambda text: quote_from_bytes(text, safe="").encode(),
    "entities": lambda text: html.escape(text.decode()).encode(),
    "numbers": lambda text: "".join(
        sign if sign.isascii() and sign.isalnum() else f"&#{ord(sign)};" for sign in text.decode()
    ).encode(),
    "hex": lambda text: b"".join(
        b"%c" % byte if chr(byte).isalnum() and byte < 128 else b"\\x%02x" % byte for byte in text
    ),
    "octal": lambda text: b"".join(
        b"%c" % byte if chr(byte).isalnum() and byte < 128 else b"\\%03o" % byte for byte in text
    ),
    "quoted-printable": lambda text: quopri.encodestring(text),
    "doubled": lambda text: text.replace(b"'", b"''").replace(b'"', b'""'),
    "shell": lambda text: text.replace(b"'", b"'\\''"),
    "quoted": lambda text: b"".join(
        b"%c" % byte if chr(byte).isalnum() or byte > 127 else b"\\%c" % byte for byte in text
    ),
}
BASES: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "base64 in between": lambda text: base64.urlsafe_b64encode(b"u:" + text + b":p"),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(b"x" + text)),
    "base32": base64.b32encode,
    "hexadecimal": lambda text: text.hex().encode(),
}
BREAKS = (
    b"\n",
    b"\r\n",
    b"\n    | ",
    b"\n2026-11-24T01:00:00.123Z ",
    b"\nweb_1  | ",
    b"\n> ",
    b"\n+",
    b"\n  12: ",
    b"\n#7 0.412 ",
    b"\n\n",
    b"=\n",
    b"\\\n",
    b" |\n|     | ",
    b" |         \n| ",
    " │\n│ ".encode(),
    b"'\n    '",
    b'" +\n  "',
    b"' . '",
)


def wrapped(text: bytes, width: int, line_break: bytes) -> bytes:
    """Return `text` in lines of a width."""
    return line_break.join(text[at : at + width] for at in range(0, len(text), width))


def remains(masked: bytes) -> bytes:
    """Return what a masker has left of a text between `<<` and `>>`."""
    return masked.partition(b"<<")[2].rpartition(b">>")[0]


@pytest.mark.parametrize("second", ESCAPES)
@pytest.mark.parametrize("first", ESCAPES)
@pytest.mark.parametrize("value", KNOWN, ids=["plain", "signs", "wide", "key"])
def test_escapes_of_two_kinds_hide_nothing(value: bytes, first: str, second: str) -> None:
    text = ESCAPES[second](ESCAPES[first](value))
    left = remains(mask(KNOWN[value], b"<<" + text + b">>"))
    assert left.replace(b"***", b"") in {b"", b"tok\\x5flive\\x5f", b"tok\\137live\\137"} or (
        left.endswith(b"***") and b"8f3" not in left and value is PLAIN
    )


@pytest.mark.parametrize("line_break", BREAKS)
@pytest.mark.parametrize("width", [14, 20])
@pytest.mark.parametrize("value", [PLAIN, b"Vq7mZp2Lk9Rt4WxBn8Td3Hc6"])
def test_a_line_end_in_a_secret_stays_and_the_secret_goes(
    value: bytes, width: int, line_break: bytes
) -> None:
    known = Matcher([Secret("S", value)])
    text = b"<<" + wrapped(value, width, line_break) + b">>"
    kept = line_break.lstrip(b"\\=")
    pieces = -(-len(value) // width)
    for lengths in ([len(text)], [1], [5, 1]):
        left = remains(mask(known, *cut(text, lengths)))
        assert left == b"***" + kept * (pieces - 1)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (b"tok_live_8f3Kd9...", b"***..."),
        (b"tok_live_8f3K\xe2\x80\xa6 x", b"***\xe2\x80\xa6 x"),
        (b"tok_live_8f3", b"tok_live_8f3"),
        (b"tok_live_8f3 Kd92Lm", b"***"),
        (b" ".join(b"%c" % byte for byte in PLAIN), b"***"),
        (b"tok_live_", b"tok_live_"),
        (b"tok_live_7Yq2mm", b"tok_live_7Yq2mm"),
        (b"...mQx71ZbV0aHs", b"...***"),
        (b"Kd92LmQx71", b"***"),
        (b"Kd92Lm", b"Kd92Lm"),
        (b"Kd92LmQx71ZbV0aH".hex().encode(), b"***"),
        (b"Kd92LmQx71ZbV0aH".hex().upper().encode(), b"***"),
        (b"tok_live_8f3Kdx\x0892LmQx71ZbV0aHs", b"***"),
        (b"tok_live_8f3Kdxyz\x08\x08\x0892LmQx71ZbV0aHs", b"***"),
        (b"tok_live_8f3Kdx\x08 \x0892LmQx71ZbV0aHs", b"***"),
        (b"".join(b"%c\x08%c" % (byte, byte) for byte in PLAIN), b"***"),
        (b"".join(b"_\x08%c" % byte for byte in PLAIN), b"***"),
        (b"tok_live_8f3Kd92L mQx71ZbV0aHs", b"***"),
        (b"".join(b"%c\0" % byte for byte in PLAIN[:20]), b"***\0"),
    ],
    ids=[
        "cut off", "cut off by a sign", "too little", "two words", "letters apart", "a prefix",
        "another secret", "an end",
        "a middle", "too little of it", "hexadecimal digits", "the same in capitals",
        "erased", "erased thrice", "erased as a terminal does",
        "bold", "underlined", "two parts", "wide and cut off",
    ],
)  # fmt: skip
def test_what_tells_more_than_the_budget_goes(text: bytes, masked: bytes) -> None:
    for lengths in ([1], [3], [100]):
        assert mask(KNOWN[PLAIN], *cut(text, lengths)) == masked


def test_the_rows_of_a_dump_are_read_as_one() -> None:
    rows = (
        b"00000000: 7061 7373 776f 7264 3d74 6f6b 5f6c 6976  password=tok_liv\n"
        b"00000010: 655f 3866 334b 6439 324c 6d51 7837 315a  e_8f3Kd92LmQx71Z\n"
        b"00000020: 6256 3061 4873 0a                        bV0aHs.\n"
    )
    expected = b"00000000: 7061 7373 776f 7264 3d***\n00000010: \n00000020: \n"
    canonical = (
        b"00000000  70 61 73 73 77 6f 72 64  3d 74 6f 6b 5f 6c 69 76  |password=tok_liv|\n"
        b"00000010  65 5f 38 66 33 4b 64 39  32 4c 6d 51 78 37 31 5a  |e_8f3Kd92LmQx71Z|\n"
        b"00000020  62 56 30 61 48 73 0a                              |bV0aHs.|\n"
    )
    for lengths in ([1], [7], [1000]):
        assert mask(KNOWN[PLAIN], *cut(rows, lengths)) == expected
        assert mask(KNOWN[PLAIN], *cut(canonical, lengths)) == (
            b"00000000  70 61 73 73 77 6f 72 64  3d ***\n00000010  \n00000020  \n"
        )
    characters = (
        b"0000000   p   a   s   s   w   o   r   d   =   t   o   k   _   l   i   v\n"
        b"0000020   e   _   8   f   3   K   d   9   2   L   m   Q   x   7   1   Z\n"
        b"0000040   b   V   0   a   H   s  \\n\n"
    )
    for lengths in ([1], [7], [1000]):
        assert mask(KNOWN[PLAIN], *cut(characters, lengths)) == (
            b"0000000   p   a   s   s   w   o   r   d   =   ***\n0000020   \n0000040     \\n\n"
        )


@pytest.mark.parametrize(
    "text",
    [
        b"an eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ4In0 of somebody else",
        b"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA",
        b"https://hooks.example.com/services/",
        b"postgres://app:other@db.example.com:5432/app",
    ],
)
def test_what_others_have_too_is_left_alone(text: bytes) -> None:
    secrets = [
        PLAIN,
        b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTYifQ.c2lnbmF0dXJlLW9mLXRva2Vu",
        b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7Qx92mKd81LpZ",
        b"https://hooks.example.com/services/T0QX71/B9ZLM2/Kd92LmQx71ZbV0aHs",
        b"postgres://app:Vq7mZp2Lk9Rt4WxB@db.example.com:5432/app",
    ]
    known = Matcher([Secret(f"S{place}", value) for place, value in enumerate(secrets)])
    assert mask(known, text) == text


@pytest.mark.parametrize("line_break", [b"", b"\n", b"\r\n  ", b"\\n"])
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    "harmed",
    [
        pytest.param(wrapped(KEY, 11, b"\n    | "), id="broken"),
        pytest.param(KEY[:11] + b"\\u0074" + KEY[12:], id="escaped"),
        pytest.param(KEY[:20], id="cut"),
    ],
)
def test_what_was_harmed_before_it_was_encoded_goes(
    harmed: bytes, base: str, line_break: bytes
) -> None:
    encoded = BASES[base](b"<" * 12 + harmed + b">" * 12)
    text = wrapped(encoded, 40, line_break) if line_break else encoded
    masked = mask(KNOWN[KEY], b"data: " + text + b".\n")
    assert masked.startswith(b"data: " + text[:8])
    if base != "hexadecimal":  # of a dump's row all is masked
        assert masked.endswith(text[-8:] + b".\n")
    assert len(masked) < len(text) - len(harmed) + 8


@st.composite
def disguised(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Return a secret, and a text in which it stands escaped, broken, encoded, cut off, or more."""
    value = draw(st.sampled_from(list(KNOWN)))
    text = value
    for name in draw(st.lists(st.sampled_from(list(ESCAPES)), max_size=3)):
        text = ESCAPES[name](text)
    if draw(st.booleans()):
        text = wrapped(text, draw(st.integers(6, 40)), draw(st.sampled_from(BREAKS)))
    if draw(st.booleans()):
        text = BASES[draw(st.sampled_from(list(BASES)))](text)
        if draw(st.booleans()):
            text = wrapped(text, draw(st.integers(16, 76)), b"\n")
    begin = draw(st.sampled_from([0, 0, 0, 1, 5]))
    end = draw(st.none() | st.integers(0, len(text)))
    after = draw(st.sampled_from([b"", b"\n", b" end", b"\n> next", b"%", b"\\", b"...", b"\x08"]))
    return value, b"key=" + text[begin:end] + after + text[:end]


# It has more paths than a walk has room for: which of them are tried must not depend on the cuts.
MANY_PATHS = base64.b64encode(base64.b64encode(b"x" + wrapped(SIGNS, 6, b"\n")))


@example((SIGNS, b"key=" + MANY_PATHS * 2), [1])
@given(disguised(), cuttings())
def test_cuts_do_not_matter_to_a_disguise(case: tuple[bytes, bytes], lengths: list[int]) -> None:
    value, text = case
    assert mask(KNOWN[value], *cut(text, lengths)) == mask(KNOWN[value], text)
    assert mask(KNOWN[value], *cut(text, [1])) == mask(KNOWN[value], text)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN[:20] * 8_000,
        (PLAIN[:20] + b"\n") * 4_000,
        (PLAIN[:20] + b"\\") * 2_000,
        (PLAIN[:20] + b"%25" * 20) * 1_000,
        PLAIN[:20] + b"\n" * 400_000,
        PLAIN[:20] + b" " * 400_000,
        PLAIN[:20] + b"\0" * 400_000,
        PLAIN[:20] + b"x\x08" * 200_000,
        PLAIN[:20] + b"=\n" * 200_000,
        (PLAIN[:20] + b"\n    | ") * 4_000,
        PLAIN[:20].hex(" ").encode() * 2_000,
        b"".join(b"\\x%02x" % byte for byte in PLAIN[:20]) * 1_000,
        (PLAIN[:5] + b"\\x69ve_8") * 10_000,
        b"\\x5c" * 20_000,
        b"&amp;amp;" * 10_000,
        b"\\u005cx25" * 10_000,
        base64.b64encode(PLAIN[:21]) * 4_000,
        base64.b64encode(PLAIN[:21]) + b"A" * 400_000,
        PLAIN[:21].hex().encode() * 4_000,
    ],
    ids=[
        "over and over", "lines", "backslashes", "percent signs", "line ends", "blanks", "nothing",
        "erasures", "soft line ends", "margins", "digits", "escapes", "an escape in a while",
        "backslashes escaped", "ampersands escaped", "marks of two kinds",
        "base64", "base64 without end", "hexadecimal",
    ],
)  # fmt: skip
def test_what_never_comes_to_an_end_costs_no_more_for_each_byte(text: bytes) -> None:
    masker = Masker(KNOWN[PLAIN])
    seconds, held = [], 0
    for half in (text[: len(text) // 2], text[len(text) // 2 :]):
        begun = time.process_time()
        for at in range(0, len(half), 4096):
            masker.feed(half[at : at + 4096])
            held = max(held, masker._splitter.held)
        seconds.append(time.process_time() - begun)
    masker.flush()
    assert held < 8192
    assert seconds[1] < 4 * seconds[0] + 1


def test_an_end_that_another_secret_shares_is_told_of_the_one_that_is_there() -> None:
    both = [Secret("ONE", b"Vq7mFileZp2Lk9"), Secret("OTHER", b"Vq7mNoteZp2Lk9")]
    found = Matcher(both).find(b"key=Vq7mNoteZp2Lk9 and then ...ileZp2Lk9")
    told = {(match.name, match.start) for match in found}
    assert told == {("OTHER", 4), ("ONE", 31), ("OTHER", 33)}


def test_an_escape_is_looked_at_once_however_many_secrets_were_added(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = []
    monkeypatch.setattr(Anchor, "starts", lambda anchor, *_: looks.append(anchor))
    matcher = Matcher([Secret("FIRST", b"Vq7mZp2Lk9Rt4WxB")])
    for number in range(81):
        matcher = matcher.with_secret(Secret(f"S{number}", b"%04dZp2Lk9Rt4WxBVq7m" % number))
    assert matcher.find(b"it&#39;s") == []
    assert len(looks) < 10  # once in each of a few indexes


def test_a_part_of_a_secret_is_told_inside_of_what_a_rule_found() -> None:
    rule = Rule("acme", "x", rb"acme_\w{12}", (b"acme_",), stopwords=())
    matcher = Matcher([Secret("ONE", b"Vq7mFileZp2Lk9")], [rule])
    found = {(match.name, match.encoding) for match in matcher.find(b"acme_x_FileZp2Lk9")}
    assert found == {("acme", "raw"), ("ONE", "fragment")}
