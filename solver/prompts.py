"""Prompts: a problem and a seed give an endless, reproducible stream of varied requests.

Each request draws a language, a prompt plan, a temperature and, half the time, random tags and a random
rating (AlphaCode, arXiv 2203.07814, section 4.3: sampling conditioned on random metadata). What is drawn
depends on (seed, request index) alone, so a resumed run asks exactly what the first one would have asked.

The statement comes first and whatever varies comes last: all requests of a problem share one long token
prefix, which a serving engine then computes once.
"""

from __future__ import annotations

import itertools
import math
import random
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from solver.errors import UserError
from solver.problem import Example, Problem
from solver.samplers.base import Request

BUILT_IN_PLANS = Path(__file__).with_name("plans.toml")

# language -> (what the prompt calls it, the tag of its fenced code block)
LANGUAGE_NAMES = {"python": ("Python 3", "python"), "cpp": ("C++20", "cpp")}

# Topics of competitive programming, from which tags are drawn.
TAGS = (
    "2-sat", "ad hoc", "binary search", "bitmasks", "breadth-first search", "brute force",
    "case analysis", "combinatorics", "computational geometry", "constructive algorithms",
    "convex hull trick", "data structures", "depth-first search", "digit dp", "disjoint set union",
    "divide and conquer", "dp", "dp on trees", "euler tour", "expected value",
    "fast fourier transform", "fenwick tree", "flows", "game theory", "gaussian elimination",
    "graph matching", "graphs", "greedy", "hashing", "heavy-light decomposition", "implementation",
    "inclusion-exclusion", "interval scheduling", "knapsack", "lowest common ancestor", "math",
    "matrix exponentiation", "meet in the middle", "minimum spanning tree", "modular arithmetic",
    "monotonic stack", "number theory", "parsing", "prefix sums", "priority queue", "probability",
    "recursion", "segment tree", "shortest paths", "sieve of primes", "simulation",
    "sliding window", "sortings", "sparse table", "sqrt decomposition", "string suffix structures",
    "strings", "strongly connected components", "ternary search", "topological sort", "trees",
    "tries", "two pointers", "xor basis",
)  # fmt: skip

RATINGS = range(800, 3501, 100)

_CONDITIONED_SHARE = 0.5  # small models lose accuracy to metadata noise, so half the requests carry none
_MAX_TAGS = 3
_MAX_ADDED_EXAMPLES = 3
_MAX_EXAMPLE_CHARS = 1000
_EXAMPLE_HEADING = re.compile(r"(?im)^\W*(?:examples?|samples?|sample (?:in|out)put)\b")


