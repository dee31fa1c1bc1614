"""What the model writes besides programs becomes inputs: run in the sandbox, voted on, never believed."""

import asyncio
from pathlib import Path

import pytest

from clustering.model_tests import parse_model_tests, parse_text_tests
from sandbox import Sandbox
from solver import testgen_prompts as ask
from solver.problem import Example, Problem
from solver.samplers import Sample
from solver.side import side_request, side_samples
from solver.store import Store
from solver.testgen import model_inputs

SORTED = Problem(
    name="sorted",
    statement="Read n and then n integers in ascending order (1 <= n <= 5). Print their sum.",
    examples=[Example(input="3\n1 2 3\n", output="6\n"), Example(input="1\n7\n", output="7\n")],
)
GENERATOR = """import random
n = random.randint(1, 5)
print(n)
print(*sorted(random.randint(0, 50) for _ in range(n)))
"""
UNSORTED = "import random\nprint(5)\nprint(*[random.randint(1, 9) - i * 10 for i in range(5)])\n"
WRONG_SHAPE = "import random\nprint('hello', random.random())\n"
STRICT = """import sys
lines = sys.stdin.read().split("\\n")
try:
    n = int(lines[0])
    a = [int(x) for x in lines[1].split()]
    print("VALID" if len(a) == n and a == sorted(a) and 1 <= n <= 5 else "INVALID")
except (ValueError, IndexError):
    print("INVALID")
"""
CREDULOUS = "input()\nprint('VALID')\n"
PEDANTIC = "import sys\nprint('VALID' if sys.stdin.read().startswith('99') else 'INVALID')\n"
TESTS = """Here are tests.

Input:
```
2
4 5
```
Output:
```
9
```

**Input**
```text
3
3 2 1
```
**Expected output**
```text
6
```
"""


class Scripted:
    """A sampler that answers from a table, by plan, and counts what it is asked."""

    model, replays = "scripted", False

    def __init__(self, **answers):
        self.answers, self.asked = answers, 0

    async def stream(self, requests):
        for request in requests:
            self.asked += request.n
            texts = self.answers.get(request.plan.removeprefix("side:"), [])
            for choice in range(request.n):
                number = request.index + choice
                if number < len(texts):
                    yield Sample(
                        request.index, choice, texts[number], "scripted", request.plan, "python",
                        request.temperature, request.seed, 1, 1, None, "stop",
                    )  # fmt: skip

    async def open(self):
        return self


def fenced(source):
    return f"```python\n{source}```"


def written(tmp_path: Path, problem=SORTED, count=12, **answers):
    async def go():
        async with Sandbox(1) as sandbox:
            with Store(tmp_path / "run.sqlite") as store:
                return await model_inputs(problem, Scripted(**answers).open, sandbox, store, count, 0)

    return asyncio.run(go())


def test_inputs_that_validators_and_layout_accept_are_kept(tmp_path):
    found = written(tmp_path, generator=[fenced(GENERATOR)], validator=[fenced(STRICT)])
    assert 2 <= len(found) <= 4
    for item in found:
        n, values = item.text.strip().split("\n")
        assert int(n) == len(values.split())
        assert (item.origin, item.expected) == ("model:generator", None)
        assert item.validity > 0.8


def test_an_input_in_another_shape_is_left_out(tmp_path):
    assert written(tmp_path, generator=[fenced(WRONG_SHAPE)]) == []


def test_validators_vote_down_what_the_layout_lets_through(tmp_path):
    assert written(tmp_path, generator=[fenced(UNSORTED)]) != []
    (tmp_path / "run.sqlite").unlink()
    assert written(tmp_path, generator=[fenced(UNSORTED)], validator=[fenced(STRICT), fenced(STRICT + "#")]) == []


@pytest.mark.parametrize("useless", [CREDULOUS, PEDANTIC], ids=["accepts garbage", "rejects an example"])
def test_a_useless_validator_has_no_vote(tmp_path, useless):
    with_it = written(tmp_path, generator=[fenced(GENERATOR)], validator=[fenced(useless)])
    (tmp_path / "run.sqlite").unlink()
    assert with_it == written(tmp_path, generator=[fenced(GENERATOR)])


def test_tests_are_inputs_with_a_claim(tmp_path):
    found = written(tmp_path, test=[TESTS])
    assert [(item.text, item.expected, item.origin) for item in found] == [
        ("2\n4 5\n", "9\n", "model:test"),
        ("3\n3 2 1\n", "6\n", "model:test"),
    ]


def test_an_input_that_an_example_shows_is_not_kept(tmp_path):
    assert written(tmp_path, generator=[fenced("print(3)\nprint('1 2  3')\n")]) == []


def test_a_generator_is_seeded_so_it_prints_the_same_in_every_run(tmp_path):
    first = written(tmp_path, generator=[fenced(GENERATOR)])
    (tmp_path / "run.sqlite").unlink()
    assert written(tmp_path, generator=[fenced(GENERATOR)]) == first


def test_calls_come_from_generators_and_asserts(tmp_path):
    problem = Problem(
        name="f",
        statement="Add.",
        mode="function",
        entry_point="add",
        starter_code="def add(a, b):\n",
        examples=[Example(input="1, 2", output="3")],
    )
    found = written(
        tmp_path,
        problem,
        generator=[fenced("import random\nprint(f'{random.randint(3, 9)}, 4')\n"), fenced("print('[1], 2')\n")],
        test=[fenced("assert add(5, 5) == 10\nassert add(x, 1) == 2\nassert add(2, 2) == 4\n")],
    )
    assert all(item.text.endswith(", 4") for item in found if item.origin == "model:generator")
    assert {(item.text, item.expected) for item in found if item.origin == "model:test"} == {
        ("5, 5", "10"),
        ("2, 2", "4"),
    }


def test_nothing_is_asked_twice(tmp_path):
    requests = [side_request("judge", i, "?", n=2) for i in range(3)]
    with Store(tmp_path / "run.sqlite") as store:
        first, second = Scripted(judge=["a"] * 9), Scripted(judge=["b"] * 9)
        before = asyncio.run(side_samples(requests, first.open, store))
        after = asyncio.run(side_samples(requests, second.open, store))
    assert (len(before), first.asked, second.asked) == (6, 6, 0)
    assert after == before


def test_what_is_no_pair_of_blocks_is_no_test():
    assert parse_text_tests(["Input: 3\nOutput: 4", "```\n1\n```", "Input:\n```\n\n```\nOutput:\n```\n1\n```"]) == ()


def test_copies_of_a_test_are_counted():
    assert parse_text_tests([TESTS, TESTS])[0] == ("2\n4 5\n", "9\n", 2)
    assert parse_model_tests(["f(1) == 2\nassert f(1) == 2", "not f(3)"], "f") == (("1", "2", 2), ("3", "False", 1))


def test_a_generator_is_asked_for_what_an_example_looks_like():
    assert "```\n3\n1 2 3\n```" in ask.generator_prompt(SORTED, 0)
    assert ask.generator_prompt(SORTED, 0) != ask.generator_prompt(SORTED, 1)
    without = SORTED.model_copy(update={"examples": []})
    assert "```" not in ask.generator_prompt(without, 0)


def test_no_question_shows_what_an_example_expects():
    secret = SORTED.model_copy(update={"examples": [Example(input="1\n7\n", output="EXPECTED")]})
    for question in (ask.generator_prompt(secret, 0), ask.validator_prompt(secret), ask.test_prompt(secret)):
        assert "EXPECTED" not in question
