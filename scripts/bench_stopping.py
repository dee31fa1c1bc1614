#!/usr/bin/env python
"""What stopping early saves and what it costs, on recorded pools that have been run (`eval.pools.store`).

    scripts/bench_stopping.py EVIDENCE.jsonl.gz … [--orders 6] [--seed 0]

Each problem's samples arrive in several random orders; a rule stops somewhere, and the largest behaviours seen until
then, one program each, are the answer. Prints one JSON object a pool: by setting and rule, the share of samples used
and of problems solved with 1 and 10 submissions, for the rules `never`, `agreement 12` (12 alike and no other behaviour
with more than half as many) and ours for 1 and for 10 submissions. Hidden verdicts are read for the measurement only.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from clustering import Behaviour, enough_agreement
from clustering.policies import signals
from clustering.stopping import Race
from eval.pools.store import Labelled, load_labelled

Arrival = tuple[int, Behaviour] | None
"""A survivor, by its index, and its behaviour; None for a sample that was filtered out."""
FAILING: Behaviour = ("RTE",)
"""Of programs that fail on every input, whichever way."""
Rule = Callable[[], Callable[[Behaviour], bool]]
"""Makes a function that takes the survivors' behaviours one by one and says when to stop."""


def never() -> Callable[[Behaviour], bool]:
    return lambda behaviour: False


def agreement() -> Callable[[Behaviour], bool]:
    sizes: Counter[Behaviour] = Counter()

    def stop(behaviour: Behaviour) -> bool:
        sizes[behaviour] += 1
        return enough_agreement(sizes, 12)

    return stop


def ours(submissions: int) -> Rule:
    def start() -> Callable[[Behaviour], bool]:
        race = Race(submissions)

        def stop(behaviour: Behaviour) -> bool:
            race.add(behaviour)
            return race.settled

        return stop

    return start


RULES: dict[str, Rule] = {"never": never, "agreement 12": agreement, "ours, 1": ours(1), "ours, 10": ours(10)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pools", nargs="+", type=Path)
    parser.add_argument("--orders", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for path in options.pools:
        problems = list(load_labelled(path))
        report = {
            setting: {
                name: measure(problems, setting, rule, options.orders, options.seed) for name, rule in RULES.items()
            }
            for setting in ("plain", "with_examples")
        }
        print(json.dumps({"pool": path.name, "problems": len(problems), **report}), flush=True)


def measure(problems: Sequence[Labelled], setting: str, rule: Rule, orders: int, seed: int) -> dict[str, float]:
    """Means over problems and orders; the same orders for every rule."""
    used, first, ten = [], [], []
    for problem in problems:
        rng = np.random.default_rng(seed)
        for arrivals in _orders(problem, setting, orders, rng):
            end = _end(arrivals, rule())
            right = _answer(arrivals[:end], problem)
            used.append(end / max(1, len(arrivals)))
            first.append(any(right[:1]))
            ten.append(any(right[:10]))
    means = {"used": np.mean(used), "solved@1": np.mean(first), "solved@10": np.mean(ten)}
    return {name: round(float(value), 4) for name, value in means.items()}


def _orders(problem: Labelled, setting: str, orders: int, rng: np.random.Generator) -> Iterator[list[Arrival]]:
    evidence = getattr(problem, setting)
    survivors = np.flatnonzero(evidence.passes)
    classes = dict(zip(survivors.tolist(), signals.classes(evidence, survivors).tolist(), strict=True))
    failing = dict(zip(survivors.tolist(), (signals.fault_share(evidence, survivors) >= 1.0).tolist(), strict=True))
    arrivals: list[Arrival] = []
    for index, facts in enumerate(evidence.candidates):
        survived = index in classes
        arrivals += [
            (index, FAILING if failing[index] else (str(classes[index]),)) if survived else None
        ] * facts.weight
    arrivals += [None] * max(0, problem.samples - len(arrivals))
    for _ in range(orders):
        yield [arrivals[position] for position in rng.permutation(len(arrivals))]


def _end(arrivals: Sequence[Arrival], stop: Callable[[Behaviour], bool]) -> int:
    for number, arrival in enumerate(arrivals, start=1):
        if arrival is not None and stop(arrival[1]):
            return number
    return len(arrivals)


def _answer(arrivals: Sequence[Arrival], problem: Labelled) -> list[bool]:
    """Whether the earliest program of each behaviour is right, largest behaviours first, failing ones last."""
    seen = [arrival for arrival in arrivals if arrival is not None]
    sizes = Counter(behaviour for _, behaviour in seen)
    earliest: dict[Behaviour, int] = {}
    for index, behaviour in seen:
        earliest.setdefault(behaviour, index)
    ranked = sorted(sizes, key=lambda behaviour: (behaviour == FAILING, -sizes[behaviour]))
    return [bool(problem.right[earliest[behaviour]]) for behaviour in ranked]


if __name__ == "__main__":
    main()
