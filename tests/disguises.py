"""Logs in which secrets stand in disguise: escaped, encoded, painted, broken, cut, and nested.

Each disguise is a function of chance and bytes, written here anew and without leakguard. A new one
is a new entry of a table. `CLASSES` names the combinations that tests go through one by one.
"""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import quopri
import re
import shlex
import string
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeAlias
from urllib.parse import quote_from_bytes

Disguise: TypeAlias = Callable[[Random, bytes], bytes]

WORD = string.ascii_letters + string.digits
MARKS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
WESTERN = "éüßñÅøç"
BEYOND = WESTERN + "Жλ日本語漢€😀"


@dataclass(frozen=True, slots=True)
class Planted:
    """A secret, and the parts of it that tell something.

    Attributes:
        value: The whole.
        cores: What must not be seen; of the rest, such as a prefix, anybody knows that it is there.
    """

    value: bytes = field(repr=False)
    cores: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Case:
    """A log in which secrets stand in disguise.

    Attributes:
        kind: The class that it belongs to.
        secrets: What the masker knows.
        planted: Which of them stand in the log, by their places.
        steps: For each plant, the disguises that it went through, the innermost first.
        log: The log.
        bystanders: Lines of it that no secret touches.
        cuts: Lengths of the chunks that it arrives in.
    """

    kind: str
    secrets: tuple[Planted, ...]
    planted: frozenset[int]
    steps: tuple[str, ...]
    log: bytes
    bystanders: tuple[bytes, ...]
    cuts: tuple[int, ...]


def case(kind: str, seed: int, number: int) -> Case:
    """Return the case of this number: the same at every call."""
    chance = Random(f"{kind}/{seed}/{number}")  # noqa: S311  # cases, not keys
    disguise = CLASSES[kind]
    secrets = tuple(secret(chance, kind) for _ in range(chance.choice((1, 1, 2, 3))))
    planted = chance.choices(range(len(secrets)), k=chance.choice((1, 1, 2)))
    parts, steps, bystanders = [], [], []
    for place in planted:
        before = [chance.choice(_FILLERS) for _ in range(chance.randint(0, 2))]
        bystanders += before
        parts += [line + b"\n" for line in before]
        text, names = disguise(chance, secrets[place])
        parts.append(text + b"\n")
        steps.append(" < ".join(reversed(names)))
    bystanders.append(chance.choice(_FILLERS))
    log = b"".join(parts) + bystanders[-1] + chance.choice((b"\n", b""))
    if kind == "text utf-16 log":
        log = log.decode().encode(chance.choice(("utf-16-le", "utf-16-be", "utf-16")))
        bystanders = []
    cuts = tuple(chance.randint(1, chance.choice((3, 40, 400))) for _ in range(6))
    return Case(kind, secrets, frozenset(planted), tuple(steps), log, tuple(bystanders), cuts)


_FILLERS = tuple(
    line.encode()
    for line in (
        "2026-11-24T01:00:00.123Z INFO  build started on runner-7",
        "Step 3/12 : RUN pip install --no-cache-dir -r requirements.txt",
        "  Downloading certifi-2026.1.1-py3-none-any.whl (158 kB)",
        'GET /api/v2/items?page=2&limit=50 HTTP/1.1" 200 5123',
        "commit 3f785a7e1fc7d7a3f8c2f5a5b6e5a0c9d1e2f3a4",
        '{"level":"info","msg":"listening","port":8080}',
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "\x1b[32mok\x1b[0m  12 passed in 3.41s",
        "drwxr-xr-x  2 root root 4096 Nov 24 07:25 .",
        "",
        "+ make test JOBS=2",
        "Résumé: 3 fichiers modifiés",
    )
)

# --- Secrets -------------------------------------------------------------------------------------


def _drawn(chance: Random, alphabet: str, length: int) -> str:
    return "".join(chance.choices(alphabet, k=length))


def _token(chance: Random) -> str:
    return _drawn(chance, WORD, chance.randint(16, 40))


def _urlsafe(chance: Random) -> str:
    return _drawn(chance, WORD, 1) + _drawn(chance, WORD + "-_", chance.randint(18, 42)) + "k"


