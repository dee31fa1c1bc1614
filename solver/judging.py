"""What the model itself thinks of programs: P(correct) of one, and a tournament of pairs.

judge: the probability of the answer Yes to "is it correct?" (P(True), Kadavath et al., arXiv 2207.05221). tournament:
pairwise comparisons (GenCluster, arXiv 2510.14232), each pair in both orders, since models favour a position. Both
read one token and its log-probability; a sampler that gives none counts as sure of its answer.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from hashlib import blake2b
from itertools import combinations
from math import exp
from random import Random

from solver.problem import Problem
from solver.samplers import Request, Sample
from solver.side import OpenSampler, side_request, side_samples
from solver.store import Store

MAX_GAMES = 6
"""Opponents of one program in a tournament, about."""


async def judge_scores(
    problem: Problem, programs: Mapping[str, str], open_sampler: OpenSampler, store: Store
) -> dict[str, float]:
    """programs: key → source. Key → P(correct), 0.5 where the answer is neither Yes nor No.

    Asks what the store does not hold yet. Raises what the sampler raises.
    """
    requests = {key: _one_token("judge", _judge_prompt(problem, source)) for key, source in programs.items()}
    said = await _chances(list(requests.values()), ("yes", "no"), open_sampler, store)
    return {key: said.get(request.index, 0.5) for key, request in requests.items()}


async def tournament_scores(
    problem: Problem, programs: Mapping[str, str], open_sampler: OpenSampler, store: Store, seed: int = 0
) -> dict[str, float]:
    """programs: key → source. Key → mean chance, 0 to 1, of being preferred to its opponents; 0.5 without any.

    Everyone meets everyone where there are at most MAX_GAMES opponents; else about so many, drawn by the seed.
    """
    pairs = list(combinations(programs, 2))
    if len(programs) > MAX_GAMES + 1:
        pairs = Random(seed).sample(pairs, len(programs) * MAX_GAMES // 2)
    games = [pair for a, b in pairs for pair in ((a, b), (b, a))]
    requests = {(a, b): _one_token("tournament", _pair_prompt(problem, programs[a], programs[b])) for a, b in games}
    said = await _chances(list(requests.values()), ("a", "b"), open_sampler, store)
    won: defaultdict[str, list[float]] = defaultdict(list)
    for (a, b), request in requests.items():
        chance = said.get(request.index, 0.5)
        won[a].append(chance)
        won[b].append(1 - chance)
    return {key: sum(won[key]) / len(won[key]) if won[key] else 0.5 for key in programs}


def store_scores(store: Store, kind: str, scores: Mapping[str, float]) -> None:
    """For the choice and the report, under the name of the policy."""
    store.set_meta(f"scores:{kind}", json.dumps({key: round(score, 6) for key, score in scores.items()}))


def stored_scores(store: Store, kind: str) -> dict[str, float]:
    """Key → score; empty when there are none."""
    found: dict[str, float] = json.loads(store.meta(f"scores:{kind}") or "{}")
    return found


def _one_token(kind: str, content: str) -> Request:
    """Numbered by its content, so that an answer always belongs to its question."""
    number = int.from_bytes(blake2b(content.encode("utf-8", "surrogatepass"), digest_size=6).digest(), "big")
    return side_request(kind, number, content, temperature=0.0, max_tokens=1)


async def _chances(
    requests: list[Request], words: tuple[str, str], open_sampler: OpenSampler, store: Store
) -> dict[int, float]:
    """Request index → probability of the first word rather than the second, where either was the answer."""
    samples = await side_samples(requests, open_sampler, store)
    found = {sample.request: _chance(sample, words) for sample in samples}
    return {index: chance for index, chance in found.items() if chance is not None}


def _chance(sample: Sample, words: tuple[str, str]) -> float | None:
    answer = sample.text.strip().strip("*`\"'.").lower()
    if answer not in words:
        return None
    sure = 1.0 if sample.mean_logprob is None else exp(min(0.0, sample.mean_logprob))
    return sure if answer == words[0] else 1 - sure


def _judge_prompt(problem: Problem, source: str) -> str:
    return (
        f"Here is a programming problem and a program.\n\n{problem.statement.strip()}\n\nProgram:\n```\n"
        f"{source.strip()}\n```\n\nDoes the program solve the problem correctly, for every valid input and within the "
        "time limit? Answer with one word: Yes or No."
    )


def _pair_prompt(problem: Problem, first: str, second: str) -> str:
    return (
        f"Here is a programming problem and two programs.\n\n{problem.statement.strip()}\n\nProgram A:\n```\n"
        f"{first.strip()}\n```\n\nProgram B:\n```\n{second.strip()}\n```\n\nWhich program is more likely to be "
        "correct? Answer with one letter: A or B."
    )
