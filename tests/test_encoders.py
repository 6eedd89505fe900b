"""Law 3 for needles: no encoding of a secret leaves any of it readable, whatever surrounds it."""

import base64
import binascii
import csv
import html
import io
import json
import re
import shlex
import unicodedata
import urllib.parse
from collections.abc import Callable, Iterable
from xml.sax import saxutils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.encoders import ENCODERS, ENCODINGS, needles
from leakguard.encoders.parts import judged
from leakguard.encoders.registry import Encoder
from leakguard.model import Secret
from leakguard.policy import bare, weakness

# What surrounds a value is drawn from letters that no value holds, so that it cannot repeat itself.
AROUND = "QZ"


def protected(value: bytes) -> bool:
    return weakness(value) is None and bare(value) == value


def texts() -> st.SearchStrategy[str]:
    """Return strategies for values with marks, blanks and line ends, or of any characters."""
    marks = st.sampled_from("abcxyz019 \t\n\r\"'\\/<>&%$`!?*()[]{}|^~#=+,;:@._-")
    anything = st.characters(codec="utf-8", exclude_characters=AROUND)
    drawn = st.one_of(
        st.text(marks, min_size=8, max_size=24), st.text(anything, min_size=8, max_size=24)
    )
    return drawn.filter(lambda text: protected(text.encode()))


def blobs() -> st.SearchStrategy[bytes]:
    return st.binary(min_size=8, max_size=40).filter(protected)


def around() -> st.SearchStrategy[bytes]:
    return st.text(AROUND, max_size=7).map(str.encode)


def found(value: bytes, **options: int) -> list[bytes]:
    return [needle.value for needle in needles(Secret("S", value), **options)]


def cut(text: bytes, value: bytes) -> bytes:
    """Return `text` with `***` for each run of bytes that needles of `value` cover."""
    return masked(text, found(value))


def masked(text: bytes, forms: Iterable[bytes]) -> bytes:
    covered = bytearray(len(text))
    for form in forms:
        at = text.find(form)
        while at >= 0:
            covered[at : at + len(form)] = b"\1" * len(form)
            at = text.find(form, at + 1)
    runs = re.finditer(rb"\x01+|\x00+", covered)
    return b"".join(b"***" if run[0][0] else text[run.start() : run.end()] for run in runs)


# --- Escapes: all of the value goes, and nothing else ------------------------------------------


def json_string(text: str, **options: bool) -> str:
    return json.dumps(text, **options)[1:-1]  # type: ignore[arg-type]  # each is a keyword of dumps


def html_safe_json(text: str) -> str:
    """Write JSON as Go does."""
    unsafe = "<>&\u2028\u2029"
    written = json_string(text, ensure_ascii=False)
    return "".join(f"\\u{ord(char):04x}" if char in unsafe else char for char in written)


def dotnet_json(text: str) -> str:
    """Write JSON as System.Text.Json does."""
    short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 92: "\\\\"}

    def spell(char: str) -> str:
        if ord(char) in short:
            return short[ord(char)]
        if 32 <= ord(char) < 127 and char not in "<>&'\"+`":
            return char
        units = char.encode("utf-16-be").hex(" ", 2).upper().split()
        return "".join(f"\\u{unit}" for unit in units)

    return "".join(map(spell, text))


def csv_field(text: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="").writerow([text])
    return out.getvalue()[1:-1]


def printf_q(text: str) -> str:
    """Quote as bash does a text without control characters."""
    return re.sub(r"([ !\"$&'()*,;<>?\[\\\]^`{|}])", r"\\\1", text)