def _base64_key(chance: Random) -> str:
    return base64.b64encode(chance.randbytes(chance.choice((16, 20, 24, 32, 48)))).decode()


def _password(chance: Random) -> str:
    characters = list(
        _drawn(chance, WORD, chance.randint(8, 14)) + _drawn(chance, MARKS, chance.randint(2, 8))
    )
    chance.shuffle(characters)
    # What stands at the edge may be trimmed by whoever reads the environment.
    return _drawn(chance, WORD, 1) + "".join(characters) + _drawn(chance, WORD, 1)


def _passphrase(chance: Random) -> str:
    return " ".join(_drawn(chance, WORD, chance.randint(5, 8)) for _ in range(chance.randint(3, 5)))


def _digits(chance: Random) -> str:
    return _drawn(chance, "0123456789abcdef", chance.choice((32, 40, 64)))


def _uuid(chance: Random) -> str:
    digits = _drawn(chance, "0123456789abcdef", 32)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _western(chance: Random) -> str:
    characters = list(_drawn(chance, WORD, 12) + _drawn(chance, WESTERN, chance.randint(1, 4)))
    chance.shuffle(characters)
    return "".join(characters)


def _international(chance: Random) -> str:
    characters = list(_drawn(chance, WORD, 12) + _drawn(chance, BEYOND, chance.randint(1, 4)))
    chance.shuffle(characters)
    return "".join(characters)


def _lines(chance: Random) -> str:
    rows = [_drawn(chance, WORD + "+/", 64) for _ in range(chance.randint(2, 5))]
    return "\n".join([*rows, _drawn(chance, WORD, chance.randint(16, 60))])


SECRETS: Mapping[str, Callable[[Random], str]] = {
    "token": _token,
    "urlsafe": _urlsafe,
    "base64 key": _base64_key,
    "password": _password,
    "passphrase": _passphrase,
    "digits": _digits,
    "uuid": _uuid,
    "western": _western,
    "international": _international,
    "lines": _lines,
}
_PREFIXES = ("tok_live_", "key-", "AKv1.", "glx-")
_ONE_BYTE = ("text latin-1", "text cp1252")
_OF_MARKS = ("password", "base64 key", "passphrase", "international", "password", "lines")


def secret(chance: Random, kind: str) -> Planted:
    """Return a secret of a kind that `kind` has an effect on."""
    kinds: Sequence[str] = [name for name in SECRETS if name != "lines" or chance.random() < 0.3]
    if kind.startswith(("escape", "nested escape")) and chance.random() < 0.8:
        kinds = _OF_MARKS
    if kind.startswith("text"):
        kinds = ["western"] if kind in _ONE_BYTE else ["western", "international"]
    if kind == "break lines":
        kinds = ["lines"]
    name = chance.choice(kinds)
    drawn = SECRETS[name](chance)
    value = (chance.choice(_PREFIXES) if name == "token" and chance.random() < 0.4 else "") + drawn
    cores = drawn.split("\n") if name == "lines" else [drawn]
    return Planted(value.encode(), tuple(core.encode() for core in cores))


# --- Escapes -------------------------------------------------------------------------------------


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _some(
    chance: Random, value: bytes, spell: Callable[[str], str], marks: str = MARKS + " \n"
) -> bytes:
    """Return `value` with all of `marks`, and some or all other characters, spelled out."""
    share = chance.choice((0.0, 0.0, 0.3, 1.0))
    return _bytes(
        "".join(
            spell(char) if char in marks or chance.random() < share else char
            for char in _text(value)
        )
    )


def _cased(chance: Random, code: str) -> str:
    return code.upper() if chance.random() < 0.5 else code


def _percent(chance: Random, value: bytes) -> bytes:
    safe = chance.choice(("", "/", "!*'()", ";,/?:@&=+$!*'()#", "$&+=:@", "-._~!$'()*,;:"))
    kept = [] if chance.random() < 0.15 else [*map(ord, safe), *map(ord, WORD + "-._~")]
    template = chance.choice(("%{:02X}", "%{:02X}", "%{:02x}"))
    codes = [template.format(byte) for byte in range(256)]
    return "".join([chr(byte) if byte in kept else codes[byte] for byte in value]).encode()


