"""Tokens that hold a number in the open: an account, a bot, a workspace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from leakguard.checks.check import Check, Facts, Proof
from leakguard.checks.digits import (
    BASE36,
    decoded,
    decoded32,
    drawn,
    encoded,
    number,
    rest,
    time,
    unpadded,
)

# Keys of AWS from before 2019 begin with these letters, and hold another number.
_AWS_OLD = (b"I", b"J")
_AWS_ACCOUNT = 0x7FFFFFFFFF80
_MOST_ACCOUNT = 10**12

# Milliseconds from 1970 to the first second of 2015, from which Discord counts.
_DISCORD_EPOCH = 1_420_070_400_000
_DISCORD_SIGNATURES = (20, 28)

_SLACK = re.compile(
    rb"xox[bp]-(?P<team>[0-9]{9,14})-(?P<user>[0-9]{9,14})-"
    rb"(?:(?:[0-9]{9,14}-)?(?:[0-9A-Za-z]{24}|[0-9a-f]{32}))"
)
_SLACK_APP = re.compile(rb"xapp-[0-9]-(?P<app>A[0-9A-Z]{8,13})-[0-9]{9,14}-[0-9a-f]{64}")
_SLACK_ANY = re.compile(rb"xox[a-z]-(?P<team>[0-9]{9,14})-")
_TELEGRAM = re.compile(rb"(?P<bot>[0-9]{8,10}):A[0-9A-Za-z_-]{34}")
_SWARM = re.compile(rb"SWMTKN-[12]-(?P<digest>[0-9a-z]{50})-(?P<secret>[0-9a-z]{25})")
_SWARM_KEY = re.compile(rb"SWMKEY-1-([0-9A-Za-z+/]{43})")


def account(key: bytes) -> str:
    """Return the account that issued an AWS access key id; nothing for one that does not tell.

    Raises:
        ValueError: If it is no such id.
    """
    value = int.from_bytes(decoded32(key[4:])[:6], "big")
    owner = (value & _AWS_ACCOUNT) >> 7
    tells = not key[4:].startswith(_AWS_OLD) and owner < _MOST_ACCOUNT
    return f"{owner:012}" if tells else ""


def _aws_key(secret: bytes) -> bool:
    """Return whether an access key id is of the alphabet that AWS draws them from."""
    return re.fullmatch(rb"A[0-9A-Z]{3}[A-Z2-7]{16}", secret) is not None


def _aws_facts(secret: bytes) -> Facts:
    return {"account": account(secret)}


def _discord(secret: bytes) -> Proof | bool:
    """Return what the base64 of a bot's id proves, and the size of what is signed with."""
    bot = _discord_bot(secret)
    if not 10**15 < bot < 2**63:
        return False
    size = len(decoded(secret.split(b".")[2]))
    return Proof.HOLDS if size in _DISCORD_SIGNATURES else Proof.OPEN


def _discord_bot(secret: bytes) -> int:
    digits = decoded(secret.split(b".")[0])
    return int(digits) if digits.isdigit() and len(digits) < 20 else 0


def _discord_facts(secret: bytes) -> Facts:
    bot = _discord_bot(secret)
    return {"bot": bot, "created": time(((bot >> 22) + _DISCORD_EPOCH) // 1000)} if bot else {}


def _discord_rest(head: bytes) -> bytes:
    bot = b"%d" % (10**18 + int.from_bytes(drawn(head, 6), "big"))
    parts = (unpadded(bot), encoded(drawn(head, 4)), encoded(drawn(head, 28)))
    return b"" if head else b".".join(parts)


def _slack(secret: bytes) -> Proof:
    known = _SLACK.fullmatch(secret) or _SLACK_APP.fullmatch(secret)
    return Proof.HOLDS if known else Proof.OPEN if secret.startswith(b"x") else Proof.BROKEN


def _slack_facts(secret: bytes) -> Facts:
    if app := _SLACK_APP.match(secret):
        return {"app": app["app"].decode()}
    if full := _SLACK.match(secret):
        return {"workspace": full["team"].decode(), "user": full["user"].decode()}
    some = _SLACK_ANY.match(secret)
    return {"workspace": some["team"].decode()} if some else {}


def _telegram(secret: bytes) -> bool:
    """Return whether a token has its bot's id in front."""
    return re.search(_TELEGRAM.pattern + rb"\Z", secret) is not None


def _telegram_facts(secret: bytes) -> Facts:
    found = re.search(_TELEGRAM.pattern + rb"\Z", secret)
    return {"bot": found["bot"].decode()} if found else {}


def _swarm(secret: bytes) -> bool:
    """Return whether the parts of a join token fit into 256 and 128 bits, or a key is 32 bytes."""
    if key := _SWARM_KEY.fullmatch(secret):
        return len(decoded(key[1])) == 32
    token = _SWARM.fullmatch(secret)
    return token is not None and _fits(token["digest"], 256) and _fits(token["secret"], 128)


def _fits(digits: bytes, bits: int) -> bool:
    return int(digits, 36).bit_length() <= bits


def _swarm_facts(secret: bytes) -> Facts:
    token = _SWARM.fullmatch(secret)
    return {"cluster": f"{int(token['digest'], 36):064x}"[:16]} if token else {}


def _swarm_rest(head: bytes) -> bytes:
    digest, secret = drawn(head, 32), drawn(head + b"2", 16)
    parts = [
        number(int.from_bytes(raw, "big"), BASE36, 25 * (len(raw) // 16))
        for raw in (digest, secret)
    ]
    return rest(b"SWMTKN-1-" + b"-".join(parts), head)


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "aws-access-key-id": Check(_aws_key, _aws_facts),
        "discord-bot": Check(_discord, _discord_facts, _discord_rest),
        "slack": Check(_slack, _slack_facts),
        "swarm": Check(_swarm, _swarm_facts, _swarm_rest),
        "telegram-bot": Check(_telegram, _telegram_facts),
    }
)