ESCAPES: dict[str, Callable[[str], str]] = {
    "raw": str,
    "json": lambda text: json_string(text, ensure_ascii=False),
    "json-ascii": json_string,
    "json-slash": lambda text: json_string(text, ensure_ascii=False).replace("/", "\\/"),
    "json-html-safe": html_safe_json,
    "json-dotnet": dotnet_json,
    "json-in-json": lambda text: json_string(json_string(text)),
    "json-in-go-json": lambda text: html_safe_json(json_string(text)),
    "json-in-json-in-json": lambda text: json_string(json_string(json_string(text))),
    "html": html.escape,
    "html-text": lambda text: html.escape(text, quote=False),
    "html-decimal-quotes": lambda text: html.escape(text).replace("&#x27;", "&#39;"),
    "html-twice": lambda text: html.escape(html.escape(text)),
    "json-in-html": lambda text: html.escape(json_string(text), quote=False),
    "xml": saxutils.escape,
    "xml-apostrophe": lambda text: saxutils.escape(text, {'"': "&quot;", "'": "&apos;"}),
    "xml-ascii": lambda text: saxutils.escape(text).encode("ascii", "xmlcharrefreplace").decode(),
    "url": lambda text: urllib.parse.quote(text, safe=""),
    "url-path": urllib.parse.quote,
    "url-form": urllib.parse.quote_plus,
    "url-component": lambda text: urllib.parse.quote(text, safe="!*'()"),
    "url-whole": lambda text: urllib.parse.quote(text, safe=";,/?:@&=+$!*'()#"),
    "url-lower": lambda text: re.sub("%..", lambda m: m[0].lower(), urllib.parse.quote(text)),
    "url-twice": lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
    "command": lambda text: text.translate({37: "%25", 13: "%0D", 10: "%0A"}),
    "bash": lambda text: text.replace("'", "'\\''"),
    "dash": lambda text: re.sub("('+)", "'\"\\1\"'", text),
    "shlex": lambda text: shlex.quote(f" {text}")[2:-1],
    "json-in-shlex": lambda text: shlex.quote(f' "{json_string(text)}')[3:-1],
    "double-quotes": lambda text: re.sub(r'(["$`\\])', r"\\\1", text),
    "repr": lambda text: repr(f"\"'{text}")[4:-1],
    "repr-bytes": lambda text: repr(f"\"'{text}".encode())[5:-1],
    "ascii": lambda text: ascii(f"\"'{text}")[4:-1],
    "regex": re.escape,
    "sql": lambda text: text.replace("'", "''"),
    "csv": csv_field,
    "make": lambda text: text.replace("$", "$$"),
    "ini": lambda text: text.replace("%", "%%"),
    "powershell": lambda text: text.translate({96: "``", 34: '`"', 36: "`$"}),
    "cmd": lambda text: re.sub("([&|<>^])", r"^\1", text),
    "quoted-printable": lambda text: "".join(
        chr(byte) if 32 <= byte < 127 and byte != 61 else f"={byte:02X}" for byte in text.encode()
    ),
}
SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "hex": binascii.hexlify,
    "hex-upper": lambda value: base64.b16encode(value),
    "utf-16-le": lambda value: value.decode().encode("utf-16-le"),
    "utf-16-be": lambda value: value.decode().encode("utf-16-be"),
}
JOINED: dict[str, tuple[str, Callable[[bytes], Iterable[str]]]] = {
    "colons": (":", lambda value: (f"{byte:02x}" for byte in value)),
    "spaces": (" ", lambda value: (f"{byte:02X}" for byte in value)),
    "dashes": ("-", lambda value: (f"{byte:02X}" for byte in value)),
    "c-array": (", ", lambda value: (f"0x{byte:02x}" for byte in value)),
    "decimal": (", ", lambda value: map(str, value)),
    "go-bytes": (" ", lambda value: map(str, value)),
    "backslash-x": ("", lambda value: (f"\\x{byte:02x}" for byte in value)),
    "octal": ("", lambda value: (f"\\{byte:03o}" for byte in value)),
    "every-percent": ("", lambda value: (f"%{byte:02X}" for byte in value)),
    "every-entity": ("", lambda value: (f"&#{ord(char)};" for char in value.decode())),
    "every-hex-entity": ("", lambda value: (f"&#x{ord(char):x};" for char in value.decode())),
    "every-unit": ("", lambda value: (f"\\u{unit:04x}" for unit in utf16_units(value))),
}


