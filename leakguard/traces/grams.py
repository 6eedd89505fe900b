"""Where a few bytes stand in any of many forms: an anchor has no word of its own to tell.

There is one for each place of each form, so it has to be small: a place is 64 bits of an array, in
the order of a checksum of the bytes that stand there.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from zlib import crc32

from leakguard.traces.form import Alphabet, Form

GLANCE = 3
"""Of so many first bytes it is known at once whether anything goes on from them."""

# So many bytes of a form, by its alphabet, are read before it is followed: some 20 bits.
_LENGTHS = {Alphabet.TEXT: 4, Alphabet.BASE64: 4, Alphabet.BASE32: 5, Alphabet.HEX: 6}
SHORTEST, LONGEST = min(_LENGTHS.values()), max(_LENGTHS.values())
"""The fewest bytes that may be looked up, and the most that tell."""

_PLACE_BITS = 9
_MOST_OF_FORM, _MOST_PLACES = 1 << _PLACE_BITS, 50_000
_MOST_ALIKE = 4
_MOST_NOTED = 8192
_KEY_BITS = 32
_NUMBERS = (1 << _KEY_BITS) - 1
_AS_IN_URLS = bytes.maketrans(b"+/", b"-_")


class Grams:
    """Where a few bytes stand in any of several forms. It is made at the first look.

    Attributes:
        hopeless: Of beginnings of texts, whether nothing goes on there; who looks notes it.
    """

    def __init__(self, forms: Sequence[Form]) -> None:
        """Take the forms."""
        self._forms = forms
        self.hopeless = Noted()

    def at(self, read: bytes) -> Iterator[tuple[Form, int]]:
        """Yield the forms that hold the first bytes of `read`, and where."""
        if len(read) >= SHORTEST:  # most reads end sooner
            for table in self._tables:
                yield from table.at(read)

    def may_begin(self, read: bytes) -> bool:
        """Say whether one to `GLANCE` bytes may be the first ones of what is found."""
        return bool(self._following.get(read[:-1], 0) >> read[-1] & 1)

    @cached_property
    def _tables(self) -> list[_Table]:
        of_alphabet: dict[Alphabet, list[Form]] = defaultdict(list)
        for form in self._forms:
            of_alphabet[form.alphabet].append(form)
        left = _MOST_PLACES
        tables = []
        for alphabet in _LENGTHS:
            tables.append(table := _Table(alphabet, of_alphabet[alphabet], left))
            left -= len(table.places)
        return tables

    @cached_property
    def _following(self) -> dict[bytes, int]:
        """By up to two first bytes, a bit for each byte that may come next."""
        following: dict[bytes, int] = defaultdict(int)
        for opening in {each for table in self._tables for each in table.openings()}:
            for length in range(GLANCE):
                following[opening[:length]] |= 1 << opening[length]
        return dict(following)


class Noted(dict[bytes, bool]):
    """Answers that were given before; when there are very many they are forgotten."""

    def __setitem__(self, asked: bytes, answer: bool) -> None:
        if len(self) >= _MOST_NOTED:
            self.clear()
        super().__setitem__(asked, answer)


class _Table:
    """Where so many bytes stand in forms of an alphabet.

    Attributes:
        places: For each place a checksum of what stands there, the number of the form, and where in
            it the place is; in ascending order.
    """

    def __init__(self, alphabet: Alphabet, forms: Sequence[Form], most: int) -> None:
        """Enter forms, as many as have not many more than `most` places."""
        self._is_hex = alphabet is Alphabet.HEX
        self._spelling = alphabet.value
        self._length = _LENGTHS[alphabet]
        self._forms: list[Form] = []
        found: list[int] = []
        for number, form in enumerate(forms):
            if len(found) > most:
                break
            self._forms.append(form)
            found += self._of_form(number, form)
        self.places = array("Q", sorted(found))

    def _count(self, form: Form) -> int:
        return min(_MOST_OF_FORM, len(form.value) - self._length + 1)

    def _of_form(self, number: int, form: Form) -> Iterator[int]:
        for place in range(self._count(form)):
            known = crc32(form.value[place : place + self._length])
            yield (known << _KEY_BITS) | (number << _PLACE_BITS) | place

    def at(self, read: bytes) -> Iterator[tuple[Form, int]]:
        """Return the first few forms that hold the first bytes of `read`, and where."""
        read = read[: self._length].translate(self._spelling)
        return islice(self._all_at(read) if len(read) == self._length else (), _MOST_ALIKE)

    def _all_at(self, read: bytes) -> Iterator[tuple[Form, int]]:
        places, known = self.places, crc32(read)
        for entry in range(bisect_left(places, known << _KEY_BITS), len(places)):
            if places[entry] >> _KEY_BITS != known:
                return
            number, place = divmod(places[entry] & _NUMBERS, _MOST_OF_FORM)
            form = self._forms[number]
            if form.value.startswith(read, place):
                yield form, place

    def openings(self) -> set[bytes]:
        """Return the first bytes of all that is here, as texts may spell them."""
        found = {
            form.value[place : place + GLANCE]
            for form in self._forms
            for place in range(self._count(form))
        }
        found |= {opening.translate(_AS_IN_URLS) for opening in found}
        return found | {opening.upper() for opening in found} if self._is_hex else found