def _percent_form(chance: Random, value: bytes) -> bytes:
    return (
        quote_from_bytes(value, chance.choice(("", " *")))
        .replace("%20", "+")
        .replace(" ", "+")
        .encode()
    )


def _json(chance: Random, value: bytes) -> bytes:
    plain = chance.random() < 0.6
    text = json.dumps(_text(value), ensure_ascii=not plain)[1:-1]
    if chance.random() < 0.4:
        for mark in chance.choice(("<>&", "<>&'", "<>&'+`", "/", "=<>&")):
            text = text.replace(mark, f"\\u{ord(mark):04x}" if mark != "/" else "\\/")
    if chance.random() < 0.2:
        text = text.replace('\\"', "\\u0022")
    return _bytes(text)


def _unicode(chance: Random, value: bytes) -> bytes:
    upper = chance.random() < 0.5

    def spell(char: str) -> str:
        units = char.encode("utf-16-be", "surrogatepass").hex(" ", 2).split()
        return "".join("\\u" + (unit.upper() if upper else unit) for unit in units)

    return _some(chance, value, spell)


def _braced(chance: Random, value: bytes) -> bytes:
    return _some(chance, value, lambda char: f"\\u{{{ord(char):x}}}")


def _spelled_bytes(template: str) -> Disguise:
    def spelled(chance: Random, value: bytes) -> bytes:
        return _some(
            chance,
            value,
            lambda char: "".join(
                template % byte for byte in char.encode("utf-8", "surrogateescape")
            ),
        )

    return spelled


def _entities(chance: Random, value: bytes) -> bytes:
    return html.escape(_text(value), quote=chance.random() < 0.7).encode("utf-8", "surrogateescape")


def _numeric(chance: Random, value: bytes) -> bytes:
    template = chance.choice(("&#%d;", "&#x%x;", "&#x%X;", "&#%03d;"))
    return _some(chance, value, lambda char: template % ord(char))


def _quoted_printable(_: Random, value: bytes) -> bytes:
    return quopri.encodestring(value, quotetabs=False)


def _doubled(chance: Random, value: bytes) -> bytes:
    style = chance.choice(("'", '"', "$", "%", "csv"))
    if style == "csv":
        row = io.StringIO()
        csv.writer(row, quoting=csv.QUOTE_ALL, lineterminator="").writerow([_text(value)])
        return _bytes(row.getvalue()[1:-1])
    return value.replace(style.encode(), style.encode() * 2)


def _shell(chance: Random, value: bytes) -> bytes:
    text = _text(value)
    style = chance.randrange(4)
    if style == 0:
        return _bytes(shlex.quote(text))
    if style == 1:
        return _bytes(text.replace("'", "'\\''"))
    if style == 2:
        return _bytes(re.sub(r"([^\w@%+=:,./\n-])", r"\\\1", text))
    return _bytes(re.sub(r'(["$`\\])', r"\\\1", text))


def _literal(chance: Random, value: bytes) -> bytes:
    quoted = repr(value)[1:] if chance.random() < 0.4 else repr(_text(value))
    return _bytes(quoted[1:-1])


def _regex(_: Random, value: bytes) -> bytes:
    return _bytes(re.escape(_text(value)))


def _windows(chance: Random, value: bytes) -> bytes:
    mark, quoted = chance.choice((("^", "&|<>^"), ("`", '`"$'), ("^", '&|<>^()"!%')))
    return _bytes("".join(mark + char if char in quoted else char for char in _text(value)))


ESCAPES: Mapping[str, Disguise] = {
    "percent": _percent,
    "form": _percent_form,
    "json": _json,
    "unicode": _unicode,
    "braced": _braced,
    "hex-escape": _spelled_bytes("\\x%02x"),
    "octal": _spelled_bytes("\\%03o"),
    "entities": _entities,
    "numeric": _numeric,
    "quoted-printable": _quoted_printable,
    "doubled": _doubled,
    "shell": _shell,
    "literal": _literal,
    "regex": _regex,
    "windows": _windows,
}
# Those that tools nest.
COMMON = (
    "percent",
    "json",
    "unicode",
    "hex-escape",
    "entities",
    "numeric",
    "literal",
    "quoted-printable",
)