def utf16_units(value: bytes) -> list[int]:
    wide = value.decode().encode("utf-16-be")
    return [int.from_bytes(wide[at : at + 2]) for at in range(0, len(wide), 2)]


@given(texts(), around(), around())
def test_of_an_escaped_value_nothing_is_left(text: str, before: bytes, after: bytes) -> None:
    forms = found(text.encode())
    whole = f"{before.decode()}{text}{after.decode()}"
    left = {name: masked(write(whole).encode(), forms) for name, write in ESCAPES.items()}
    assert left == dict.fromkeys(ESCAPES, b"%b***%b" % (before, after))


@given(text=texts(), before=around(), after=around())
def test_of_a_value_that_bash_quoted_nothing_is_left(
    text: str, before: bytes, after: bytes
) -> None:
    shown = "".join(filter(str.isprintable, text))
    if protected(shown.encode()):
        written = printf_q(f"{before.decode()}{shown}{after.decode()}").encode()
        assert cut(written, shown.encode()) == b"%b***%b" % (before, after)


@given(texts(), around(), around())
def test_of_a_value_in_another_base_or_width_nothing_is_left(
    text: str, before: bytes, after: bytes
) -> None:
    forms = found(text.encode())
    for write in SPELLINGS.values():
        left = masked(write(before + text.encode() + after), forms)
        # The zero byte of a neighbor may go too: one byte order's needle fits in the other.
        ends = [write(end).replace(b"\0", b"") for end in (before, after)]
        assert left.replace(b"\0", b"") == b"***".join(ends)


@given(texts(), around(), around())
def test_of_a_value_spelled_byte_by_byte_nothing_is_left(
    text: str, before: bytes, after: bytes
) -> None:
    forms = found(text.encode())
    for joint, spell in JOINED.values():
        written = joint.join(spell(before + text.encode() + after)).encode()
        ends = [joint.join(spell(end)) for end in (before, after)]
        shown = [ends[0] + joint if before else "", joint + ends[1] if after else ""]
        assert masked(written, forms) == "***".join(shown).encode()


@given(blobs(), around(), around())
def test_binary_values_are_found_raw_and_in_hex(value: bytes, before: bytes, after: bytes) -> None:
    assert cut(before + value + after, value) == b"%b***%b" % (before, after)
    masked = cut((before + value + after).hex().encode(), value)
    assert masked == f"{before.hex()}***{after.hex()}".encode()


# --- Bases: at most a few bits are left at each end --------------------------------------------