class PromptPlan(BaseModel):
    """One way to ask. See plans.toml for what the fields mean."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(min_length=1)]
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    instruction: str = ""
    code_only: bool = False


class _PlanFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    plan: Annotated[list[PromptPlan], Field(min_length=1)]


def load_plans(path: Path | None = None, names: Sequence[str] = ()) -> tuple[PromptPlan, ...]:
    """The plans of a TOML file (default: the built-in ones): those named, in that order, or all of them.

    Raises UserError for an unreadable or malformed file and for a name that is not in it.
    """
    source = path or BUILT_IN_PLANS
    try:
        plans = _PlanFile.model_validate(tomllib.loads(source.read_text("utf-8"))).plan
    except OSError as error:
        raise UserError(f"{source}: cannot read the plans file ({error.strerror}); check --plans") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{source}: the plans file is not UTF-8; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{source}: not valid TOML ({error}); mend the file") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{source}: {where}: {first['msg']}; a plan has name, weight, instruction and code_only"
        ) from error
    by_name = {plan.name: plan for plan in plans}
    if len(by_name) < len(plans):
        raise UserError(f"{source}: two plans have the same name; rename one")
    for name in names:
        if name not in by_name:
            raise UserError(f"unknown prompt plan {name!r}; {source.name} has: {', '.join(by_name)}")
    return tuple(by_name[name] for name in dict.fromkeys(names or by_name))


def build_requests(
    problem: Problem,
    *,
    languages: Sequence[str],
    plans: Sequence[PromptPlan],
    samples: int | None,
    samples_per_request: int,
    seed: int,
    temperature: tuple[float, float],
    max_tokens: int,
    start_index: int = 0,
    conditioning: bool = True,
) -> Iterator[Request]:
    """Requests number `start_index`, `start_index` + 1, … of a run, lazily.

    samples: how many samples to ask for in all; the last request gets the remainder, so that the total is
    exact. None: no end.
    temperature: (low, high), drawn evenly for each request.
    max_tokens: most tokens of one answer.
    conditioning: whether half of the requests carry random tags and a random rating.

    Raises UserError, before the first request, for an unknown language, a language that the problem's mode
    does not have, or a number out of range.
    """
    _check_languages(problem, languages)
    if not plans:
        raise UserError("no prompt plan was chosen; name at least one, e.g. --plan direct")
    low, high = temperature
    if not 0 <= low <= high <= 2:
        raise UserError(f"temperature {low}..{high} is out of range; give low <= high between 0 and 2")
    for name, value in (("samples per request", samples_per_request), ("max tokens", max_tokens)):
        if value < 1:
            raise UserError(f"{name} is {value}; it must be at least 1")
    weights = [plan.weight for plan in plans]
    head = _head(problem)

    def draw(index: int, n: int) -> Request:
        # Every value is drawn whether or not it is used: no conditioning changes no language, plan or seed.
        rng = random.Random(f"codesieve/request/{seed}/{index}")
        language = rng.choice(list(languages))
        plan = rng.choices(list(plans), weights)[0]
        heat = round(rng.uniform(low, high), 3)
        request_seed = rng.getrandbits(48)
        conditioned = rng.random() < _CONDITIONED_SHARE
        drawn_tags = rng.sample(TAGS, rng.randint(1, _MAX_TAGS))
        rating = rng.choice(RATINGS)
        hints = f"Tags: {', '.join(drawn_tags)}. Rating: {rating}." if conditioning and conditioned else ""
        content = f"{head}\n\n{_tail(problem, language, plan, hints)}"
        return Request(
            index=index,
            messages=({"role": "user", "content": content},),
            plan=plan.name,
            language=language,
            temperature=heat,
            seed=request_seed,
            n=n,
            max_tokens=max_tokens,
        )

    def requests() -> Iterator[Request]:
        left = math.inf if samples is None else samples
        for index in itertools.count(start_index):
            if left <= 0:
                return
            n = int(min(samples_per_request, left))
            left -= n
            yield draw(index, n)

    return requests()


def render_prompts(requests: Iterable[Request]) -> str:
    """The requests as text for a person to read."""
    return "\n".join(
        f"--- request {r.index} · plan {r.plan} · {r.language} · temperature {r.temperature} · n {r.n}"
        f" · at most {r.max_tokens} tokens · seed {r.seed}\n"
        + "\n".join(message["content"] for message in r.messages)
        + "\n"
        for r in requests
    )


def _check_languages(problem: Problem, languages: Sequence[str]) -> None:
    if not languages:
        raise UserError("no language was chosen; name at least one, e.g. --languages python")
    for language in languages:
        if language not in LANGUAGE_NAMES:
            raise UserError(f"unknown language {language!r}; known: {', '.join(LANGUAGE_NAMES)}")
        if problem.mode == "function" and language != "python":
            raise UserError(f"{problem.name}: a function problem is Python only; take {language!r} off --languages")


def _head(problem: Problem) -> str:
    """What all requests of a problem have in common."""
    parts = ["Solve this competitive programming problem.", problem.statement.strip()]
    missing = [example for example in problem.examples if not _in_statement(problem, example)]
    short = [e for e in missing if len(e.input) + len(e.output) <= _MAX_EXAMPLE_CHARS]
    for number, example in enumerate(short[:_MAX_ADDED_EXAMPLES], 1):
        parts.append(f"Example {number}\n\nInput:\n{example.input.strip()}\n\nOutput:\n{example.output.strip()}")
    if problem.mode == "function":
        if problem.starter_code.strip() and problem.starter_code.strip() not in problem.statement:
            parts.append(f"Complete this code:\n\n```python\n{problem.starter_code.rstrip()}\n```")
    else:
        seconds, mib = problem.time_limit_seconds, problem.memory_limit_bytes // 2**20
        parts.append(f"Time limit: {seconds:g} second{'' if seconds == 1 else 's'}. Memory limit: {mib} megabytes.")
    return "\n\n".join(parts)


def _tail(problem: Problem, language: str, plan: PromptPlan, hints: str) -> str:
    """What differs from request to request."""
    name, fence = LANGUAGE_NAMES[language]
    parts = [hints, plan.instruction.strip(), f"{_task(problem, name)} {_answer(plan, name, fence)}"]
    return "\n\n".join(part for part in parts if part)


def _task(problem: Problem, name: str) -> str:
    if problem.mode == "function":
        owner, _, method = problem.entry_point.rpartition("().")
        what = f"class `{owner}` with its method `{method}`" if owner else f"function `{problem.entry_point}`"
        return f"Write the {what} in {name}, complete with its imports; it returns the result and prints nothing."
    source = f"the file `{problem.input_file}`" if problem.input_file else "standard input"
    target = f"the file `{problem.output_file}`" if problem.output_file else "standard output"
    return f"Write a complete {name} program that reads {source} and writes {target}."


def _answer(plan: PromptPlan, name: str, fence: str) -> str:
    if plan.code_only:
        return f"Answer with one {name.removesuffix(' 3')} code block and nothing else."
    return f"End your answer with the program in one ```{fence} code block; write no other code block."


def _in_statement(problem: Problem, example: Example) -> bool:
    """Whether the statement already shows the example, whitespace aside.

    After an example heading its input is enough: a statement may show another right output than the record.
    Without one, input and output must both be there, and long enough to be no accident.
    """
    if problem.mode == "function":
        return "".join(example.input.split()) in "".join(problem.statement.split())
    given, expected = " ".join(example.input.split()), " ".join(example.output.split())
    if heading := _EXAMPLE_HEADING.search(problem.statement):
        return given in " ".join(problem.statement[heading.end() :].split())
    shown = " ".join(problem.statement.split())
    return given.count(" ") >= 3 and given in shown and expected in shown[shown.index(given) :]