# --- Bases ---------------------------------------------------------------------------------------

_SURROUNDINGS = (
    (b"", b""),
    (b"user:", b""),
    (b"x-access-token:", b""),
    (b"a:", b"\n"),
    (b'{"password":"', b'"}'),
    (b"key=", b"&next=1"),
    (b"ab", b"yz1"),
    (b"Bearer ", b""),
)


def _surrounded(chance: Random, value: bytes) -> bytes:
    before, after = chance.choice(_SURROUNDINGS)
    return before + value + after


def _base64(chance: Random, value: bytes) -> bytes:
    encode = chance.choice((base64.b64encode, base64.b64encode, base64.urlsafe_b64encode))
    text = encode(_surrounded(chance, value))
    return text.rstrip(b"=") if chance.random() < 0.4 else text


def _base64_rows(chance: Random, value: bytes) -> bytes:
    return _wrapped(_base64(chance, value), chance.choice((20, 60, 64, 76)), _line_end(chance))


def _base64_wide(_: Random, value: bytes) -> bytes:
    return base64.b64encode(_text(value).encode("utf-16-le", "surrogatepass"))


def _base32(chance: Random, value: bytes) -> bytes:
    text = base64.b32encode(_surrounded(chance, value))
    return text.rstrip(b"=") if chance.random() < 0.5 else text


def _hex(chance: Random, value: bytes) -> bytes:
    digits = _surrounded(chance, value).hex()
    return (digits.upper() if chance.random() < 0.4 else digits).encode()


def _hex_apart(chance: Random, value: bytes) -> bytes:
    joint = chance.choice((":", " ", "-", ", 0x", ",0x", " 0x", ", "))
    digits = joint.join(f"{byte:02x}" for byte in value)
    digits = digits.upper().replace("X", "x") if chance.random() < 0.3 else digits
    return (("0x" if "0x" in joint else "") + digits).encode()


def _decimals(chance: Random, value: bytes) -> bytes:
    return chance.choice((", ", ",", " ")).join(map(str, value)).encode()


def _hexdump(chance: Random, value: bytes) -> bytes:
    text = _surrounded(chance, value)
    return b"\n".join(
        b"%08x  %-23s  %-23s  |%s|"
        % (
            at,
            text[at : at + 8].hex(" ").encode(),
            text[at + 8 : at + 16].hex(" ").encode(),
            _printable(text[at : at + 16]),
        )
        for at in range(0, len(text), 16)
    )


def _xxd(chance: Random, value: bytes) -> bytes:
    text = _surrounded(chance, value)
    return b"\n".join(
        b"%08x: %-39s  %s"
        % (at, text[at : at + 16].hex(" ", -2).encode(), _printable(text[at : at + 16]))
        for at in range(0, len(text), 16)
    )


def _od(chance: Random, value: bytes) -> bytes:
    text = _surrounded(chance, value)
    rows = range(0, len(text), 16)
    return b"\n".join(b"%07o %s" % (at, text[at : at + 16].hex(" ").encode()) for at in rows)


def _od_characters(_: Random, value: bytes) -> bytes:
    named = {10: "\\n", 13: "\\r", 9: "\\t"}
    cells = [named.get(byte, chr(byte) if 32 <= byte < 127 else f"{byte:03o}") for byte in value]
    rows = [
        (at, "".join(f"{cell:>4}" for cell in cells[at : at + 16]))
        for at in range(0, len(cells), 16)
    ]
    return "\n".join(f"{at:07o}{row}" for at, row in rows).encode()


def _printable(text: bytes) -> bytes:
    return re.sub(rb"[^ -~]", b".", text)