def open_characters(lengths: tuple[int, int, int], bits: int) -> int:
    """Return how many characters hold a bit of what is before or behind a value.

    Args:
        lengths: Bytes before, of and behind the value.
        bits: Bits that a character holds.
    """
    before, value, after = (8 * length for length in lengths)
    own = (before + value) // bits - -(-before // bits)
    return -(-(before + value + after) // bits) - own


def shown(left: bytes) -> int:
    """Return how many characters are left beside the one mask."""
    assert left.count(b"***") == 1
    return len(left.replace(b"***", b"").rstrip(b"="))


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@given(value=blobs(), before=around(), after=around())
def test_of_base64_only_characters_shared_with_the_surroundings_are_left(
    encode: Callable[[bytes], bytes], value: bytes, before: bytes, after: bytes
) -> None:
    left = cut(encode(before + value + after), value)
    assert shown(left) <= open_characters((len(before), len(value), len(after)), 6)


@given(blobs(), around(), around())
def test_of_base64_in_json_and_urls_no_more_is_left(
    value: bytes, before: bytes, after: bytes
) -> None:
    plain = base64.b64encode(before + value + after)
    bound = open_characters((len(before), len(value), len(after)), 6)
    assert shown(cut(plain.replace(b"/", b"\\/"), value)) <= bound
    quoted = urllib.parse.quote(plain.rstrip(b"="), safe="").encode()
    assert shown(cut(quoted, value)) <= bound


@given(blobs(), around())
def test_base64_that_ends_with_the_value_is_masked_to_its_padding(
    value: bytes, before: bytes
) -> None:
    for ending in (b"", b"\n"):
        assert cut(base64.b64encode(before + value + ending), value).endswith(b"***")


@given(blobs(), around(), around())
def test_of_base32_only_characters_shared_with_the_surroundings_are_left(
    value: bytes, before: bytes, after: bytes
) -> None:
    left = cut(base64.b32encode(before + value + after), value)
    assert shown(left) <= open_characters((len(before), len(value), len(after)), 5)


@given(texts(), around(), around())
def test_of_base64_of_utf16_only_characters_shared_with_the_surroundings_are_left(
    text: str, before: bytes, after: bytes
) -> None:
    head, value, tail = (
        part.encode("utf-16-le") for part in (before.decode(), text, after.decode())
    )
    left = cut(base64.b64encode(head + value + tail), text.encode())
    assert shown(left) <= open_characters((len(head), len(value), len(tail)), 6)


@given(blobs(), around(), around(), around(), around())
def test_of_base64_of_base64_only_characters_shared_with_the_surroundings_are_left(
    value: bytes, before: bytes, after: bytes, outer_before: bytes, outer_after: bytes
) -> None:
    inner = base64.b64encode(before + value + after)
    left = cut(base64.b64encode(outer_before + inner + outer_after), value)
    start, end = -(-8 * len(before) // 6), 8 * len(before + value) // 6
    lengths = (len(outer_before) + start, end - start, len(inner) - end + len(outer_after))
    assert shown(left) <= open_characters(lengths, 6)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("width", [64, 76])
def test_a_long_value_in_wrapped_base64_is_masked_as_one(width: int, ending: bytes) -> None:
    value = bytes(range(60, 200))
    plain = base64.b64encode(value)
    rows = [plain[at : at + width] for at in range(0, len(plain), width)]
    left = cut(b"[" + ending.join(rows) + ending, value)
    assert re.fullmatch(rb"\[\*\*\*.?=*\r?\n", left)


@given(texts())
def test_a_jwt_like_base64_of_json_that_holds_the_value_keeps_nothing_of_it(text: str) -> None:
    for document in (json.dumps({"k": text}), json.dumps({"k": text}, ensure_ascii=False)):
        left = cut(base64.b64encode(document.encode()), text.encode())
        assert shown(left) <= open_characters((7, len(document.encode()) - 9, 2), 6)


# --- Parts -------------------------------------------------------------------------------------


def key_lines() -> list[bytes]:
    """Return lines as a private key has them, made up."""
    return [base64.b64encode(bytes((7 * i + 11 * j) % 256 for j in range(48))) for i in range(9)]


def pem(ending: bytes = b"\n") -> bytes:
    label = b"FAKE " + b"PRIVATE KEY"
    head, foot = (b"-----%b %b-----" % (word, label) for word in (b"BEGIN", b"END"))
    return ending.join([head, *key_lines(), foot, b""])


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("printed", [b"\n", b"\r\n", b" ", b"", b"\n\n", rb"\n", rb"\r\n", b","])
def test_a_multi_line_value_is_found_with_other_line_ends(ending: bytes, printed: bytes) -> None:
    lines = pem().splitlines()
    assert cut(b"<%b>" % printed.join(lines), pem(ending)) == b"<***>"


@pytest.mark.parametrize("prefix", [b"> ", b"    ", b"2024-01-31T10:20:30Z ", b"\t12\t"])
def test_lines_of_a_key_are_found_behind_any_prefix(prefix: bytes) -> None:
    printed = [prefix + line for line in pem().splitlines()]
    body = b"\n".join([prefix + b"***"] * len(key_lines()))
    assert cut(b"\n".join(printed), pem()) == b"\n".join([printed[0], body, printed[-1]])


def test_a_key_whose_line_ends_are_registered_escaped_is_found_printed_plain() -> None:
    registered = pem().replace(b"\n", rb"\n")
    assert cut(pem(), registered) == b"***\n"
    assert cut(key_lines()[3], registered) == b"***"


def test_short_and_structural_lines_are_no_needles() -> None:
    value = b"# a comment of some length\nlisten {\nab\n\n};\n[section of it]\nfirst-Qx7-line\n"
    labels = {needle.value: needle.encoding for needle in needles(Secret("S", value))}
    assert [form for form, name in labels.items() if name == "line"] == [b"first-Qx7-line"]


def needle_parts(value: bytes) -> set[bytes]:
    return {part.value for part in judged(value, min_length=6)[1:] if part.is_needle}


@pytest.mark.parametrize(
    ("document", "leaves"),
    [
        pytest.param({"password": "!@#$%^&*()"}, {b"!@#$%^&*()"}, id="a password of marks"),
        pytest.param({"pin": 493817}, {b"493817"}, id="a number under a secret key"),
        pytest.param({"port": 543217, "retries": True}, set(), id="other numbers"),
        pytest.param({"password": "x"}, set(), id="a short password"),
        pytest.param({"password": "postgres"}, set(), id="a common word"),
        pytest.param({"token": "${VAULT_TOKEN}"}, set(), id="a placeholder"),
        pytest.param({"name": "a1a1a1a1a1"}, set(), id="a repetition"),
        pytest.param(
            {"tenantId": "3f2b8c1e-77aa-4d0e-9b61-0c5de1f0a942"}, set(), id="a UUID that names"
        ),
        pytest.param(
            {"value": "3f2b8c1e-77aa-4d0e-9b61-0c5de1f0a942"},
            {b"3f2b8c1e-77aa-4d0e-9b61-0c5de1f0a942"},
            id="any other UUID",
        ),
    ],
)
def test_a_leaf_is_protected_if_it_tells_enough(
    document: dict[str, object], leaves: set[bytes]
) -> None:
    value = json.dumps(document | {"api_token": "GQ7-zz81-Kmm2-Xo0p"}).encode()
    found = {part.value for part in judged(value, min_length=6)[1:] if part.label == "leaf"}
    assert found & needle_parts(value) == leaves | {b"GQ7-zz81-Kmm2-Xo0p"}


@pytest.mark.parametrize(
    ("line", "is_needle"),
    [
        (b"first-Qx7-line", True),
        (b"mZp2Lk9R", True),
        (b"correct horse battery staple", True),
        (b"Zq81", False),
        (b"select update", False),
        (b"first line", False),
        (b"2024-01-31 10:20:30", False),
        (b"aaaaaaaaaaaaaaaa", False),
        (b"================", False),
    ],
)
def test_a_line_is_protected_if_it_tells_enough(line: bytes, is_needle: bool) -> None:  # noqa: FBT001  # a parameter of the table
    value = b"Vq7mZp2Lk9Rt4WxB\n%b\nKd7-mm92-Zq81" % line
    assert (line in needle_parts(value)) is is_needle


def test_what_is_left_out_says_why_and_where_it_stood() -> None:
    value = json.dumps(
        {
            "client": {"email": "bot@demo.example", "password": "hunter-blue"},
            "cfg": "A_TOKEN=Zq81-mm92-Kd7\nHOST=db.internal.example\n{\n",
            "hosts": ["us-central1-a", "eu-west-1"],
            "Kd7mm92Zq81": {"token": "abc"},
        }
    ).encode()
    told = {
        (part.label, part.key, part.reason)
        for part in judged(value, min_length=6)
        if part.label in {"leaf", "line"}
    }
    assert told >= {
        ("leaf", "client.email", "an address or a path"),
        ("leaf", "client.password", None),
        ("leaf", "cfg.A_TOKEN", None),
        ("leaf", "cfg.HOST", "an address or a path"),
        ("leaf", "hosts[]", "looks like a name"),
        ("leaf", "*.token", "shorter than 6 bytes"),
    }


def test_a_weak_value_has_no_parts_at_all() -> None:
    assert judged(b"production", min_length=6) == []


SERVICE_ACCOUNT = json.dumps(
    {
        "type": "service_account",
        "project_id": "demo-project-41",
        "private_key_id": "c0ffee9f86d081884c7d659a2feaa0c5",
        "private_key": pem().decode(),
        "client_email": "bot@demo-project-41.example",
        "client_id": "108293847561029384756",
        "auth_uri": "https://accounts.example.com/o/oauth2/auth",
        "token_uri": "https://oauth2.example.com/token",
        "client_secret": "GQ7-zz81-Kmm2-Xo0p",
        "nested": [{"passwords": ["hunter-blue"]}, 1234567, None, True],
    },
    indent=2,
).encode()


def test_the_secret_leaves_of_a_document_are_protected_and_its_names_are_not() -> None:
    leaves = {
        needle.value
        for needle in needles(Secret("S", SERVICE_ACCOUNT))
        if needle.encoding in {"leaf", "line", "password"}
    }
    assert leaves == {
        b"c0ffee9f86d081884c7d659a2feaa0c5",
        bare(pem()),
        *key_lines(),
        b"GQ7-zz81-Kmm2-Xo0p",
        b"hunter-blue",
    }


@pytest.mark.parametrize("options", [{"separators": (",", ":")}, {}, {"indent": 4}])
def test_a_document_is_found_laid_out_anew(options: dict[str, object]) -> None:
    again = json.dumps(json.loads(SERVICE_ACCOUNT), **options)  # type: ignore[arg-type]  # of dumps
    assert cut(again.encode(), SERVICE_ACCOUNT) == b"***"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        pytest.param("amqp://app:p%40ss%2Fw0rd@mq.example/", "p@ss/w0rd", id="url-decoded"),
        pytest.param("amqp://app:p%40ss%2Fw0rd@mq.example/", "p%40ss%2Fw0rd", id="url-raw"),
        pytest.param("postgres://app:p/a#s?s9X@h.example/db", "p/a#s?s9X", id="url-unescaped"),
        pytest.param("https://gh_Zq81mm92Kd7x@h.example/r", "gh_Zq81mm92Kd7x", id="url-user"),
        pytest.param("app:Zq81-mm92@tcp(127.0.0.1:3306)/db", "Zq81-mm92", id="mysql"),
        pytest.param("Server=h;User ID=app;Password=Zq81-mm92;", "Zq81-mm92", id="ado"),
        pytest.param("host=h.example password='Zq81 mm92'", "Zq81 mm92", id="libpq"),
        pytest.param("h.example:6380,password=Zq81mm92=,ssl=True", "Zq81mm92=", id="redis"),
        pytest.param("jdbc:pg://h/db?user=a&password=Zq81-mm92", "Zq81-mm92", id="jdbc"),
        pytest.param("h.example:5432:db:app:Zq81-mm92", "Zq81-mm92", id="pgpass"),
        pytest.param("machine h.example\nlogin bob\npassword Zq81-mm92", "Zq81-mm92", id="netrc"),
        pytest.param("bob:Zq81-mm92", "Zq81-mm92", id="pair"),
        pytest.param("Bearer Zq81mm92Kd7x", "Zq81mm92Kd7x", id="bearer"),
        pytest.param(f"Basic {b64('bob:Zq81-mm92')}", "Zq81-mm92", id="basic"),
        pytest.param(b64("first-Qx7-value"), "first-Qx7-value", id="base64"),
        pytest.param(b"first-Qx7-value".hex(), "first-Qx7-value", id="hex"),
        pytest.param("q83vEjRWeJCrze8SNFZ4kKvN7+s=", "q83vEjRWeJCrze8SNFZ4kKvN7-s", id="alphabet"),
        pytest.param('"a\\"b\\\\c-Zq81"', 'a"b\\c-Zq81', id="json-string"),
        pytest.param(
            json.dumps({"auths": {"r": {"auth": b64("b:Zq81-m9")}}}), "Zq81-m9", id="docker"
        ),
        pytest.param(b64('{"password":"hunter-blue"}'), "hunter-blue", id="base64-json"),
        pytest.param("A=1\nexport DB_PASS='p@ss w0rd!'\nB=2", "p@ss w0rd!", id="dotenv"),
        pytest.param('A=1\nCFG={"token":"hunter-blue"}\n', "hunter-blue", id="dotenv-json"),
        pytest.param("users:\n- name: a\n  token: hunter-blue\n", "hunter-blue", id="yaml"),
        pytest.param("//r.example/:_authToken=hunter-blue\na=b\n", "hunter-blue", id="npmrc"),
        pytest.param("<s><password>Zq81-mm92</password></s>", "Zq81-mm92", id="xml"),
        pytest.param(
            "3f2b8c1e-77aa-4d0e-9b61-0c5de1f0a942",
            "3F2B8C1E77AA4D0E9B610C5DE1F0A942",
            id="uuid",
        ),
        pytest.param(
            "9f86d081884c7d659a2feaa0c55ad015", "9F86D081884C7D659A2FEAA0C55AD015", id="hex-case"
        ),
        pytest.param("caf\u00e9-Qx71", unicodedata.normalize("NFD", "caf\u00e9-Qx71"), id="nfd"),
        pytest.param("two  blanks\tand-Zq81", "two blanks and-Zq81", id="squeezed"),
    ],
)
def test_a_part_that_tools_print_alone_is_protected(value: str, printed: str) -> None:
    assert cut(f"[{printed}]".encode(), value.encode()) == b"[***]"


