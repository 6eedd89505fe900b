"""Private keys as `openssl`, `ssh-keygen` and `gpg` write them: a few real ones of each kind."""

from __future__ import annotations

import functools
import hmac
import json
import subprocess
import tempfile
from pathlib import Path
from random import Random

from .downloads import bip39_words
from .tokens import b64, b64url
from .writing import drawn, maker

# Of each kind as many are made; one more costs time and tells nothing new.
_KEYS = 2
_RSA, _CURVE = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"), "prime256v1"
_PEM = {
    "rsa8": ("genpkey", *_RSA),
    "rsa": ("genrsa", "-traditional", "2048"),
    "ec": ("ecparam", "-name", _CURVE, "-genkey", "-noout"),
    "ec8": ("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{_CURVE}"),
    "ed25519": ("genpkey", "-algorithm", "ed25519"),
    "encrypted": ("genpkey", *_RSA, "-aes-256-cbc", "-pass", "pass:benchmark"),
}


def _output(*command: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout


@functools.cache
def _pem(kind: str, _number: int) -> str:
    return _output("openssl", *_PEM[kind]).decode().strip()


def _der(pem: str) -> bytes:
    lines = pem.splitlines()[1:-1]
    return _output("openssl", "base64", "-d", stdin="\n".join([*lines, ""]).encode())


@maker("pem")
def pem(chance: Random, kind: str) -> str:
    """Return a private key in PEM, without a line end behind it."""
    return _pem(kind, chance.randrange(_KEYS))


@maker("pem-base64")
def _pem_base64(chance: Random, kind: str) -> str:
    return b64(f"{pem(chance, kind)}\n".encode())


@maker("der-base64")
def _der_base64(chance: Random, kind: str) -> str:
    return b64(_der(pem(chance, kind)))


@functools.cache
def _ssh_key(kind: str, _number: int) -> str:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "key"
        _output("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "deploy@build", "-f", str(file))
        return file.read_text(encoding="ascii").strip()


@maker("ssh")
def _ssh(chance: Random, kind: str) -> str:
    return _ssh_key(kind, chance.randrange(_KEYS))


def _string(raw: bytes) -> bytes:
    return len(raw).to_bytes(4, "big") + raw


@functools.cache
def _ed25519(number: int) -> tuple[bytes, bytes]:
    """Return the private and the public half of a key."""
    text = _pem("ed25519", number).encode()
    public = _output("openssl", "pkey", "-pubout", "-outform", "DER", stdin=text)
    return _der(text.decode())[-32:], public[-32:]


@maker("putty")
def _putty(chance: Random, _: str) -> str:
    private, public = _ed25519(chance.randrange(_KEYS))
    kind, comment = b"ssh-ed25519", b"deploy@build"
    blobs = _string(kind) + _string(public), _string(private)
    signed = b"".join(map(_string, (kind, b"none", comment, *blobs)))
    shown = [b64(blob) for blob in blobs]
    public_lines, private_lines = (
        [text[i : i + 64] for i in range(0, len(text), 64)] for text in shown
    )
    head = ["PuTTY-User-Key-File-3: ssh-ed25519", "Encryption: none", "Comment: deploy@build"]
    head += [f"Public-Lines: {len(public_lines)}", *public_lines]
    head += [f"Private-Lines: {len(private_lines)}", *private_lines]
    return "\n".join([*head, f"Private-MAC: {hmac.digest(b'', signed, 'sha256').hex()}"])


@functools.cache
def _pgp_key(_number: int) -> str:
    with tempfile.TemporaryDirectory() as home:
        gpg = ("gpg", "--batch", "--homedir", home, "--pinentry-mode", "loopback")
        try:
            name = "Build <build@example.com>"
            _output(*gpg, "--passphrase", "", "--quick-gen-key", name, "ed25519", "sign", "never")
            return _output(*gpg, "--armor", "--export-secret-keys").decode().strip()
        finally:
            _output("gpgconf", "--homedir", home, "--kill", "all")


@maker("pgp")
def _pgp(chance: Random, _: str) -> str:
    return _pgp_key(chance.randrange(_KEYS))


@functools.cache
def _pkcs12_store(number: int) -> str:
    with tempfile.TemporaryDirectory() as directory:
        key, certificate = Path(directory) / "key", Path(directory) / "certificate"
        key.write_text(_pem("rsa8", number), encoding="ascii")
        request = ("req", "-x509", "-new", "-key", str(key), "-subj", "/CN=app", "-days", "30")
        certificate.write_bytes(_output("openssl", *request))
        files = ("-inkey", str(key), "-in", str(certificate))
        return b64(_output("openssl", "pkcs12", "-export", *files, "-passout", "pass:benchmark"))


@maker("pkcs12")
def _pkcs12(chance: Random, _: str) -> str:
    return _pkcs12_store(chance.randrange(_KEYS))


@maker("solana")
def _solana(chance: Random, _: str) -> str:
    private, public = _ed25519(chance.randrange(_KEYS))
    return json.dumps(list(private + public), separators=(",", ":"))


@maker("jwk")
def _jwk(chance: Random, kind: str) -> str:
    if kind == "oct":
        members = {"k": b64url(chance.randbytes(32)), "alg": "HS256"}
    elif kind == "ec":
        # What `openssl` writes for this curve has no field of another length.
        der = _der(pem(chance, "ec"))
        members = {"crv": "P-256", "d": b64url(der[7:39]), "x": b64url(der[-64:-32])}
        members["y"] = b64url(der[-32:])
    else:
        names = ("n", "e", "d", "p", "q", "dp", "dq", "qi")
        members = dict(zip(names, _integers(_der(pem(chance, "rsa"))), strict=True))
    return json.dumps({"kty": kind if kind == "oct" else kind.upper(), "kid": "1", **members})


def _integers(der: bytes) -> list[str]:
    """Return the numbers of an RSA key, without its version."""
    place, found = 4, []
    while place < len(der):
        size, place = der[place + 1], place + 2
        if size & 0x80:
            size, place = (
                int.from_bytes(der[place : place + size - 0x80], "big"),
                place + size - 0x80,
            )
        found.append(b64url(der[place : place + size].lstrip(b"\0")))
        place += size
    return found[1:]


@maker("service-account")
def _service_account(chance: Random, _: str) -> str:
    account = {
        "type": "service_account",
        "project_id": "shop-prod",
        "private_key_id": drawn("hex", 40, chance),
        "private_key": f"{pem(chance, 'rsa8')}\n",
        "client_email": "ci@shop-prod.iam.gserviceaccount.com",
        "client_id": drawn("digits", 21, chance),
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps(account, indent=2)


@maker("service-account-base64")
def _service_account_base64(chance: Random, _: str) -> str:
    return b64(_service_account(chance, "").encode())


@maker("coinbase-cdp")
def _coinbase_cdp(chance: Random, _: str) -> str:
    ids = [drawn("hex", 8, chance) + "-1b2c-4d3e-8f4a-" + drawn("hex", 12, chance) for _ in "ab"]
    name = f"organizations/{ids[0]}/apiKeys/{ids[1]}"
    return json.dumps({"name": name, "privateKey": f"{pem(chance, 'ec')}\n"})


@maker("kubeconfig")
def _kubeconfig(chance: Random, _: str) -> str:
    head = "apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n"
    return f"{head}    client-key-data: {_pem_base64(chance, 'rsa')}\n"


@maker("mnemonic")
def _mnemonic(chance: Random, count: str) -> str:
    words = bip39_words()
    bits = int(count) * 11 * 32 // 33
    entropy = chance.randbytes(bits // 8)
    digest = int(_output("openssl", "dgst", "-sha256", "-r", stdin=entropy)[:2], 16)
    number = int.from_bytes(entropy, "big") << bits // 32 | digest >> 8 - bits // 32
    places = [number >> 11 * place & 2047 for place in reversed(range(int(count)))]
    return " ".join(words[place] for place in places)
