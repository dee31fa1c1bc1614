"""Inputs on which surviving programs can be told apart, made from the examples alone.

AlphaCode (arXiv 2203.07814, section 4.6) asks a model for them; here the examples are mutated within
their inferred structure: `structure` finds the layout, `fields` the types and relations, `mutate`
writes new inputs. Where no layout is found only single tokens change. Calls (function mode) are
parsed as Python literals in `literals`.

Not covered: properties that no example shows and no plain range states (a sum over all test cases, a
guaranteed answer). Such inputs may break the rules of the problem; programs then disagree for no
good reason, so a cluster is evidence and not proof.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Literal

from clustering.calls import mutate_calls
from clustering.constraints import read_constraints
from clustering.fields import infer_shapes
from clustering.literals import Call, parse_call
from clustering.mutate import STYLES, write_input
from clustering.signature import signature_calls
from clustering.structure import has_layout, infer_layout
from clustering.tokens import as_int, split_lines

MAX_EXAMPLES = 12
MAX_EXAMPLE_CHARS = 16_384
"""Longer examples are not learnt from: structure shows in small ones, and a cut one has none."""
MAX_INPUT_CHARS = 65_536
USUAL_INPUT_CHARS = 4_096
MAX_LONG_INPUTS = 3
"""Inputs beyond the usual size, which cost every survivor the most time."""
ATTEMPTS = 8
"""Tries per wanted input before giving up on finding another new one."""

_TOKEN = re.compile(r"(?<![\w.])-?\d{1,18}(?![\w.])|[A-Za-z]+")
_TEST_CASES = re.compile(r"test ?-?cases?|number of (?:tests|data ?sets|queries)|multi-?test")


@dataclass(frozen=True, slots=True)
class GeneratedInput:
    """An input (stdin, file or the argument text of a call) and where it came from: `structure:<style>`,
    `tokens` or `call:<style>`."""

    text: str
    origin: str


def generate_inputs(
    examples: Sequence[str],
    *,
    mode: Literal["stdio", "file", "function"],
    statement: str = "",
    count: int = 20,
    seed: int = 0,
    starter_code: str = "",
    entry_point: str = "",
) -> list[GeneratedInput]:
    """At most `count` inputs, different from each other and from the examples (white space aside).

    The same arguments give the same inputs. Fewer come back when the problem admits fewer, none when
    there is no example of at most 16 KiB to learn from; calls can do without, where `starter_code`
    declares `entry_point`. Most are below 4 KiB, none above 64 KiB.
    """
    usable = [
        example
        for example in examples[:MAX_EXAMPLES]
        if len(example) <= MAX_EXAMPLE_CHARS and example.strip() and "\0" not in example
    ]
    if mode == "function" and entry_point and not any(parse_call(example) for example in usable):
        calls = signature_calls(starter_code or statement, entry_point.rpartition(".")[2], max(count, 0), seed)
        return [GeneratedInput(text, "signature") for text in calls]
    if not usable or count <= 0:
        return []
    seen = {_canonical(example, mode) for example in usable}
    rng = Random(seed)
    source = mutate_calls(usable, statement, rng) if mode == "function" else _mutate_texts(usable, statement, rng)
    found: list[GeneratedInput] = []
    long = 0
    for text, origin in islice(source, count * ATTEMPTS):
        key = _canonical(text, mode)
        if key in seen or len(text) > MAX_INPUT_CHARS:
            continue
        if len(text) > USUAL_INPUT_CHARS:
            long += 1
            if long > MAX_LONG_INPUTS:
                continue
        seen.add(key)
        found.append(GeneratedInput(text, origin))
        if len(found) == count:
            break
    return found


def keeps_layout(
    examples: Sequence[str], *, mode: Literal["stdio", "file", "function"], statement: str = ""
) -> Callable[[str], bool] | None:
    """A check whether an input has the layout (a call: the argument types) that all examples share; None where they
    share none. Values are not looked at."""
    if mode == "function":
        kinds = {_kinds(call) for example in examples if (call := parse_call(example)) is not None}
        return (lambda text: (call := parse_call(text)) is not None and _kinds(call) in kinds) if kinds else None
    hint = bool(_TEST_CASES.search(read_constraints(statement).text)) if statement else None
    lines = [split_lines(example) for example in examples if len(example) <= MAX_EXAMPLE_CHARS]
    parsed = infer_layout(lines, test_cases_hint=hint)
    return None if parsed is None else lambda text: has_layout(parsed.layout, split_lines(text))


def _kinds(call: Call) -> tuple[tuple[int | str, str], ...]:
    """Names and types; integers may stand for floats."""
    return tuple(
        (name, "number" if type(v) in (int, float) else type(v).__name__) for name, v in call.arguments.items()
    )


def _canonical(text: str, mode: str) -> str:
    """Equal for inputs that differ in white space only."""
    call = parse_call(text) if mode == "function" else None
    return call.text() if call is not None else "\n".join(line.strip() for line in text.strip().splitlines())


def _mutate_texts(examples: list[str], statement: str, rng: Random) -> Iterator[tuple[str, str]]:
    constraints = read_constraints(statement)
    hint = bool(_TEST_CASES.search(constraints.text)) if statement else None
    parsed = infer_layout([split_lines(example) for example in examples], test_cases_hint=hint)
    if parsed is not None:
        shapes = infer_shapes(parsed, constraints)
        for turn in range(len(STYLES) * 40):
            style = STYLES[turn % len(STYLES)]
            text = write_input(parsed, shapes, style, turn, rng)
            if text is not None:
                yield text, f"structure:{style.name}"
        return
    while True:
        yield _mutate_tokens(rng.choice(examples), rng), "tokens"


def _mutate_tokens(example: str, rng: Random) -> str:
    """The example with one to three tokens replaced by others of the same kind (and length, for words)."""
    tokens = list(_TOKEN.finditer(example))
    if not tokens:
        return example
    numbers = [value for token in tokens if (value := as_int(token.group(0))) is not None]
    letters = sorted({c for token in tokens if not token.group(0)[-1].isdigit() for c in token.group(0)})
    text = example
    chosen = rng.sample(tokens, min(len(tokens), rng.randint(1, 3)))
    for token in sorted(chosen, key=lambda match: -match.start()):
        if as_int(token.group(0)) is not None:
            value = int(token.group(0))
            near = value + 1 if value <= 0 else value + rng.choice((-1, 1))
            new = str(rng.choice((near, rng.choice(numbers), rng.randint(min(numbers), max(numbers)))))
        else:
            new = "".join(rng.choice(letters) if c.isalpha() else c for c in token.group(0))
        text = text[: token.start()] + new + text[token.end() :]
    return text
