"""Follow a secret through text that writes it in a way of its own, from a few of its bytes on.

Needles find a value in the forms that are known beforehand. No list holds all that tools do to it:
escapes of several kinds, nested; line ends, margins and columns in the middle; what was typed and
erased; a part of it, with the rest cut off. So a *trace* starts where a few bytes of a form stand
as they are, and goes on as long as the text, read this way or that, goes on as the form does.
What is decided depends on the bytes from there on alone, so a trace is held and cut as a needle is.

Each room has its own part of it: `form` what is followed, `spread` what else the whole is written
as, `escapes` how a byte may be written, `breaks` what may stand between two bytes, `bases` what
digits stand for, `walk` the following, `derive` where traces start, `anchors` where any secret may
go on in the middle, `grams` which bytes of all secrets may stand there, `glance` that most escapes
are none of theirs, `cover` which finds are news. Colors and the like are left to
`leakguard.decoders`: what they paint is followed in their reading.
"""

from leakguard.traces.anchors import Anchor, Approach, anchors, begun
from leakguard.traces.cover import without_covered
from leakguard.traces.derive import traces
from leakguard.traces.form import FRAGMENT, KINDS, LONGEST_LEAD, MIXED, Form, Trace
from leakguard.traces.walk import Walk

__all__ = [
    "FRAGMENT",
    "KINDS",
    "LONGEST_LEAD",
    "MIXED",
    "Anchor",
    "Approach",
    "Form",
    "Trace",
    "Walk",
    "anchors",
    "begun",
    "traces",
    "without_covered",
]