BASES: Mapping[str, Disguise] = {
    "base64": _base64,
    "base64-wide": _base64_wide,
    "base32": _base32,
    "hex": _hex,
    "hex-apart": _hex_apart,
    "decimals": _decimals,
}
ROWS: Mapping[str, Disguise] = {
    "base64-rows": _base64_rows,
    "hexdump": _hexdump,
    "xxd": _xxd,
    "od": _od,
    "od-characters": _od_characters,
}
STACKED = ("base64", "base64", "hex", "base32")

# --- What stands between -------------------------------------------------------------------------

_COLORS = (
    b"\x1b[31m",
    b"\x1b[01;31m\x1b[K",
    b"\x1b[0m",
    b"\x1b[m\x1b[K",
    b"\x1b[38;5;196m",
    b"\x1b[K",
)
_TITLES = (b"\x1b]0;title\x07", b"\x1b]8;;https://x.test\x1b\\", b"\x1b(B")
_INVISIBLE = tuple(char.encode() for char in "\u200b\u200c\u200d\u2060\ufeff\u00ad")
_CONTROLS = (b"\0", b"\x01", b"\x0f", b"\x7f", b"\x02\x03")


def _put_in(between: Sequence[bytes], *, everywhere: bool) -> Disguise:
    """Return a disguise that puts one of `between` into a value, or between all its characters."""

    def put_in(chance: Random, value: bytes) -> bytes:
        text = _text(value)
        share = 1.0 if everywhere else 1.5 / len(text)
        places = {at for at in range(1, len(text)) if chance.random() < share}
        places = places or {chance.randrange(1, len(text))}
        return b"".join(
            (chance.choice(between) if at in places else b"") + _bytes(char)
            for at, char in enumerate(text)
        )

    return put_in


def _bold(_: Random, value: bytes) -> bytes:
    return _bytes("".join(f"{char}\b{char}" for char in _text(value)))


def _underlined(_: Random, value: bytes) -> bytes:
    return _bytes("".join(f"_\b{char}" for char in _text(value)))


def _typed(chance: Random, value: bytes) -> bytes:
    def slip(char: str) -> str:
        count = chance.randint(1, 3) if chance.random() < 0.15 else 0
        return _drawn(chance, "abcxyz", count) + "\b" * count + char

    return _bytes("".join(map(slip, _text(value))))


def _line_end(chance: Random) -> bytes:
    return chance.choice((b"\n", b"\n", b"\r\n"))


def _wrapped(value: bytes, width: int, joint: bytes) -> bytes:
    return joint.join(value[at : at + width] for at in range(0, len(value), width))


