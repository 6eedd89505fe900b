"""What `secrets list` tells: each decision by name, and nothing of any value."""

import base64
import json
import random
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leakguard.cli import decisions
from leakguard.cli.tables import Tabular
from leakguard.model import Secret

# Letters that no word of a report is made of in this order, so that a fragment stands for itself.
LETTERS = "QZXJVK0123456789"


def told(*secrets: Secret) -> str:
    """Return both lists of `secrets`, one after the other."""
    decided = [decisions.of(secret, 6) for secret in secrets]
    columns = (*decisions.COLUMNS, "parts")
    nested = Tabular(format="json").render(columns, map(decisions.nested, decided))
    rows = [row for decision in decided for row in decisions.rows(decision)]
    return b"".join([*nested, *Tabular().render(decisions.COLUMNS, rows)]).decode()


def values() -> st.SearchStrategy[str]:
    return st.text(LETTERS, min_size=5, max_size=30)


def surroundings() -> st.SearchStrategy[str]:
    """Return texts that hold a value, as structured secrets do, with `@` in its place."""
    return st.sampled_from(
        [
            "@",
            " @\n",
            '"@"',
            "app:@",
            "@:app",
            "@=app",
            "app=@",
            "Bearer @",
            "postgres://app:@@db.internal.example/orders",
            "https://@@git.example/",
            "Server=h;User ID=app;Password=@;",
            "line one\n@\nline two of it\n",
            "A=1\nTOKEN=@\n",
            "@: 1\nTOKEN: b\n",
            json.dumps({"password": "@", "user": "app"}),
            json.dumps({"@": {"password": "x", "@@": "@"}}),
            json.dumps([["@"], {"list": ["@", {"token": "@ and more"}]}]),
            "<s><password>@</password></s>",
        ]
    )


@example("JJJJJ", json.dumps({"@": {"password": "x", "@@": "@"}}), False)  # noqa: FBT003  # as drawn
@given(values(), surroundings(), st.booleans())
def test_nothing_of_a_value_is_told(value: str, around: str, encoded: bool) -> None:  # noqa: FBT001  # drawn
    text = around.replace("@", value, 1).replace("@", value).encode()
    shown = told(Secret("NAME", base64.b64encode(text) if encoded else text))
    digits = base64.b64encode(text).decode() if encoded else value
    fragments = {digits[at : at + 4] for at in range(len(digits) - 3)}
    assert [each for each in fragments if each in shown] == []


def test_nothing_of_many_secrets_is_told() -> None:
    draw = random.Random(3)  # noqa: S311  # the same ones each time
    alphabet = string.ascii_letters + string.digits + "-_!#%"
    secrets = [
        Secret(f"S{number}", "".join(draw.choices(alphabet, k=draw.randint(1, 60))).encode())
        for number in range(200)
    ]
    shown = told(*secrets)
    values = [secret.value.decode() for secret in secrets]
    fragments = {value[at : at + 4] for value in values for at in range(len(value) - 3)}
    assert [each for each in fragments if each in shown] == []


def test_values_of_other_lengths_are_told_alike() -> None:
    shorter, longer = (Secret("NAME", b"Vq7mZp2Lk9Rt4WxB" * times) for times in (2, 3))
    assert told(shorter) == told(longer)


def test_a_secret_is_told_with_its_parts() -> None:
    document = {"db": {"password": "hunter-blue", "host": "db.internal.example"}, "type": "kind-of"}
    decision = decisions.of(Secret("NAME", json.dumps(document).encode()), 6)
    assert decisions.nested(decision)[:4] == ("NAME", True, "weak", "")
    assert decisions.nested(decision)[5] == [
        {"part": "leaf", "key": "db.password", "protected": True, "reason": "", "count": 1},
        {
            "part": "leaf",
            "key": "db.host",
            "protected": False,
            "reason": "an address or a path",
            "count": 1,
        },
        {
            "part": "leaf",
            "key": "type",
            "protected": False,
            "reason": "looks like a name",
            "count": 1,
        },
    ]


def test_the_table_has_a_row_for_each_part_below_its_secret() -> None:
    text = b"A_TOKEN=Zq81-mm92-Kd7\nB_TOKEN=x\n{\nfirst-Qx7-line\nsecond-Zp9-line\n"
    rows = decisions.rows(decisions.of(Secret("NAME", text), 6))
    assert [row[:4] for row in rows] == [
        ("NAME", True, "fair", ""),
        ("  leaf A_TOKEN", True, "", ""),
        ("  leaf B_TOKEN", False, "", "shorter than 6 bytes"),
        ("  line", False, "", "only structure"),
        ("  line (2)", True, "", ""),
    ]


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"", "blank"), (b"abc", "shorter than 6 bytes"), (b"production", "too guessable")],
)
def test_a_secret_that_is_not_protected_is_told_with_its_reason(value: bytes, reason: str) -> None:
    decision = decisions.of(Secret("NAME", value), 6)
    assert decisions.nested(decision) == ("NAME", False, "", reason, {}, [])


@pytest.mark.parametrize(
    ("value", "strength"),
    [
        (b"letmein1", "weak"),
        (b"Zq81-mm92-Kd7", "fair"),
        (b"Vq7mZp2Lk9Rt4WxB", "strong"),
        (b"postgres://app:letmein1@db.internal.example/orders", "weak"),
        (b"postgres://app:Vq7mZp2Lk9Rt4WxB@db.internal.example/orders", "strong"),
    ],
)
def test_a_secret_is_as_strong_as_the_weakest_that_it_holds(value: bytes, strength: str) -> None:
    assert decisions.of(Secret("NAME", value), 6).strength == strength