@pytest.mark.parametrize("code_page", ["latin-1", "cp850", "cp437"])
def test_a_value_in_another_character_set_is_found(code_page: str) -> None:
    value = "p\u00e4ssw\u00f6rd-77xK"
    assert cut(value.encode(code_page), value.encode()) == b"***"


def test_a_value_is_found_when_the_console_has_question_marks_for_its_characters() -> None:
    value = "p\u00e4ssw\u00f6rd-\u5bc6-77xK"
    assert cut(value.encode("ascii", "replace"), value.encode()) == b"***"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('{\n  "k": "Zq81-mm92-Kd7"\n}', "function f() { return {}; }"),
        ("a", "Yes, YQ is a word; YYYY-MM-DD"),
        ("a.b*c[d]+(e)|f^g$h?{2}", "aXbbbcd and axb and f"),
        ("Vq7mZp2Lk9Rt4WxB", "vQ7MzP2lK9rT4wXb VQ7MZP2LK9RT4WXB"),
        ("Vq7mZp2Lk9Rt4WxB", "sha512-ZQ/akr6VoAVyL5oFBZ1p2rRv7+lgvGUoSEsjM41M/yhrh+hIrfUFnmbqmJR0"),
        ('{"user":"orders-app","region":"eu-west-1","password":"x"}', "orders-app in eu-west-1"),
        (
            "https://app:Zq81-mm92@git.example/o/r.git",
            "cloning https://git.example/o/r.git for app",
        ),
        ("DB_HOST=db.internal.example\nDB_NAME=orders\nDB_PASSWORD=Zq81-mm92", "DB_HOST DB_NAME="),
        (
            '{"clientId":"3f2b8c1e-77aa-4d0e-9b61-0c5de1f0a942","clientSecret":"Zq81~mm92~Kd7xQ"}',
            "az login of 3f2b8c1e-77aa-4d0e-9b61-0c5de1f0a942",
        ),
        ("#!/bin/sh\nset -e\nexport TOKEN=Zq81-mm92-Kd7\necho done\n", "echo done; set -e"),
        ("apiVersion: v1\nkind: Config\nserver: https://h.example:6443\n", "apiVersion: v1"),
        ("<a>\n  <b>some value</b>\n</a>", "<a>\n  <b>"),
    ],
)
def test_ordinary_text_is_left_alone(value: str, text: str) -> None:
    assert cut(text.encode(), value.encode()) == text.encode()


