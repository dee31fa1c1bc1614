"""Prompts: reproducible from (seed, index), varied, and with the constant part first."""

import itertools
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.errors import UserError
from solver.problem import Example, Problem
from solver.prompts import PromptPlan, build_requests, load_plans, render_prompts
from solver.samplers import Request

DOUBLE = Problem(
    name="double",
    statement="Given an integer, print its double.\n\nExample\n\nInput\n4\n\nOutput\n8",
    examples=[Example(input="4\n", output="8\n")],
)
FUNCTION = Problem(
    name="add",
    statement="Add two numbers.",
    mode="function",
    entry_point="Solution().add",
    starter_code="class Solution:\n    def add(self, a, b):\n",
    examples=[Example(input="1, 2", output="3")],
)


def requests_of(problem: Problem = DOUBLE, **changes: Any) -> list[Request]:
    options: dict[str, Any] = {
        "languages": ("python", "cpp"),
        "plans": load_plans(),
        "samples": 400,
        "samples_per_request": 4,
        "seed": 7,
        "temperature": (0.6, 1.0),
        "max_tokens": 100,
    }
    return list(build_requests(problem, **(options | changes)))


def text(request: Request) -> str:
    return "\n".join(message["content"] for message in request.messages)


def test_the_same_seed_asks_the_same_in_another_process_with_another_hash_seed() -> None:
    code = (
        "from tests.solver.test_prompts import requests_of, render_prompts;"
        "print(render_prompts(requests_of(samples=40)), end='')"
    )
    environment = os.environ | {"PYTHONHASHSEED": "4711"}
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout == render_prompts(requests_of(samples=40))


def test_another_seed_asks_something_else() -> None:
    assert requests_of(seed=8) != requests_of()


@given(start=st.integers(0, 50), count=st.integers(1, 60))
def test_a_request_depends_on_its_index_and_not_on_where_the_run_began(start: int, count: int) -> None:
    resumed = requests_of(start_index=start, samples=count * 4)
    assert resumed == requests_of(samples=(start + count) * 4)[start:]


@given(samples=st.integers(0, 200), per_request=st.integers(1, 50))
def test_the_samples_asked_for_add_up_exactly(samples: int, per_request: int) -> None:
    asked = requests_of(samples=samples, samples_per_request=per_request)
    assert sum(request.n for request in asked) == samples
    assert all(request.n == per_request for request in asked[:-1])


def test_a_run_without_a_number_of_samples_never_ends() -> None:
    endless = build_requests(
        DOUBLE, languages=("python",), plans=load_plans(), samples=None, samples_per_request=1, seed=0,
        temperature=(0.5, 0.5), max_tokens=10, start_index=10**9,
    )  # fmt: skip
    assert [r.index for r in itertools.islice(endless, 3)] == [10**9, 10**9 + 1, 10**9 + 2]


def test_all_requests_of_a_problem_share_the_statement_as_their_prefix() -> None:
    shared = f"{DOUBLE.statement}\n\nTime limit: 2 seconds. Memory limit: 256 megabytes."
    prefixes = {text(request).partition(shared)[:2] for request in requests_of()}
    assert prefixes == {("Solve this competitive programming problem.\n\n", shared)}


def test_languages_plans_temperatures_and_seeds_all_vary() -> None:
    requests = requests_of()
    languages, plans = Counter(r.language for r in requests), Counter(r.plan for r in requests)
    assert set(languages) == {"python", "cpp"}
    assert set(plans) == {"direct", "plan-first", "brute-force-first", "alternative-algorithm"}
    assert plans["direct"] == max(plans.values())
    assert len({r.temperature for r in requests}) > 50
    assert all(0.6 <= r.temperature <= 1.0 for r in requests)
    assert len({r.seed for r in requests}) == len(requests)


def test_about_half_of_the_requests_carry_tags_and_a_rating() -> None:
    conditioned = [r for r in requests_of() if "Tags: " in text(r)]
    assert 30 <= len(conditioned) <= 70
    assert all("Rating: " in text(r) for r in conditioned)


def test_without_conditioning_everything_else_is_drawn_the_same() -> None:
    plain, varied = requests_of(conditioning=False), requests_of()
    assert not any("Tags: " in text(r) or "Rating: " in text(r) for r in plain)
    drawn = [(r.language, r.plan, r.temperature, r.seed) for r in plain]
    assert drawn == [(r.language, r.plan, r.temperature, r.seed) for r in varied]


def test_the_language_asked_for_is_the_language_of_the_request() -> None:
    for request in requests_of():
        assert ("Python 3" in text(request)) == (request.language == "python")
        assert ("C++20" in text(request)) == (request.language == "cpp")