def _width(chance: Random, value: bytes) -> int:
    return chance.randint(min(6, len(value) // 2), max(len(value) * 2 // 3, 7))


def _folded(chance: Random, value: bytes) -> bytes:
    return _wrapped(value, _width(chance, value), _line_end(chance))


def _indented(chance: Random, value: bytes) -> bytes:
    blanks = chance.choice((b" ", b"    ", b"\t", b" " * 16))
    return _wrapped(value, _width(chance, value), _line_end(chance) + blanks)


def _margins(chance: Random) -> Callable[[], bytes]:
    """Return what yields the margin of one line after the other."""
    number = iter(range(chance.randint(1, 200), 10_000))
    time = chance.choice(
        ("2026-11-24T01:00:{:02}.123456Z ", "[12:34:{:02}] ", "2026-11-24 12:00:{:02},417 INFO ")
    )
    kinds: tuple[Callable[[], str], ...] = (
        lambda: "> ",
        lambda: "| ",
        lambda: "+ ",
        lambda: "- ",
        lambda: "# ",
        lambda: "web_1  | ",
        lambda: f"{next(number):>6}  ",
        lambda: f"{next(number):>4}: ",
        lambda: time.format(next(number) % 60),
        lambda: "web-1  | " + time.format(next(number) % 60),
        lambda: f"#12 {next(number) / 100:.3f} ",
        lambda: time.format(next(number) % 60) + "stdout F ",
        lambda: "[pod/api-7d9f/main] ",
        lambda: f"Nov 24 01:00:{next(number) % 60:02} host app[{812}]: ",
    )
    kind = chance.choice(kinds)
    return lambda: kind().encode()


def _in_margins(chance: Random, value: bytes) -> bytes:
    """Put a margin before each line, and make lines of what has only one."""
    text = value if b"\n" in value else _wrapped(value, _width(chance, value), b"\n")
    return _with_margins(chance, text)


def _with_margins(chance: Random, value: bytes) -> bytes:
    margin = _margins(chance)
    return b"\n".join(margin() + line for line in value.split(b"\n"))


def _spaced(chance: Random, value: bytes) -> bytes:
    size = chance.randint(4, 8)
    return _wrapped(value, size, b" ")


SEEN_THROUGH: Mapping[str, Disguise] = {
    "colors": _put_in(_COLORS, everywhere=False),
    "colors-everywhere": _put_in(_COLORS, everywhere=True),
    "titles": _put_in(_TITLES, everywhere=False),
    "invisible": _put_in(_INVISIBLE, everywhere=False),
    "invisible-everywhere": _put_in(_INVISIBLE, everywhere=True),
    "controls": _put_in(_CONTROLS, everywhere=False),
    "bold": _bold,
    "underlined": _underlined,
    "typed": _typed,
}
BREAKS: Mapping[str, Disguise] = {
    "folded": _folded,
    "indented": _indented,
    "margins": _in_margins,
    "spaced": _spaced,
}

# --- Text ----------------------------------------------------------------------------------------


def _recoded(codec: str) -> Disguise:
    def recoded(_: Random, value: bytes) -> bytes:
        return value.decode().encode(codec)

    return recoded


def _normalized(form: Literal["NFC", "NFD"]) -> Disguise:
    def normalized(_: Random, value: bytes) -> bytes:
        return unicodedata.normalize(form, value.decode()).encode()

    return normalized


def _garbled(_: Random, value: bytes) -> bytes:
    """Take UTF-8 for Latin-1, and write that as UTF-8."""
    return value.decode("latin-1").encode()


TEXTS: Mapping[str, Disguise] = {
    "nfd": _normalized("NFD"),
    "nfc": _normalized("NFC"),
    "latin-1": _recoded("latin-1"),
    "cp1252": _recoded("cp1252"),
    "garbled": _garbled,
    "utf-16-le": _recoded("utf-16-le"),
    "utf-16-be": _recoded("utf-16-be"),
}

# --- Parts ---------------------------------------------------------------------------------------

_ENDS = (b"...", "…".encode(), b"", b"[truncated]", b"~")


def _head(chance: Random, value: bytes) -> bytes:
    return value[: _share(chance, value)] + chance.choice(_ENDS)


def _tail(chance: Random, value: bytes) -> bytes:
    return chance.choice(_ENDS) + value[-_share(chance, value) :]


def _middle(chance: Random, value: bytes) -> bytes:
    share = _share(chance, value)
    start = chance.randint(0, len(value) - share)
    return chance.choice(_ENDS) + value[start : start + share] + chance.choice(_ENDS)


def _share(chance: Random, value: bytes) -> int:
    """Return how many bytes to show: always more than may be."""
    least = min(len(value) * 2 // 3, 16 if re.fullmatch(rb"[0-9a-f-]+", value) else 12)
    return chance.randint(least, max(least, len(value) - 1))


def _most_of_it(chance: Random, value: bytes) -> bytes:
    """Cut an encoded value, of which each byte tells less."""
    share = chance.randint(len(value) * 3 // 4, len(value) - 1)
    return value[:share] + chance.choice(_ENDS)


PARTS: Mapping[str, Disguise] = {"head": _head, "tail": _tail, "middle": _middle}

# --- Classes -------------------------------------------------------------------------------------

_FRAMES = (
    b"%s",
    b"%s",
    b"token=%s",
    b'  "password": "%s",',
    b"Authorization: Bearer %s",
    b"https://x.test/login?key=%s&next=1",
    b"<password>%s</password>",
    b"export DB_PASSWORD='%s'",
    b"abc%sxyz",
    b"(%s)",
)
_EVERYTHING = {**ESCAPES, **BASES, **SEEN_THROUGH}


def _in_frame(chance: Random, text: bytes) -> bytes:
    return chance.choice(_FRAMES).replace(b"%s", text)


@dataclass(frozen=True, slots=True)
class Chain:
    """Disguises put on one after the other.

    Attributes:
        tables: For each turn, the disguises of which one is taken.
        framed: Whether the last one stands in a line with other text.
        of_core: Whether only what tells something is taken, without what anybody knows of it.
    """

    tables: tuple[Mapping[str, Disguise], ...]
    framed: bool = True
    of_core: bool = False

    def __call__(self, chance: Random, planted: Planted) -> tuple[bytes, list[str]]:
        """Return a secret in disguise, and the names of the disguises, the innermost first."""
        text = max(planted.cores, key=len) if self.of_core else planted.value
        names = []
        for table in self.tables:
            name = chance.choice(list(table))
            text = table[name](chance, text)
            names.append(name)
        return _in_frame(chance, text) if self.framed else text, names


def _only(table: Mapping[str, Disguise], names: Sequence[str]) -> dict[str, Disguise]:
    return {name: table[name] for name in names}


def _classes() -> Iterator[tuple[str, Chain]]:
    yield "raw", Chain(())
    for family, table in (
        ("escape", ESCAPES),
        ("base", BASES),
        ("through", SEEN_THROUGH),
        ("text", TEXTS),
    ):
        for name in table:
            yield f"{family} {name}", Chain((_only(table, [name]),))
    for name in ROWS:
        yield f"rows {name}", Chain((_only(ROWS, [name]),), framed=False)
    for name in BREAKS:
        yield f"break {name}", Chain((_only(BREAKS, [name]),), framed=name != "margins")
    yield "break lines", Chain((_only(BREAKS, ["margins", "indented"]),), framed=False)
    yield "text utf-16 log", Chain(())
    for name in PARTS:
        yield f"part {name}", Chain((_only(PARTS, [name]),), of_core=True)
    yield from _nested()


def _nested() -> Iterator[tuple[str, Chain]]:
    common, stacked = _only(ESCAPES, COMMON), _only(BASES, STACKED)
    yield "nested escape escape", Chain((common, common))
    yield "nested escape escape escape", Chain((common, common, common))
    yield "nested escape escape (rare)", Chain((ESCAPES, ESCAPES))
    yield "nested escape base", Chain((common, stacked))
    yield "nested base escape", Chain((stacked, common))
    yield "nested base base", Chain((stacked, stacked))
    yield "nested base base base", Chain((stacked, stacked, stacked))
    yield "nested escape base escape", Chain((common, stacked, common))
    yield "nested escape through", Chain((common, SEEN_THROUGH))
    yield "nested base through", Chain((stacked, SEEN_THROUGH))
    yield "nested through escape", Chain((SEEN_THROUGH, common))
    yield from _broken(common, stacked)
    yield "nested anything", Chain((_EVERYTHING, _EVERYTHING, _EVERYTHING))


def _broken(
    common: Mapping[str, Disguise], stacked: Mapping[str, Disguise]
) -> Iterator[tuple[str, Chain]]:
    """Yield classes of what is broken by line ends, or cut off, as well as encoded."""
    lines, part = _only(BREAKS, ["folded", "indented", "margins"]), _only(PARTS, ["head", "middle"])
    most = {"most of it": _most_of_it}
    yield "nested escape break", Chain((common, lines), framed=False)
    yield "nested base break", Chain((stacked, lines), framed=False)
    yield "nested break escape", Chain((lines, common))
    yield "nested break base", Chain((lines, stacked))
    yield "nested through break", Chain((SEEN_THROUGH, lines), framed=False)
    yield "nested rows margins", Chain((ROWS, {"margins": _with_margins}), framed=False)
    yield "nested part escape", Chain((part, common), of_core=True)
    yield "nested escape part", Chain((common, most), of_core=True)
    yield "nested part base", Chain((part, stacked), of_core=True)
    yield "nested base part", Chain((stacked, most), of_core=True)
    yield "nested part break", Chain((part, lines), framed=False, of_core=True)


CLASSES: Mapping[str, Chain] = dict(_classes())
"""Each class of disguises by its name."""
