"""How much a whole text reads like advertising: a second look beside the rules, which know words but no context.

A logistic regression over the character sequences of a text (1 to 4 characters, each weighed by how rare it is). Its
weights were learned from the labelled messages (`bench/tone.py`), and say of a whole text what no single word does: a
notice that settles a sum with a discount in it, or an invitation without any of the usual words.
"""

import math
import re
import unicodedata
from collections.abc import Mapping

import msgspec

LONGEST_GRAM = 4
SHORTEST = 60
"""Characters: what is shorter says too little about itself."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]")
_URL = re.compile(r"https?://[!-~]*")
_DIGITS = re.compile(r"\d+")


def grams_of(text: str) -> set[str]:
    """The character sequences of a text: width, case and numbers set aside, white space as one space."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", _URL.sub("¦", text))).lower()
    text = f" {' '.join(_DIGITS.sub(lambda found: '0' * min(len(found[0]), 3), text).split())} "
    return {text[n : n + size] for size in range(1, LONGEST_GRAM + 1) for n in range(len(text) - size + 1)}


class Tone(msgspec.Struct, frozen=True):
    """What was learned: for each sequence its weight, and how rare it is, both in hundredths."""

    bias: float
    grams: Mapping[str, tuple[int, int]]

    def of(self, text: str) -> float:
        """From 0, a plain notice, to 1, advertising. Linear in the length of the text."""
        score, length = 0.0, 0.0
        for gram in grams_of(text):
            if (known := self.grams.get(gram)) is not None:
                weight, rarity = known
                score += weight * rarity
                length += rarity * rarity
        # Hundredths fall out of the quotient, but for those of the weight.
        total = self.bias + (score / math.sqrt(length) / 100 if length else 0.0)
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
