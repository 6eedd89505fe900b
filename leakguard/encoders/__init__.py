"""Turn a secret into its needles: every form in which output may show it, wherever it sits.

A needle does not depend on what surrounds it. Of base64 and base32 it holds only the characters
that the value alone decides, at each alignment; of an escape, only what the escape makes of the
value, whatever its neighbors are. Two tables make this extensible, and each entry is one function:
a splitter (`parts`) names the parts of a value that may be seen alone, and an encoder (`bases`,
`markup`, `quoting`) names the forms that a part may take. What is too weak to be masked never gets
this far.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from leakguard.encoders.bases import ENCODERS as BASES
from leakguard.encoders.bases import Spills
from leakguard.encoders.markup import ENCODERS as MARKUP
from leakguard.encoders.parts import PARTS, Part, Reach, parts
from leakguard.encoders.quoting import ENCODERS as QUOTING
from leakguard.encoders.registry import Encoder
from leakguard.model import Needle, Secret

# Parts themselves are never dropped; of their encoded forms, the first of so many are kept: some 50
# for a token, 150 for a password of many marks, 600 for a private key of 27 lines.
_MOST_FORMS = 1_000
# Common encoders first, so that those are the forms that are kept.
ENCODERS = tuple(sorted((*BASES, *MARKUP, *QUOTING), key=lambda encoder: encoder.reach))
_BASE64 = frozenset(each.name for each in ENCODERS if each.name.startswith("base64"))

ENCODINGS: Mapping[str, str] = MappingProxyType(
    PARTS | {encoder.name: encoder.about for encoder in ENCODERS}
)
"""Each name that `Needle.encoding` may have, and what it stands for."""


def needles(secret: Secret, *, min_length: int = 6) -> tuple[Needle, ...]:
    """Return the forms of `secret` to search for, or none if it is too weak to be protected.

    The value itself comes first, then the parts that may be seen alone, then the encoded forms of
    each. No two are equal, and none is shorter than `min_length` bytes.

    Args:
        secret: The value, and the name that its needles carry.
        min_length: A value or part that is shorter, in bytes, is not protected.
    """
    found = parts(secret.value, min_length=min_length)
    forms = {part.value: Needle(part.value, secret.name, part.label) for part in found}
    most = len(forms) + _MOST_FORMS
    for encoder, value in _turns(found):
        spills = Spills(value).of if encoder.name in _BASE64 else _spills_nothing
        for form in encoder.forms(value):
            if len(form) >= min_length and form not in forms:
                forms[form] = Needle(form, secret.name, encoder.name, spills(form))
        if len(forms) > most:
            break
    return tuple(forms.values())


def _spills_nothing(_form: bytes) -> tuple[bool, bool]:
    return False, False


def _turns(found: Sequence[Part]) -> Iterator[tuple[Encoder, bytes]]:
    """Yield what to encode, and how: first the whole parts, then single lines."""
    for reach in (Reach.ALL, Reach.LINE):
        values = [part.value for part in found if part.reach is reach]
        for encoder in ENCODERS if values else ():
            if encoder.reach <= reach:
                yield from ((encoder, value) for value in values if encoder.changes(value))
