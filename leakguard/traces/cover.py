"""Leave out fragments that lie in what has been found anyway.

A trace starts at many places of a form, and each goes on to the form's end. Where the whole is
found in another way, such as by a needle, what it holds is no news. Nor is it news of another
secret that ends, or begins, as the one does that is there whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from leakguard.model import Match
from leakguard.traces.form import FRAGMENT


def without_covered(found: Collection[Match], told: Iterable[Match] = ()) -> set[Match]:
    """Return `found` but for fragments in other matches of their secret, or in a whole other one.

    Args:
        found: Matches, in any order.
        told: Matches that were told before and may cover some of them.
    """
    if not any(match.encoding == FRAGMENT for match in found):
        return set(found)
    remaining = set(found)
    reached: dict[str, int] = defaultdict(lambda: -1)
    whole = -1
    for match in sorted({*found, *told}, key=_widest_first):
        if match.encoding == FRAGMENT and match.end <= max(reached[match.name], whole):
            remaining.discard(match)
        if match.encoding != FRAGMENT and match.kind == "secret":
            whole = max(whole, match.end)
        reached[match.name] = max(reached[match.name], match.end)
    return remaining


def _widest_first(match: Match) -> tuple[int, int, bool, str]:
    return match.start, -match.end, match.encoding == FRAGMENT, match.name
