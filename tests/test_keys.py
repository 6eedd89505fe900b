"""Private keys of every kind, in whatever a program or a log puts around them.

The keys are made here, of primes and points that everybody knows: none of them protects anything.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakguard.checks import CHECKS, Details, Proof
from leakguard.checks.pgp import crc24
from leakguard.matcher import Matcher
from leakguard.model import Confidence, Match
from leakguard.rules import builtin_rules
from leakguard.splitter import Splitter
from tests.streams import cut

P, Q, E = 2**521 - 1, 2**607 - 1, 65537
D = pow(E, -1, (P - 1) * (Q - 1))
RSA_NUMBERS = [0, P * Q, E, D, P, Q, D % (P - 1), D % (Q - 1), pow(Q, -1, P)]
RSA_NAME = "SHA256:0sIk9WqJd8LVV/jIpP2yKertnyNNy0GkUEoedSrJZV8"
DSA_NUMBERS = [0, 2 * P + 1, P, 4, pow(4, 99, 2 * P + 1), 99]
GENERATOR = bytes.fromhex(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
RSA, EC, P256 = "2a864886f70d010101", "2a8648ce3d0201", "2a8648ce3d030107"
ED25519, DSA, PBES2 = "2b6570", "2a8648ce380401", "2a864886f70d01050d"
SEED = bytes(range(7, 39))


# How keys are written.


def der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    return bytes([tag, 0x82]) + size.to_bytes(2, "big") + content


def integer(value: int) -> bytes:
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def sequence(*contents: bytes) -> bytes:
    return der(0x30, *contents)


def named(identifier: str) -> bytes:
    return der(6, bytes.fromhex(identifier))


def pkcs8(algorithm: bytes, inner: bytes) -> bytes:
    return sequence(integer(0), sequence(algorithm), der(4, inner))


def point(raw: bytes) -> bytes:
    return der(0xA1, der(3, b"\0", raw))


def sec1(scalar: int, public: bytes = GENERATOR) -> bytes:
    numbers = (integer(1), der(4, scalar.to_bytes(32, "big")))
    return sequence(*numbers, der(0xA0, named(P256)), point(public))


def ec8(scalar: int, public: bytes = GENERATOR) -> bytes:
    inner = sequence(integer(1), der(4, scalar.to_bytes(32, "big")), point(public))
    return pkcs8(named(EC) + named(P256), inner)


def rsa1(numbers: list[int] = RSA_NUMBERS) -> bytes:
    return sequence(*map(integer, numbers))


def string(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def mpint(value: int) -> bytes:
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def openssh(
    public: bytes, private: bytes, *, cipher: bytes = b"none", numbers: bytes = b"checchec"
) -> bytes:
    secret = numbers + private + string(b"ci@build-1")
    secret += bytes(range(1, 1 + -len(secret) % 8))
    head = b"openssh-key-v1\0" + string(cipher) + string(cipher) + string(b"")
    return head + struct.pack(">I", 1) + string(public) + string(secret)


def openssh_ed25519(**changes: bytes) -> bytes:
    kind, public = string(b"ssh-ed25519"), string(SEED)
    return openssh(kind + public, kind + public + string(SEED[::-1] + SEED), **changes)


def openssh_rsa(q: int = Q) -> bytes:
    kind, n, e = string(b"ssh-rsa"), mpint(P * Q), mpint(E)
    secret = b"".join(map(mpint, (D, pow(Q, -1, P), P, q)))
    return openssh(kind + e + n, kind + n + e + secret)


def putty(q: int = Q) -> bytes:
    return b"".join(map(mpint, (D, P, q, pow(Q, -1, P))))


def pgp_number(value: int) -> bytes:
    size = value.bit_length()
    return struct.pack(">H", size) + value.to_bytes((size + 7) // 8, "big")


def pgp(usage: int = 0) -> bytes:
    public = b"\x04" + struct.pack(">I", 1516239022) + b"\x01" + pgp_number(P * Q) + pgp_number(E)
    secret = bytes([usage]) + b"".join(map(pgp_number, (D, P, Q, pow(P, -1, Q)))) + b"\0\0"
    user = b"CI <ci@build.example>"
    packets = [(0x95, public + secret), (0xB5, user)]
    return b"".join(struct.pack(">BH", tag, len(body)) + body for tag, body in packets)


def lines(raw: bytes, width: int = 64) -> list[bytes]:
    text = base64.b64encode(raw)
    return [text[at : at + width] for at in range(0, len(text), width)]


def pem(raw: bytes, kind: str = "PRIVATE KEY", *, after: list[bytes] | None = None) -> bytes:
    label = kind.encode()
    rows = [b"-----BEGIN %b-----" % label, *lines(raw), *(after or ()), b"-----END %b-----" % label]
    return b"\n".join(rows) + b"\n"


def armored(usage: int = 0, checksum: bytes | None = None) -> bytes:
    digits = base64.b64encode(crc24(pgp(usage)) if checksum is None else checksum)
    return pem(pgp(usage), "PGP " + "PRIVATE KEY BLOCK", after=[b"=" + digits])


def told(key: str, form: str, *more: tuple[str, str]) -> Details:
    return (("key", key), ("format", form), ("encrypted", "no"), *more)


SIZE, CURVE = ("bits", "1128"), ("curve", "P-256")
NAMED, COMMENT = ("public_key", RSA_NAME), ("comment", "ci@build-1")
POINT = ("public_key", "SHA256:SFMVDOrhOSBssOVH9hIcK/Z2XVf1oSVMjNCL8u2aICY")
SSH = ("public_key", "SHA256:WZ64x5CuWPIPCGCuuSA1DB7xipz7cI/vWRWoqW3keDM")

WHOLE = [
    pytest.param(
        pem(rsa1(), "RSA " + "PRIVATE KEY"), told("RSA", "PKCS#1", SIZE, NAMED), id="PKCS#1"
    ),
    pytest.param(
        pem(pkcs8(named(RSA) + b"\5\0", rsa1())), told("RSA", "PKCS#8", SIZE, NAMED), id="PKCS#8"
    ),
    pytest.param(pem(sec1(5), "EC " + "PRIVATE KEY"), told("EC", "SEC1", CURVE, POINT), id="SEC1"),
    pytest.param(pem(ec8(5)), told("EC", "PKCS#8", CURVE, POINT), id="EC in PKCS#8"),
    pytest.param(
        pem(pkcs8(named(ED25519), der(4, SEED))), told("Ed25519", "PKCS#8"), id="Ed25519"
    ),
    pytest.param(
        pem(sequence(*map(integer, DSA_NUMBERS)), "DSA " + "PRIVATE KEY"),
        told("DSA", "DSA", ("bits", "522")), id="DSA",
    ),
    pytest.param(
        pem(pkcs8(named(DSA) + sequence(*map(integer, DSA_NUMBERS[1:4])), integer(99))),
        told("DSA", "PKCS#8", ("bits", "522")), id="DSA in PKCS#8",
    ),
    pytest.param(
        pem(openssh_ed25519(), "OPENSSH " + "PRIVATE KEY"),
        told("Ed25519", "OpenSSH", SSH, COMMENT), id="OpenSSH",
    ),
    pytest.param(
        pem(openssh_rsa(), "OPENSSH " + "PRIVATE KEY"), told("RSA", "OpenSSH", NAMED, COMMENT),
        id="RSA of OpenSSH",
    ),
    pytest.param(
        armored(),
        told(
            "RSA", "OpenPGP", ("created", "2018-01-18T01:30:22Z"),
            ("comment", "CI <ci@build.example>"),
        ),
        id="OpenPGP",
    ),
]  # fmt: skip

OPEN = [
    pytest.param(
        pem(openssh_ed25519(cipher=b"aes256-ctr"), "OPENSSH " + "PRIVATE KEY"),
        (
            ("key", "Ed25519"), ("format", "OpenSSH"), ("encrypted", "yes"),
            ("cipher", "aes256-ctr"), SSH,
        ),
        id="OpenSSH, encrypted",
    ),
    pytest.param(
        pem(sequence(sequence(named(PBES2)), der(4, SEED * 4)), "ENCRYPTED " + "PRIVATE KEY"),
        (("format", "PKCS#8"), ("encrypted", "yes")), id="PKCS#8, encrypted",
    ),
    pytest.param(
        pem(SEED * 8, "RSA " + "PRIVATE KEY").replace(
            b"-----\n", b"-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00FF\n\n", 1
        ),
        (("encrypted", "yes"), ("cipher", "AES-256-CBC")), id="PEM, encrypted",
    ),
    pytest.param(pem(pkcs8(named(RSA), SEED * 20))[:400], (), id="cut short"),
    pytest.param(pem(SEED * 8), (), id="of no known kind"),
    pytest.param(
        b"\n".join(row for row in armored().split(b"\n") if not row.startswith(b"=")),
        told(
            "RSA", "OpenPGP", ("created", "2018-01-18T01:30:22Z"),
            ("comment", "CI <ci@build.example>"),
        ),
        id="an armor without a checksum",
    ),
]  # fmt: skip

BROKEN = [
    pytest.param(pem(rsa1([*RSA_NUMBERS[:3], D + 2, *RSA_NUMBERS[4:]])), id="another exponent"),
    pytest.param(pem(rsa1([*RSA_NUMBERS[:4], 0, 0, *RSA_NUMBERS[6:]])), id="primes of nothing"),
    pytest.param(pem(ec8(5, GENERATOR[:-1] + b"\0")), id="a point beside its curve"),
    pytest.param(pem(ec8(0)), id="a scalar of nothing"),
    pytest.param(pem(ec8(2**256 - 1)), id="a scalar beyond the order"),
    pytest.param(pem(sequence(*map(integer, [*DSA_NUMBERS[:5], 98]))), id="another DSA"),
    pytest.param(pem(pkcs8(named(ED25519), der(4, SEED[1:]))), id="a shorter seed"),
    pytest.param(pem(openssh_ed25519(numbers=b"checchek")), id="numbers that differ"),
    pytest.param(pem(openssh_rsa(Q + 2)), id="primes of another key"),
    pytest.param(armored(checksum=b"abc"), id="another checksum"),
    pytest.param(pem(b"A" * 20), id="too short"),
    pytest.param(pem(bytes(200)), id="too little in it"),
]  # fmt: skip


def proof(text: bytes) -> Proof:
    return CHECKS["private-key"].proof(text)


@pytest.mark.parametrize(("text", "details"), WHOLE)
def test_a_whole_key_is_certain_and_says_what_it_is(text: bytes, details: Details) -> None:
    assert proof(text) is Proof.HOLDS
    assert CHECKS["private-key"].details(text) == details


@pytest.mark.parametrize(("text", "details"), OPEN)
def test_a_key_that_cannot_be_read_whole_is_left_open(text: bytes, details: Details) -> None:
    assert proof(text) is Proof.OPEN
    assert CHECKS["private-key"].details(text) == details


@pytest.mark.parametrize("text", BROKEN)
def test_a_key_whose_numbers_do_not_fit_is_broken(text: bytes) -> None:
    assert proof(text) is Proof.BROKEN


@given(st.integers(0, len(lines(rsa1(), 10_000)[0]) - 1), st.sampled_from("AZaz09+/"))
def test_no_changed_character_of_an_rsa_key_passes(place: int, letter: str) -> None:
    (text,) = lines(rsa1(), 10_000)
    changed = text[:place] + letter.encode() + text[place + 1 :]
    same = base64.b64decode(changed) == rsa1() if not changed.rstrip(b"=").count(b"=") else False
    assert (proof(changed) is Proof.HOLDS) is same


@given(st.binary(max_size=400), st.integers(0, 500))
def test_what_is_damaged_does_no_harm(noise: bytes, place: int) -> None:
    for raw in (rsa1(), ec8(5), openssh_rsa(), pgp(), openssh_ed25519()):
        assert proof(base64.b64encode(raw[:place] + noise + raw[place + 1 :])) in Proof
        assert proof(base64.b64encode(raw[:place])) is not Proof.HOLDS or place >= len(raw)


def test_a_number_that_takes_long_is_not_tried() -> None:
    huge = int.from_bytes(SEED * 100, "big")
    assert proof(pem(sequence(*map(integer, [0, huge, huge, 3, 3, huge - 2])))) is Proof.OPEN


# PuTTY, minisign, JSON Web Keys.

PUTTY = b"""PuTTY-User-Key-File-3: ssh-rsa
Encryption: %b
Comment: ci@build-1
Public-Lines: 1
AAAA
Private-Lines: %d
%b
Private-MAC: 00
"""


def putty_file(raw: bytes, cipher: bytes = b"none") -> bytes:
    return PUTTY % (cipher, len(lines(raw)), b"\n".join(lines(raw)))


@pytest.mark.parametrize(
    ("text", "proof", "details"),
    [
        (
            putty_file(putty()), Proof.HOLDS,
            (("key", "RSA"), ("format", "PuTTY 3"), ("encrypted", "no"), COMMENT),
        ),
        (
            putty_file(SEED * 8, b"aes256-cbc"), Proof.OPEN,
            (
                ("key", "RSA"), ("format", "PuTTY 3"), ("encrypted", "yes"),
                ("cipher", "aes256-cbc"), COMMENT,
            ),
        ),
    ],
)  # fmt: skip
def test_a_key_of_putty(text: bytes, proof: Proof, details: Details) -> None:
    seen = text[: text.index(b"\nPrivate-MAC")]
    assert (CHECKS["putty"].proof(seen), CHECKS["putty"].details(seen)) == (proof, details)


def test_a_key_of_putty_with_another_prime_is_broken() -> None:
    assert CHECKS["putty"].proof(base64.b64encode(putty(Q + 2))) is Proof.BROKEN


@pytest.mark.parametrize(
    ("raw", "proof", "details"),
    [
        (
            b"EdScB2" + SEED * 4 + bytes(24), Proof.OPEN,
            (("format", "minisign"), ("encrypted", "yes")),
        ),
        (b"EdBK\0\0\0*" + SEED * 3, Proof.OPEN, (("format", "signify"), ("encrypted", "yes"))),
        (b"Ed\0\0B2" + SEED * 4 + bytes(24), Proof.BROKEN, None),
        (b"EdBK\0\0\0\0" + SEED * 3, Proof.BROKEN, None),
        (b"EdScB2" + SEED, Proof.BROKEN, ()),
    ],
)  # fmt: skip
def test_a_key_of_minisign(raw: bytes, proof: Proof, details: Details | None) -> None:
    check, text = CHECKS["minisign"], base64.b64encode(raw)
    assert check.proof(text) is proof
    assert details is None or check.details(text) == details


# What stands around keys.

SURROUNDINGS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": bytes,
    "in one line": lambda text: text.replace(b"\n", b""),
    "with lines of Windows": lambda text: text.replace(b"\n", b"\r\n"),
    "with escaped lines": lambda text: b'"' + text.replace(b"\n", b"\\n") + b'"',
    "with lines escaped twice": lambda text: b'\\"' + text.replace(b"\n", b"\\\\n") + b'\\"',
    "with other escaped lines": lambda text: text.replace(b"\n", b"\\r\\n"),
    "indented": lambda text: each(text, b"    %b"),
    "indented by tabs": lambda text: each(text, b"\t\t%b"),
    "in a mail": lambda text: each(text, b"> %b"),
    "in a mail of a mail": lambda text: each(text, b"> > %b"),
    "added in a diff": lambda text: each(text, b"+%b"),
    "behind a comment's sign": lambda text: each(text, b"# %b"),
    "in a block of stars": lambda text: each(text, b" * %b"),
    "behind a bar": lambda text: each(text, b"| %b"),
    "with numbers and tabs": lambda text: numbered(text, b"%6d\t%b"),
    "with numbers and colons": lambda text: numbered(text, b"%d:%b"),
    "with numbers, colons and blanks": lambda text: numbered(text, b"%d: %b"),
    "with numbers and bars": lambda text: numbered(text, b" %d| %b"),
    "concatenated": lambda text: each(text, b'    "%b\\n" +'),
    "concatenated without signs": lambda text: each(text, b'  "%b\\n"'),
    "concatenated with points": lambda text: each(text, b"  '%b' ."),
    "concatenated with backslashes": lambda text: each(text, b'"%b\\n" \\'),
    "in a list": lambda text: each(text, b"  '%b',"),
}


def each(text: bytes, form: bytes) -> bytes:
    return b"".join(form % line + b"\n" for line in text.splitlines())


def numbered(text: bytes, form: bytes) -> bytes:
    rows = enumerate(text.splitlines(), 9)
    return b"".join(form % (number, line) + b"\n" for number, line in rows)


MATCHER = Matcher(rules=[rule for rule in builtin_rules() if rule.id.startswith("private-key")])


def pieces(text: bytes, lengths: list[int]) -> Iterator[Match]:
    splitter = Splitter(MATCHER)
    for piece in cut(text, lengths):
        yield from splitter.feed(piece).matches
    yield from splitter.flush().matches


@pytest.mark.parametrize("name", SURROUNDINGS)
@pytest.mark.parametrize("raw", [pkcs8(named(RSA) + b"\5\0", rsa1()), ec8(5), openssh_rsa()])
def test_a_key_is_certain_whatever_stands_around_its_lines(raw: bytes, name: str) -> None:
    text = SURROUNDINGS[name](b"before\n" + pem(raw) + b"after\n")
    (match,) = MATCHER.find(text)
    secret = text[match.start : match.end]
    assert (match.name, match.confidence) == ("private-key", Confidence.CERTAIN)
    assert b"BEGIN" not in text[match.start :]
    assert b"END" not in secret
    for line in lines(raw):
        assert line in secret
    covered = reduce(lambda left, line: left.replace(line, b""), lines(raw), text)
    assert b"after" in covered[covered.index(b"END") :]


@pytest.mark.parametrize("name", SURROUNDINGS)
@settings(max_examples=30)  # for each of the surroundings
@given(lengths=st.lists(st.integers(1, 90), min_size=1, max_size=4))
def test_how_a_stream_is_cut_does_not_change_what_is_found_of_a_key(
    lengths: list[int], name: str
) -> None:
    text = SURROUNDINGS[name](b"before\n" + pem(ec8(5)) + b"after\n")
    assert list(pieces(text, lengths)) == MATCHER.find(text)


def test_a_key_in_base64_is_certain() -> None:
    (match,) = MATCHER.find(b"client-key-data: " + base64.b64encode(pem(ec8(5))))
    assert (match.name, match.confidence) == ("private-key-base64", Confidence.CERTAIN)


def test_a_key_whose_lines_were_joined_with_blanks_is_certain() -> None:
    found = MATCHER.find(b"+ echo " + pem(rsa1()).replace(b"\n", b" "))
    best = max(found, key=lambda match: match.confidence)
    assert (best.name, best.confidence) == ("private-key-one-line", Confidence.CERTAIN)


def test_a_key_of_4096_bits_fits_into_the_window_of_its_rule() -> None:
    raw = pkcs8(named(RSA) + b"\5\0", rsa1([0, *[(1 << bits) - 1 for bits in
               (4096, 17, 4095, 2048, 2048, 2047, 2047, 2047)]]))  # fmt: skip
    text = SURROUNDINGS["with lines escaped twice"](pem(raw))
    rule = next(rule for rule in builtin_rules() if rule.id == "private-key")
    assert len(text[: text.index(b"-----END")]) < rule.reach


def test_public_keys_and_certificates_are_no_keys() -> None:
    public = sequence(sequence(named(RSA)), der(3, b"\0" + sequence(integer(P * Q), integer(E))))
    for kind in ("PUBLIC KEY", "CERTIFICATE", "RSA PUBLIC KEY"):
        assert MATCHER.find(pem(public, kind)) == []
    assert MATCHER.find(public) == []


def test_keys_in_der_are_found() -> None:
    big = pkcs8(named(RSA) + b"\5\0", rsa1([0, int.from_bytes(SEED * 8, "big"), *RSA_NUMBERS[2:]]))
    assert [match.name for match in MATCHER.find(big)] == ["private-key-der"]
