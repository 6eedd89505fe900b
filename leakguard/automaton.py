"""The one door to pyahocorasick: bytes in, every occurrence of every word out, overlaps included.

pyahocorasick's wheels walk `str`. Latin-1 maps each byte to the character of the same number, so
bytes cross that border here, in both directions, and nowhere else.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

import ahocorasick


class Automaton:
    """Finds words in text, all of them at once, in time linear in the text and in what is found."""

    def __init__(self, words: Iterable[bytes]) -> None:
        """Index `words`; none may be empty."""
        self._trie = ahocorasick.Automaton()
        for word in words:
            self._trie.add_word(word.decode("latin-1"), word)
        self._trie.make_automaton()

    def __len__(self) -> int:
        return len(self._trie)

    def occurrences(self, text: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, word) for each word that lies within `text[start:end]`, by its end."""
        if not self._trie:
            return
        for last, word in self._trie.iter(text[start:end].decode("latin-1")):
            yield start + last + 1 - len(word), word


class Prefixes:
    """Tells how much of a text's end could be the beginning of a word."""

    def __init__(self, words: Iterable[bytes]) -> None:
        """Index `words`; none may be empty."""
        self._words = sorted(set(words))
        self._longest = max((len(word) - 1 for word in self._words), default=0)

    def longest(self, text: bytes) -> int:
        """Return the length of the longest end of `text` that is a proper prefix of a word.

        One search for each length below the longest word, however long the text is.
        """
        words = self._words
        for cut in range(max(0, len(text) - self._longest), len(text)):
            end = text[cut:]
            # In order, the words that go on from it come next behind it.
            place = bisect_right(words, end)
            if place < len(words) and words[place].startswith(end):
                return len(end)
        return 0
