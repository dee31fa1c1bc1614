"""The search for inputs that tell leading programs apart (S*'s distinguishing inputs, arXiv 2502.14382, by mutation).

Inputs on which any of the programs differ are mutated further, beside fresh ones from the examples, until every wanted
pair has an input on which both give an output and the outputs differ, or the budget of runs is spent. A crash on one
side separates nothing: the input may be illegal. Asking a model for inputs is the caller's business (`suggested`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

from clustering.behaviour import FAULTS
from clustering.inputs import GeneratedInput, generate_inputs

Run = Callable[[int, str], Awaitable[str | None]]
"""(representative, input text) → behaviour token: see `clustering.behaviour`; None for an internal error."""
Pair = tuple[int, int]

ROUND = 8
"""Inputs made from one set of seeds."""
SEEDS = 3
MAX_ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Source:
    """Where inputs come from: the problem's example inputs, mode and statement, as for `generate_inputs`."""

    examples: Sequence[str]
    mode: Literal["stdio", "file", "function"]
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Separation:
    """An input that separates pairs no earlier one did. tokens: what each representative did on it."""

    text: str
    origin: str
    tokens: tuple[str | None, ...]
    pairs: tuple[Pair, ...]


@dataclass(slots=True)
class Search:
    """What came of a search. runs: executions asked for. tried: inputs. left: pairs that stayed together."""

    separations: list[Separation] = field(default_factory=list)
    runs: int = 0
    tried: int = 0
    left: list[Pair] = field(default_factory=list)


async def distinguish(
    representatives: int,
    source: Source,
    run: Run,
    budget: int,
    *,
    seed: int = 0,
    pairs: Sequence[Pair] | None = None,
    known: Sequence[str] = (),
    suggested: Sequence[GeneratedInput] = (),
) -> Search:
    """Searches for inputs that separate `pairs` (default: all) of the representatives 0, 1, ….

    budget: executions at most. known: inputs that are not worth trying again. suggested: tried first. The same
    arguments and behaviours give the same search, so a caller that remembers runs can repeat it for nothing.
    Raises what `run` raises.
    """
    found = Search(left=list(pairs if pairs is not None else combinations(range(representatives), 2)))
    interesting: list[tuple[int, int, str]] = []
    for item in _inputs(source, suggested, interesting, known, seed):
        if not found.left or found.runs + representatives > budget:
            break
        found.runs += representatives
        found.tried += 1
        tokens = tuple(await asyncio.gather(*(run(i, item.text) for i in range(representatives))))
        outputs = [token for token in tokens if token is not None and token not in FAULTS]
        if 2 * len(outputs) <= representatives:
            continue
        if len(set(outputs)) > 1:
            interesting.append((-len(set(outputs)), len(item.text), item.text))
        if parted := [pair for pair in found.left if _differ(tokens, pair)]:
            found.separations.append(Separation(item.text, item.origin, tokens, tuple(parted)))
            found.left = [pair for pair in found.left if pair not in parted]
    return found


def _differ(tokens: Sequence[str | None], pair: Pair) -> bool:
    a, b = tokens[pair[0]], tokens[pair[1]]
    return a is not None and b is not None and a != b and not {a, b} & FAULTS


def _inputs(
    source: Source,
    suggested: Sequence[GeneratedInput],
    interesting: list[tuple[int, int, str]],
    known: Sequence[str],
    seed: int,
) -> Iterator[GeneratedInput]:
    """Every input once: the suggested ones, then round after round, from the examples and from inputs that proved
    interesting meanwhile."""
    seen = {text.strip() for text in (*known, *source.examples)}

    def fresh(items: Sequence[GeneratedInput], origin: str) -> Iterator[GeneratedInput]:
        for item in items:
            if item.text.strip() not in seen:
                seen.add(item.text.strip())
                yield GeneratedInput(item.text, origin or item.origin)

    yield from fresh(suggested, "")
    idle = 0
    for number in range(MAX_ROUNDS):
        before = len(seen)
        yield from fresh(_mutate(source, source.examples, ROUND, seed + number), "distinguish:examples")
        for _, _, text in sorted(interesting)[:SEEDS]:
            yield from fresh(_mutate(source, [text], ROUND // 2, seed + number), "distinguish:mutation")
        idle = idle + 1 if len(seen) == before else 0
        if idle >= 3:
            return


def _mutate(source: Source, examples: Sequence[str], count: int, seed: int) -> list[GeneratedInput]:
    """A few inputs, different for each seed. One example alone may be read as another layout, so a mutated input is
    learnt from together with the examples; the first one listed is changed most."""
    given = [*examples, *(text for text in source.examples if text not in examples)]
    made = generate_inputs(given, mode=source.mode, statement=source.statement, count=3 * count, seed=seed)
    offset = (seed * count) % max(1, len(made))
    return (made[offset:] + made[:offset])[:count]
