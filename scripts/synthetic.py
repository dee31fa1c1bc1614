"""A recording as a model might have made it, of any length, without a model: for the benchmarks of scale.

Answers to the bundled problem fair-tickets, each a sentence and a small program in a markdown fence: 1 % of them pass,
with a handful of behaviours; the rest is wrong, crashes or does not parse. A quarter are copies, byte for byte, of
earlier answers, half of those of a few favourites. Sample n depends on n alone, so the generator holds nothing.
"""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROBLEM = ROOT / "examples" / "fair-tickets" / "problem.json"

COPIES = 0.25
FAVOURITES = 200
PASSING = 0.01
BROKEN = 0.03

_ANSWER = """Tickets with an even price are fair, so {sentence}.

```python
import sys


def solve(prices):
    total = {start}
    for position, price in enumerate(prices):
        if {condition}:
            total += {term}
    return total{end}


def main():
    data = sys.stdin.read().split()
    count = int(data[0])
    prices = [int(word) for word in data[1 : count + 1]]
    label_{number} = "{number}"
    print(solve(prices){printed})


main()
```

The loop is linear in the number of tickets.
"""
_SENTENCES = ("we add those up", "it is enough to sum them", "a single pass does", "we keep a running total")
_RIGHT = (
    ("0", "price % 2 == 0", "price", "", ""),
    ("0", "not price & 1", "price", "", ""),
    ("0", "price % 2 == 0", "price", " if total < 40 else total + 1", ""),
    ("0", "price % 2 == 0", "price", " % 1000003", ""),
    ("0", "price % 2 == 0 and position < 50", "price", "", ""),
)
_WRONG = (
    ("0", "price % 2 == 1", "price", "", ""),
    ("1", "price % 2 == 0", "price", "", ""),
    ("0", "price % 2 == 0", "1", " + 7", ""),
    ("0", "True", "price * 3", "", " // 2"),
    ("0", "price > {seed}", "prices[position + count]", "", ""),
    ("0", "True", "price // (position - position)", "", ""),
)


def answer(number: int) -> str:
    """The text of sample `number`."""
    rng = random.Random(number)
    while number and rng.random() < COPIES:
        number = rng.randrange(min(number, FAVOURITES)) if rng.random() < 0.5 else rng.randrange(number)
        rng = random.Random(number)
    kind = rng.random()
    start, condition, term, end, printed = rng.choice(_RIGHT if kind < PASSING else _WRONG)
    text = _ANSWER.format(
        sentence=rng.choice(_SENTENCES), start=start, condition=condition.format(seed=number % 90), term=term, end=end,
        printed=printed, number=number,
    )  # fmt: skip
    return text.replace("def main():", "def main(:") if kind > 1 - BROKEN else text


def write_recording(path: Path, samples: int) -> None:
    """Four answers a request, as the default prompt plan has it; gzip."""
    rng = random.Random(0)
    with gzip.open(path, "wt", compresslevel=1, encoding="utf-8") as stream:
        for number in range(samples):
            row = {
                "problem": "fair-tickets", "request": number // 4, "choice": number % 4, "text": answer(number),
                "model": "synthetic", "plan": "direct", "language": "python", "temperature": 0.8,
                "seed": rng.getrandbits(48), "prompt_tokens": 300, "completion_tokens": 150,
                "mean_logprob": -round(rng.random(), 3), "finish_reason": "stop",
            }  # fmt: skip
            stream.write(json.dumps(row) + "\n")
