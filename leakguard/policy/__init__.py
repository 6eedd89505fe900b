"""Judge what is worth protecting: a mask over a common word destroys the log and hides nothing.

One question each: `information` what a text tells, `budget` how much is enough, `guessable` whether
a whole value is protected, `tokens` whether a part of one is, `names` what a key says about it.
"""

from leakguard.policy.budget import PART_BITS, STRENGTHS, WHOLE_BITS, strength, tells
from leakguard.policy.guessable import BLANK, GUESSABLE, bare, weakness
from leakguard.policy.information import bits, information
from leakguard.policy.names import looks_secret, names_public, names_secret, shown_key
from leakguard.policy.tokens import (
    ADDRESS,
    LITTLE,
    NAME,
    STRUCTURE,
    is_token,
    is_uuid,
    worth,
    worthless,
)

__all__ = [
    "ADDRESS",
    "BLANK",
    "GUESSABLE",
    "LITTLE",
    "NAME",
    "PART_BITS",
    "STRENGTHS",
    "STRUCTURE",
    "WHOLE_BITS",
    "bare",
    "bits",
    "information",
    "is_token",
    "is_uuid",
    "looks_secret",
    "names_public",
    "names_secret",
    "shown_key",
    "strength",
    "tells",
    "weakness",
    "worth",
    "worthless",
]