def test_an_example_shown_in_the_statement_is_not_repeated() -> None:
    assert "Example 1" not in text(requests_of()[0])


def test_an_example_that_only_the_record_has_is_added() -> None:
    problem = DOUBLE.model_copy(update={"statement": "Given one of 4 integers below 8, print its double."})
    assert "Example 1\n\nInput:\n4\n\nOutput:\n8" in text(requests_of(problem)[0])


def test_a_long_example_shown_without_a_heading_is_not_repeated() -> None:
    statement = "Sort. For instance\n5\n3 1 2 5 4\nbecomes\n1 2 3 4 5"
    example = Example(input="5\n3 1 2 5 4\n", output="1 2 3 4 5\n")
    problem = DOUBLE.model_copy(update={"statement": statement, "examples": [example]})
    assert "Example 1" not in text(requests_of(problem)[0])


def test_an_example_of_a_megabyte_does_not_get_into_the_prompt() -> None:
    problem = DOUBLE.model_copy(update={"examples": [Example(input="1 " * 500_000, output="2")]})
    assert len(text(requests_of(problem)[0])) < 2000


def test_a_function_problem_shows_its_starter_code_and_forbids_printing() -> None:
    shown = text(requests_of(FUNCTION, languages=("python",))[0])
    assert FUNCTION.starter_code.rstrip() in shown
    assert "class `Solution` with its method `add`" in shown
    assert "prints nothing" in shown
    assert "standard input" not in shown


def test_starter_code_that_is_the_statement_is_shown_once() -> None:
    problem = FUNCTION.model_copy(update={"statement": FUNCTION.starter_code + '    """Adds."""'})
    assert text(requests_of(problem, languages=("python",))[0]).count("def add") == 1


def test_a_file_problem_names_its_files_and_falls_back_to_the_standard_streams() -> None:
    problem = DOUBLE.model_copy(update={"mode": "file", "input_file": "double.in"})
    assert "reads the file `double.in` and writes standard output" in text(requests_of(problem)[0])


def test_braces_and_percent_signs_in_a_statement_reach_the_model_unchanged() -> None:
    problem = DOUBLE.model_copy(update={"statement": "Print {x} and {0!r} and %s \\n $y ```"})
    assert "Print {x} and {0!r} and %s \\n $y ```" in text(requests_of(problem)[0])


def test_plans_are_chosen_by_name_in_the_order_named_and_once_each() -> None:
    names = [plan.name for plan in load_plans(names=("plan-first", "direct", "plan-first"))]
    assert names == ["plan-first", "direct"]


def test_a_plan_of_the_users_own_file_is_asked_for(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('[[plan]]\nname = "haiku"\ninstruction = "Answer in a haiku first."\n')
    request = requests_of(plans=load_plans(mine))[0]
    assert request.plan == "haiku"
    assert "Answer in a haiku first." in text(request)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[[plan]]\nname = ", "not valid TOML"),
        (b'[[plan]]\nname = "a"\nweight = -1', "plan.0.weight"),
        (b'[[plan]]\nname = "a"\nweight = nan', "plan.0.weight"),
        (b'[[plan]]\nname = "a"\ncolour = "red"', "plan.0.colour"),
        (b'[[plan]]\nname = "a"\n[[plan]]\nname = "a"', "the same name"),
        (b"", "plan: Field required"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_broken_plans_file_is_one_clear_line(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "plans.toml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=expected) as caught:
        load_plans(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plans_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the plans file"):
        load_plans(tmp_path / "none.toml")


def test_an_unknown_plan_is_answered_with_the_plans_there_are() -> None:
    with pytest.raises(UserError, match=r"unknown prompt plan 'zen'.*direct, plan-first"):
        load_plans(names=("zen",))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"languages": ("cobol",)}, "unknown language 'cobol'; known: python, cpp"),
        ({"languages": ()}, "no language"),
        ({"plans": ()}, "no prompt plan"),
        ({"temperature": (1.0, 0.5)}, "temperature"),
        ({"temperature": (float("nan"), 1.0)}, "temperature"),
        ({"samples_per_request": 0}, "samples per request is 0"),
        ({"max_tokens": 0}, "max tokens is 0"),
        ({"problem": FUNCTION, "languages": ("python", "cpp")}, "a function problem is Python only"),
    ],
)
def test_bad_options_are_refused_before_the_first_request(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        requests_of(changes.pop("problem", DOUBLE), **changes)


def test_a_plan_with_weight_far_above_the_others_is_drawn_nearly_always() -> None:
    plans = (PromptPlan(name="heavy", weight=1e6), PromptPlan(name="light"))
    assert {r.plan for r in requests_of(plans=plans)} == {"heavy"}