def test_names_in_a_document_are_left_alone() -> None:
    text = b"project demo-project-41 of bot@demo-project-41.example uses service_account tokens"
    assert cut(text, SERVICE_ACCOUNT) == text


# --- Needles -----------------------------------------------------------------------------------


@given(st.one_of(blobs(), texts().map(str.encode)), st.integers(1, 12))
def test_no_needle_is_short_twice_there_or_of_unknown_encoding(value: bytes, limit: int) -> None:
    all_of_it = needles(Secret("DB_PASSWORD", value), min_length=limit)
    forms = [needle.value for needle in all_of_it]
    assert len(forms) == len(set(forms))
    assert all(len(form) >= limit for form in forms)
    assert {needle.name for needle in all_of_it} <= {"DB_PASSWORD"}
    assert {needle.encoding for needle in all_of_it} <= set(ENCODINGS)


@pytest.mark.parametrize(
    ("value", "encoding"),
    [
        (b"Vq7mZp2L", "raw"),
        (b" Vq7mZp2L\n", "trimmed"),
        (b'"Vq7mZp2L"\n', "unquoted"),
    ],
)
def test_the_first_needle_is_the_value_without_blanks_and_quotes(
    value: bytes, encoding: str
) -> None:
    first = needles(Secret("S", value))[0]
    assert (first.value, first.encoding) == (b"Vq7mZp2L", encoding)


