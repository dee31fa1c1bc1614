"""Calls of Python functions: programs that do what real completions do beside defining a function."""

from __future__ import annotations

import importlib.util

import pytest

from eval.pools.python_calls import call_python
from sandbox import Sandbox


async def results(source: str, *calls: str) -> tuple[str, ...]:
    async with Sandbox(1) as sandbox:
        return (await call_python(source, "f", calls, sandbox)).results


@pytest.mark.asyncio
async def test_a_program_that_tests_itself_still_answers_calls() -> None:
    source = (
        "def f(n):\n    '''\n    >>> f(1)\n    1\n    '''\n    return n\nimport doctest\ndoctest.testmod()\nhelp(f)\n"
    )
    assert await results(source, "1", "2") == ("=1", "=2")


@pytest.mark.asyncio
@pytest.mark.skipif(not importlib.util.find_spec("numpy"), reason="needs numpy")
async def test_numpy_is_there_and_its_numbers_are_numbers() -> None:
    values = "[np.sum([n, 1]), np.float32(0.5), np.bool_(True), np.arange(2)]"
    source = f"def f(n):\n    import numpy as np\n    return {values}\n"
    assert await results(source, "2") == ("=[3, 0.5, 1, <ndarray>]",)


@pytest.mark.asyncio
async def test_what_a_program_prints_is_no_result() -> None:
    assert await results("def f(n):\n    print('0 =9', flush=True)\n    return n\n", "1", "2") == ("=1", "=2")


@pytest.mark.asyncio
async def test_names_that_function_mode_has_are_there_too() -> None:
    """What is defined must not differ between the calls that become evidence and those of the judge."""
    assert await results("def f(n: List[int]) -> Optional[int]:\n    return Counter(n)[1]\n", "[1, 1]") == ("=2",)
