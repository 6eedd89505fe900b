"""What `secrets list` tells about a secret: what of it is masked, and why the rest is not.

Everything here is a name, a count or one of a few words: no value, no fragment, no length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from leakguard import encoders, policy
from leakguard.encoders.parts import Part, judged
from leakguard.model import Secret

COLUMNS = ("name", "protected", "strength", "reason", "forms")

# Other parts are the whole value, spelled differently: they count as its forms.
_SECRETS = {"leaf", "password", "decoded"}
_TOLD = _SECRETS | {"line", "user"}


@dataclass(frozen=True, slots=True)
class Portion:
    """What is decided alike about one or more parts of a secret.

    Attributes:
        part: What they are, such as `leaf`.
        key: What they stand under in the value, such as `db.password`, if anything names them.
        reason: Why they are not masked when they are seen alone; empty if they are.
    """

    part: str
    key: str
    reason: str

    @property
    def title(self) -> str:
        """How it is called."""
        return f"{self.part} {self.key}".rstrip()


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided about one secret.

    Attributes:
        name: The name of the secret.
        reason: Why it is not protected; empty if it is.
        strength: How hard it, or its weakest part, is to guess; empty if it is not protected.
        forms: How many needles there are of each encoding.
        portions: Its parts that may be seen alone, and how many there are of each.
    """

    name: str
    reason: str
    strength: str
    forms: dict[str, int]
    portions: dict[Portion, int]


def of(secret: Secret, min_length: int) -> Decision:
    """Return what is decided about `secret`."""
    if reason := policy.weakness(secret.value, min_length=min_length):
        return Decision(secret.name, reason, "", {}, {})
    needles = encoders.needles(secret, min_length=min_length)
    forms = dict(sorted(Counter(needle.encoding for needle in needles).items()))
    whole, *others = judged(secret.value, min_length=min_length)
    return Decision(secret.name, "", _strength(whole, others), forms, _portions(others))


def _strength(whole: Part, others: Iterable[Part]) -> str:
    """Return how hard the weakest of the secrets in a value is to guess, or else the value."""
    inner = [part.value for part in others if part.is_needle and part.label in _SECRETS]
    return min(map(policy.strength, inner or [whole.value]), key=policy.STRENGTHS.index)


def _portions(parts: Iterable[Part]) -> dict[Portion, int]:
    told = [part for part in parts if part.label in _TOLD]
    return dict(Counter(Portion(part.label, part.key, part.reason or "") for part in told))


def nested(decision: Decision) -> tuple[object, ...]:
    """Return `decision` as a row for programs: one cell for each column, and one for its parts."""
    return (
        *_row(decision),
        [
            {
                "part": portion.part,
                "key": portion.key,
                "protected": not portion.reason,
                "reason": portion.reason,
                "count": count,
            }
            for portion, count in decision.portions.items()
        ],
    )


def rows(decision: Decision) -> Iterator[tuple[object, ...]]:
    """Yield `decision` as rows for people: the secret, and below it, indented, its parts."""
    yield _row(decision)
    for portion, count in decision.portions.items():
        title = f"  {portion.title}" + (f" ({count})" if count > 1 else "")
        yield title, not portion.reason, "", portion.reason, ""


def _row(decision: Decision) -> tuple[object, ...]:
    is_protected = not decision.reason
    return decision.name, is_protected, decision.strength, decision.reason, decision.forms