@pytest.mark.parametrize("value", [b"", b" \n", b"short", b"true", b"12345678", b'"production"'])
def test_a_weak_value_has_no_needles(value: bytes) -> None:
    assert needles(Secret("S", value)) == ()


def test_a_plain_token_has_some_fifty_needles() -> None:
    forms = needles(Secret("S", b"Vq7mZp2Lk9Rt4WxBVq7mZp2Lk9Rt4WxB"))
    assert [needle.encoding for needle in forms[:4]] == ["raw", "base64", "base64", "base64"]
    assert 40 <= len(forms) <= 60


def test_the_number_of_needles_is_bounded_but_no_part_is_dropped() -> None:
    lines = [b"Zq81-mm92-Kd%d" % number for number in range(1_500)]
    forms = found(b"\n".join(lines))
    assert set(lines) <= set(forms)
    assert len(forms) <= len(lines) + 1_100


def test_a_value_of_kilobytes_is_not_spelled_byte_by_byte() -> None:
    value = base64.b64encode(bytes(range(256)) * 24)
    forms = found(value)
    assert len(forms) < 100
    assert max(map(len, forms)) < 4 * len(value)


@pytest.mark.parametrize(
    "value", [b"[" * 100_000, b"[" * 50_000 + b"]" * 50_000, b'{"a":' * 900 + b'"b1"' + b"}" * 900]
)
def test_a_document_nested_without_end_is_a_value_like_any_other(value: bytes) -> None:
    assert cut(b"<%b>" % value, value) == (b"<***>" if weakness(value) is None else b"<%b>" % value)


@pytest.mark.parametrize(
    "encoder",
    [
        pytest.param(encoder, id=encoder.name)
        for encoder in ENCODERS
        if encoder.touched is not None and not encoder.name.startswith("base64")
    ],
)
def test_an_escape_changes_only_the_bytes_that_it_says(encoder: Encoder) -> None:
    touched = encoder.touched or frozenset()
    others = bytes(byte for byte in range(128) if byte not in touched)
    assert set(encoder.forms(others)) == {others}


@pytest.mark.parametrize("encoder", [pytest.param(e, id=e.name) for e in ENCODERS])
def test_every_encoder_says_what_it_stands_for(encoder: Encoder) -> None:
    assert len(encoder.about) > 10
    assert not encoder.about.endswith(".")
