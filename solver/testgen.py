"""Inputs that the model writes: programs that print inputs, programs that check them, and tests as data.

AlphaCode's input model (arXiv 2203.07814, section 4.6), GenCluster's voting validators (arXiv 2510.14232) and CodeT's
tests (arXiv 2207.10397), with the sampler that also writes the solutions. Everything runs in the sandbox.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import zip_longest

from clustering.inputs import GeneratedInput, keeps_layout
from clustering.literals import parse_call
from clustering.model_tests import parse_model_tests, parse_text_tests
from sandbox import Limits, Program, Runner, Verdict
from solver.extract import extract
from solver.fences import fenced_blocks
from solver.problem import Problem
from solver.samplers.base import Request, Sample
from solver.side import OpenSampler, side_request, side_samples
from solver.store import Store
from solver.testgen_prompts import difference_prompt, generator_prompt, test_prompt, validator_prompt

log = logging.getLogger(__name__)

DIFFERENCES = 4  # answers to one question for an input
SEEDS = 4  # runs of one generator
MIN_VALIDITY = 0.5
MAX_INPUT_CHARS = 65_536
_LIMITS = Limits(cpu_seconds=2.0, memory_bytes=256 * 2**20, output_bytes=2**20)
_GARBAGE = ("", "@#\n", "-1 x y\n")  # what no validator may accept; one that does accepts anything
_PRIOR_VOTES = 1.0
_SEEDED = "import random as _random\n_random.seed({seed})\ndel _random\n"


@dataclass(frozen=True, slots=True)
class ModelInput:
    """An input that the model wrote. validity: share of validators that accept it, smoothed. expected: the output
    that the model claims, for tests; copies: how often it wrote that test."""

    text: str
    origin: str
    validity: float
    expected: str | None = None
    copies: int = 0


def input_requests(problem: Problem, count: int, seed: int) -> tuple[list[Request], list[Request], list[Request]]:
    """What `model_inputs` asks for: generators, tests and validators; a list is of one plan."""
    asked = max(2, count // 4)
    return (
        [side_request("generator", i, generator_prompt(problem, i), seed=seed) for i in range(asked)],
        [side_request("test", 0, test_prompt(problem), n=asked, seed=seed)],
        [side_request("validator", 0, validator_prompt(problem), n=asked, seed=seed)] * (problem.mode != "function"),
    )


async def model_inputs(
    problem: Problem, open_sampler: OpenSampler, sandbox: Runner, store: Store, count: int, seed: int
) -> list[ModelInput]:
    """At most `count` inputs, tests among them, the most valid of each kind; none that an example has.

    Asks for about count / 4 generators, validators and answers with tests each. Raises what sampler and sandbox raise.
    """
    generators, tests, validators = [
        await side_samples(requests, open_sampler, store) for requests in input_requests(problem, count, seed)
    ]
    made = await _generated(_programs(generators), problem, sandbox)
    claimed = _tests(tests, problem)
    known = {_plain(example.input, problem) for example in problem.examples}
    texts = list(dict.fromkeys(text for text in (*made, *claimed) if _plain(text, problem) not in known))
    validity = await _votes(texts, _programs(validators), problem, sandbox)
    log.info("model inputs: %d generated, %d in tests, %d validators", len(made), len(claimed), len(validators))
    kept = sorted((text for text in texts if validity[text] >= MIN_VALIDITY), key=lambda text: -validity[text])
    from_generators = [ModelInput(text, "model:generator", validity[text]) for text in kept if text not in claimed]
    from_tests = [ModelInput(text, "model:test", validity[text], *claimed[text]) for text in kept if text in claimed]
    mixed = [item for pair in zip_longest(from_generators, from_tests) for item in pair if item is not None]
    return mixed[:count]


def _programs(samples: Iterable[Sample]) -> list[str]:
    """The whole programs in the answers, each once."""
    found = (extract(s.text, finish_reason=s.finish_reason, wanted_language="python") for s in samples)
    return list(dict.fromkeys(e.source for e in found if e.source is not None and e.language == "python"))


async def differences(
    problem: Problem, first: str, second: str, open_sampler: OpenSampler, store: Store, seed: int = 0
) -> list[GeneratedInput]:
    """Inputs on which, says the model, two programs differ. Raises what the sampler raises."""
    content = difference_prompt(problem, first, second)
    number = int.from_bytes(blake2b(content.encode("utf-8", "surrogatepass"), digest_size=6).digest(), "big")
    request = side_request("difference", number, content, n=DIFFERENCES, seed=seed)
    answers = await side_samples([request], open_sampler, store)
    blocks = [fenced_blocks(sample.text) for sample in answers]
    texts = [text for found in blocks if found and (text := _as_input(found[0].text, problem)) is not None]
    return [GeneratedInput(text, "model:difference") for text in dict.fromkeys(texts)]


async def _generated(programs: Sequence[str], problem: Problem, sandbox: Runner) -> list[str]:
    """What the generators print for some seeds, the first of each first."""
    runs = [(seed, source) for seed in range(SEEDS) for source in programs]
    outcomes = await asyncio.gather(
        *(sandbox.run(Program("python", _SEEDED.format(seed=seed) + source), b"", _LIMITS) for seed, source in runs)
    )
    texts = [o.output.decode("utf-8", "replace") for o in outcomes if o.verdict is Verdict.OK]
    return [text for raw in texts if (text := _as_input(raw, problem)) is not None]


def _as_input(raw: str, problem: Problem) -> str | None:
    """What was printed as an input; None where it cannot be one."""
    if not raw.strip() or len(raw) > MAX_INPUT_CHARS or "\0" in raw:
        return None
    if problem.mode != "function":
        return raw.strip("\n") + "\n"
    call = parse_call(raw)
    return None if call is None else call.text()


def _tests(samples: Iterable[Sample], problem: Problem) -> dict[str, tuple[str, int]]:
    """Input → (claimed output, copies): the claim written most often."""
    answers = [sample.text for sample in samples]
    if problem.mode == "function":
        found = parse_model_tests(answers, problem.entry_point.rpartition(".")[2])
    else:
        found = parse_text_tests(answers)
    claims: dict[str, tuple[str, int]] = {}
    for given, expected, copies in found:
        claims.setdefault(given, (expected, copies))
    return claims


async def _votes(
    texts: Sequence[str], validators: Sequence[str], problem: Problem, sandbox: Runner
) -> dict[str, float]:
    """Input → smoothed share of judges that accept it. Judges are the model's validators that accept every example and
    no garbage, and the layout (or the types) that all examples have."""
    examples = [example.input for example in problem.examples]
    ballots: list[Callable[[str], bool]] = []
    if examples:
        fits = keeps_layout(examples, mode=problem.mode, statement=problem.statement)
        if fits is not None:
            ballots.append(fits)
    judges = []
    for source in validators:
        said = [await _accepts(source, text, sandbox) for text in (*examples[:6], *_GARBAGE)]
        if all(said[: -len(_GARBAGE)]) and not any(said[-len(_GARBAGE) :]):
            judges.append(source)
    validity = {}
    for text in texts:
        votes = [float(ballot(text)) for ballot in ballots]
        votes += await asyncio.gather(*(_accepts(source, text, sandbox) for source in judges))
        validity[text] = (sum(votes) + _PRIOR_VOTES / 2) / (len(votes) + _PRIOR_VOTES)
    return validity


async def _accepts(source: str, text: str, sandbox: Runner) -> bool:
    outcome = await sandbox.run(Program("python", source), text.encode("utf-8", "surrogatepass"), _LIMITS)
    return outcome.verdict is Verdict.OK and outcome.output.strip().upper() == b"VALID"


def _plain(text: str, problem: Problem) -> str:
    call = parse_call(text) if problem.mode == "function" else None
    return call.text() if call is not None else " ".join(text.split())
