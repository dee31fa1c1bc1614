"""Runs all programs of one pool problem: on examples, on generated and model-written inputs, on the hidden tests.

What only the judge may know goes into `Executed.right` and nowhere else. Programs are executed once each, however many
samples gave them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from clustering import generate_inputs
from clustering.evidence import TEST_INPUT
from clustering.literals import parse_call, parse_literal
from clustering.signature import signature_calls
from eval.judge import judge
from eval.pools.canonical import canonical
from eval.pools.cpp_batch import call_and_test
from eval.pools.model import Hidden, PoolProblem, PoolSample
from eval.pools.python_calls import call_python
from sandbox import Limits, Program, Sandbox, Verdict, make_checker
from solver.normalise import program_key

GENERATED_INPUTS = 30
FULL_OUTPUT_CHARS = 200
_CHECK_LIMITS = Limits(cpu_seconds=4.0, memory_bytes=2**30)
_STDIO_SECONDS = 2.0
_LATE_RUNS = 3  # after so many a program counts as too slow for what is left: some are for most inputs
_UNFIT = frozenset({"CE"})


@dataclass(slots=True)
class Unique:
    """One program, with all the samples that gave it."""

    key: str
    source: str
    language: str
    order: int
    samples: list[PoolSample] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PlannedInput:
    """One input. expected: canonical text that an example or a model-written test claims; None for generated ones.

    kind: `example`, `generated`, `signature` or `model_test`. copies: how often the model wrote it.
    """

    text: str
    kind: str
    origin: str
    expected: str | None = None
    copies: int = 1


@dataclass(slots=True)
class Executed:
    """tokens: per program and input, `=text` of the (normalised) output or the name of a verdict."""

    programs: list[Unique]
    inputs: list[PlannedInput]
    tokens: list[list[str]]
    right: list[bool]
    hidden: list[str]
    example_passed: list[list[bool]]
    cpu_seconds: list[float]
    runs: int = 0
    seconds: float = 0.0


def unique_programs(samples: Sequence[PoolSample]) -> list[Unique]:
    """One entry a normalised program, in the order of first samples."""
    found: dict[str, Unique] = {}
    for order, sample in enumerate(samples):
        if sample.source is None:
            continue
        key = program_key(sample.source, sample.language)
        found.setdefault(key, Unique(key, sample.source, sample.language, order)).samples.append(sample)
    return list(found.values())


def plan_inputs(pool: PoolProblem, seed: int = 0) -> list[PlannedInput]:
    """Examples in statement order, then inputs generated from them, then inputs that need no examples: those that the
    model wrote tests for or, where there are none, calls that the signature allows."""
    problem = pool.problem
    function = problem.mode == "function"
    digits = 6 if pool.samples and pool.samples[0].language == "cpp" else 10
    examples = [
        PlannedInput(example.input, "example", f"example {number}", _canonical(example.output, digits))
        if function
        else PlannedInput(example.input, "example", f"example {number}", example.output)
        for number, example in enumerate(problem.examples, 1)
    ]
    tests = [
        PlannedInput(given, "model_test", TEST_INPUT, _canonical(expected, digits), copies)
        for given, expected, copies in pool.model_tests
    ]
    seeds = [item.text for item in examples] or [test.text for test in tests[:12]]
    generated = [
        PlannedInput(item.text, "generated", item.origin)
        for item in generate_inputs(
            seeds, mode=problem.mode, statement=problem.statement, count=GENERATED_INPUTS, seed=seed
        )
        if not function or parse_call(item.text) is not None
    ]
    wanted = GENERATED_INPUTS if function and not tests else 0
    calls = signature_calls(pool.prompt, problem.entry_point, wanted, seed)
    signature = [PlannedInput(text, "signature", "signature") for text in calls]
    return [*examples, *generated, *signature, *tests]


async def execute(pool: PoolProblem, sandbox: Sandbox, seed: int = 0) -> Executed:
    """Everything about one problem. Raises what `Sandbox.run` raises."""
    began = time.monotonic()
    programs, inputs = unique_programs(pool.samples), plan_inputs(pool, seed)
    done = Executed(programs, inputs, [], [], [], [], [])
    if pool.hidden.suffix is not None and pool.problem.mode == "function":
        rows = await _compiled(pool, programs, inputs, sandbox, done)
    else:
        one = _function if pool.problem.mode == "function" else _stdio
        rows = await asyncio.gather(*(one(pool, program, inputs, sandbox, done) for program in programs))
    for tokens, passed, verdict, cpu_seconds in rows:
        done.tokens.append(tokens)
        done.example_passed.append(passed)
        done.hidden.append(verdict)
        done.right.append(verdict == "AC")
        done.cpu_seconds.append(cpu_seconds)
    done.seconds = time.monotonic() - began
    return done


Row = tuple[list[str], list[bool], str, float]


async def _function(
    pool: PoolProblem, program: Unique, inputs: list[PlannedInput], sandbox: Sandbox, done: Executed
) -> Row:
    texts = [item.text for item in inputs]
    calls = await call_python(program.source, pool.problem.entry_point, texts, sandbox)
    compiled = not calls.results or set(calls.results) != _UNFIT
    verdict = await _hidden(pool, program, sandbox) if compiled else "CE"
    done.runs += 1 + compiled
    return list(calls.results), _passed(calls.results, inputs), verdict, calls.cpu_seconds


async def _compiled(
    pool: PoolProblem, programs: list[Unique], inputs: list[PlannedInput], sandbox: Sandbox, done: Executed
) -> list[Row]:
    """All completions of a C++ prompt at once."""
    sources, texts = [program.source for program in programs], [item.text for item in inputs]
    judged = await call_and_test(sources, pool.prompt, texts, pool.hidden.suffix or "", sandbox)
    done.runs += 2 * len(programs)
    return [
        (list(calls.results), _passed(calls.results, inputs), verdict, calls.cpu_seconds) for calls, verdict in judged
    ]


def _passed(results: Sequence[str], inputs: Sequence[PlannedInput]) -> list[bool]:
    """Which examples the program passes. One that could not be run tells nothing, and is left out."""
    examples = [(token, item) for token, item in zip(results, inputs, strict=True) if item.kind == "example"]
    return [token == f"={item.expected}" for token, item in examples if token != str(Verdict.IE)]


async def _hidden(pool: PoolProblem, program: Unique, sandbox: Sandbox) -> str:
    hidden: Hidden = pool.hidden
    if hidden.task is not None:
        judged = await judge(hidden.task, hidden.task.problem.program(program.language, program.source), sandbox)
        return str(judged.verdict)
    called = Program(program.language, program.source, mode="function", entry_point=pool.problem.entry_point)
    outcome = await sandbox.check(called, hidden.test_code, _CHECK_LIMITS, prelude=hidden.prelude)
    return str(outcome.verdict)


async def _stdio(
    pool: PoolProblem, program: Unique, inputs: list[PlannedInput], sandbox: Sandbox, done: Executed
) -> Row:
    problem = pool.problem
    checker = make_checker(problem.checker, sandbox)
    runnable = problem.program(program.language, program.source)
    limits = Limits(
        cpu_seconds=min(problem.time_limit_seconds, _STDIO_SECONDS), memory_bytes=problem.memory_limit_bytes
    )
    tokens: list[str] = []
    passed: list[bool] = []
    most = 0.0
    for item in inputs:
        if tokens[:1] == ["CE"] or tokens.count("TLE") >= _LATE_RUNS:
            tokens.append("CE" if tokens[0] == "CE" else "TLE")
            passed += [False] * (item.kind == "example")
            continue
        given = item.text.encode("utf-8", "surrogatepass")
        outcome = await sandbox.run(runnable, given, limits, optimise="fast")
        done.runs += 1
        most = max(most, outcome.cpu_seconds)
        ok = outcome.verdict is Verdict.OK
        text = checker.normalise(outcome.output).decode("utf-8", "surrogateescape")
        tokens.append(f"={text}" if ok else str(outcome.verdict))
        if item.kind == "example":
            expected = (item.expected or "").encode("utf-8", "surrogatepass")
            passed.append(ok and await checker.accepts(given, expected, outcome.output))
    return tokens, passed, await _judged(pool, program, tokens, passed, sandbox), most


async def _judged(pool: PoolProblem, program: Unique, tokens: list[str], passed: list[bool], sandbox: Sandbox) -> str:
    """The judge walks the examples first: what failed one under the problem's own limit need not be run again."""
    if tokens[:1] == ["CE"]:
        return "CE"
    failed = [token for token, good in zip(tokens, passed, strict=False) if not good]
    if failed and (pool.problem.time_limit_seconds <= _STDIO_SECONDS or "TLE" not in failed):
        return "WA" if failed[0].startswith("=") else failed[0]
    return await _hidden(pool, program, sandbox)


def _canonical(literal: str, digits: int) -> str:
    value = parse_literal(literal)
    return literal.strip() if value is None else canonical(value[0], digits)
