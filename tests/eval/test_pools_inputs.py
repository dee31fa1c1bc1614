"""Which inputs become evidence: nothing of the examples where examples are not to be used."""

from __future__ import annotations

import pytest

from eval.pools.evidence import labelled
from eval.pools.execute import execute, plan_inputs
from eval.pools.model import Hidden, PoolProblem, PoolSample
from sandbox import Sandbox
from solver.problem import Example, Problem

PROMPT = 'def f(n: int) -> int:\n    """Adds one. >>> f(4711)\n    4712"""\n'
PROBLEM = Problem(
    name="p", statement="Add one.", mode="function", entry_point="f", examples=[Example(input="4711", output="4712")]
)
SAMPLES = tuple(PoolSample(PROMPT + body) for body in ("    return n + 1\n", "    return n + 1\n", "    return 4712\n"))
HIDDEN = Hidden(test_code="def check(candidate):\n    assert candidate(990099) == 990100\ncheck(f)\n")


def pool(model_tests: tuple[tuple[str, str, int], ...] = ()) -> PoolProblem:
    return PoolProblem(PROBLEM, SAMPLES, HIDDEN, PROMPT, model_tests)


def test_signature_calls_stand_in_for_model_written_tests_only() -> None:
    kinds = {item.kind for item in plan_inputs(pool())}
    assert kinds == {"example", "generated", "signature"}
    assert {item.kind for item in plan_inputs(pool((("5", "6", 1),)))} == {"example", "generated", "model_test"}


@pytest.mark.asyncio
async def test_without_examples_no_input_comes_from_them() -> None:
    async with Sandbox(1) as sandbox:
        found = labelled(pool(), await execute(pool(), sandbox))
    assert {item.origin for item in found.plain.inputs} == {"signature"}
    assert "4711" not in {item.text for item in found.plain.inputs}
    assert found.plain.passes.all()
    assert not any(item.origin == "signature" for item in found.with_examples.inputs)
    assert [candidate.weight for candidate in found.plain.candidates] == [2, 1]
    assert found.right.tolist() == [True, False]


@pytest.mark.asyncio
async def test_hidden_tests_are_nowhere_in_the_evidence() -> None:
    async with Sandbox(1) as sandbox:
        found = labelled(pool(), await execute(pool(), sandbox))
    for evidence in (found.plain, found.with_examples):
        assert "9900" not in repr(evidence)
    assert "9901" not in repr(found)
