"""`python -m bench.tone`: learns what advertising reads like from the labelled sets, and writes it beside the rules.

All sets but `unseen`, which is there to judge the whole, and the texts of the sample templates, which are notices. The
same texts always give the same file.
"""

import argparse
import json
import math
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

import todoke.rules
import todoke.samples
from bench.content import DATA, SETS
from todoke.core.content.tone import SHORTEST, Tone, grams_of
from todoke.core.template import compile, texts_by_language
from todoke.core.template_values import HOLE

OUT = Path(todoke.rules.__file__).parent / "tone.json"
SAMPLES = Path(todoke.samples.__file__).parent / "templates"
ROUNDS = 25
FOUND_IN = 4
"""Messages in which a sequence must stand to count."""
STEP = 0.5
SHRINK = 1e-4


class Labelled(NamedTuple):
    """A message, and whether it is not allowed."""

    text: str
    violates: bool


def labelled(sets: Sequence[str]) -> list[Labelled]:
    rows = [
        json.loads(x)
        for name in sets
        for x in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return [Labelled(row["text"], row["label"] == "not_allowed") for row in rows]


def samples() -> list[Labelled]:
    """Every longer text of the sample templates, as it is written."""
    found: list[Labelled] = []
    for path in sorted(SAMPLES.glob("*.yaml")):
        template = compile(yaml.safe_load(path.read_text(encoding="utf-8")))
        texts = [HOLE.sub("A", text.text) for _, text in texts_by_language(template)]
        found += [Labelled(text, False) for text in dict.fromkeys(texts) if len(text) >= SHORTEST]
    return [x for x in found if not x.text.startswith("https://")]


def learned(messages: Sequence[Labelled]) -> Tone:
    """Stochastic gradient descent; both labels weigh the same in all."""
    sequences = [grams_of(x.text) for x in messages]
    counts = Counter(gram for each in sequences for gram in each)
    known = {gram: n for n, gram in enumerate(sorted(g for g, count in counts.items() if count >= FOUND_IN))}
    rarity = [math.log((1 + len(messages)) / (1 + counts[gram])) + 1 for gram in known]
    features = []
    for each in sequences:
        places = sorted(known[gram] for gram in each if gram in known)
        length = math.sqrt(sum(rarity[n] ** 2 for n in places)) or 1.0
        features.append([(n, rarity[n] / length) for n in places])
    bad = sum(x.violates for x in messages)
    share = {True: len(messages) / (2 * bad), False: len(messages) / (2 * (len(messages) - bad))}
    weights, bias = [0.0] * len(known), 0.0
    order, shuffle = list(range(len(messages))), random.Random(7).shuffle
    for turn in range(ROUNDS):
        shuffle(order)
        step = STEP / (1 + turn * 0.3)
        for n in order:
            total = bias + sum(weights[i] * x for i, x in features[n])
            off = 1 / (1 + math.exp(-max(-30.0, min(30.0, total)))) - messages[n].violates
            off *= share[messages[n].violates]
            bias -= step * off * 0.1
            for i, x in features[n]:
                weights[i] -= step * (off * x * 8 + SHRINK * weights[i])
    grams = {gram: (round(100 * weights[n]), round(100 * rarity[n])) for gram, n in known.items()}
    return Tone(round(bias, 4), grams)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", action="append", default=[], help="a set to leave out, to judge by it")
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    sets = [name for name in SETS if name != "unseen" and name not in asked.without]
    tone = learned([*labelled(sets), *samples()])
    lines = [
        f"{json.dumps(gram, ensure_ascii=False)}:{json.dumps(pair)}" for gram, pair in tone.grams.items()
    ]
    text = '{"bias":' + json.dumps(tone.bias) + ',"grams":{\n' + ",\n".join(lines) + "\n}}\n"
    asked.out.write_text(text, encoding="utf-8")
    print(f"{asked.out}: {len(tone.grams)} sequences, {len(text):,} characters")


if __name__ == "__main__":
    main()
