"""The bundled problems: they load, their solutions are right, and wrong answers are told apart."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import CheckerSpec
from solver.formats import load_problem
from solver.problem import Problem

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/problem.json"))


def hidden_tests(name: str) -> list[dict[str, str]]:
    return json.loads((EXAMPLES / name / "tests.json").read_text())


def run(problem: Problem, source: str, given: list[str], folder: Path) -> list[str]:
    """The outputs of a solution of ours, one process a run (one for all runs in function mode)."""
    if problem.mode == "function":
        calls = "".join(f"print(repr({problem.entry_point}({arguments})))\n" for arguments in given)
        return _python(source + "\n" + calls, "", folder).splitlines()
    outputs = []
    for text in given:
        if problem.input_file:
            (folder / problem.input_file).write_text(text)
        printed = _python(source, text, folder)
        outputs.append((folder / problem.output_file).read_text() if problem.output_file else printed)
    return outputs


def _python(source: str, given: str, folder: Path) -> str:
    (folder / "main.py").write_text(source)
    command = [sys.executable, "-I", "main.py"]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True, cwd=folder).stdout


def test_there_are_problems_of_every_kind() -> None:
    problems = [load_problem(EXAMPLES / name) for name in NAMES]
    assert len(problems) >= 7
    assert {problem.mode for problem in problems} == {"stdio", "function", "file"}
    assert any(problem.checker.kind == "python" for problem in problems)
    assert len({problem.difficulty for problem in problems}) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_problem_says_everything_the_engine_needs(name: str) -> None:
    problem = load_problem(EXAMPLES / name / "problem.json")
    assert problem.name == name
    assert len(problem.examples) >= 2
    assert problem.source == "codesieve"


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_solution_passes_examples_and_hidden_tests(name: str, tmp_path: Path) -> None:
    problem, tests = load_problem(EXAMPLES / name), hidden_tests(name)
    assert 8 <= len(tests) <= 20
    wanted = [*(example.model_dump() for example in problem.examples), *tests]
    source = (EXAMPLES / name / "solution.py").read_text()
    assert run(problem, source, [test["input"] for test in wanted], tmp_path) == [test["output"] for test in wanted]


@pytest.mark.parametrize("name", NAMES)
def test_hidden_tests_are_not_in_the_problem(name: str) -> None:
    problem = load_problem(EXAMPLES / name)
    shown = {example.input for example in problem.examples}
    assert not shown & {test["input"] for test in hidden_tests(name)}


def checker(spec: CheckerSpec):
    names: dict = {}
    exec(spec.source, names)
    return names["check"]


def test_the_special_judge_takes_every_right_answer_and_no_wrong_one() -> None:
    check = checker(load_problem(EXAMPLES / "twin-parcels").checker)
    given = "5 10\n5 3 8 5 2\n"
    right = {"1 4", "4 1", "3 5", "5 3", "4\n1\n"}
    wrong = {"1 1", "2 3", "-1", "", "1", "1 4 1", "0 1", "6 1", "a b", "1.0 4", "9" * 5000 + " 1", "-1 4", "١ ٤"}
    assert all(check(given, "1 4\n", answer) for answer in right)
    assert not any(check(given, "1 4\n", answer) for answer in wrong)


def test_the_special_judge_takes_only_minus_one_when_there_is_no_pair() -> None:
    check = checker(load_problem(EXAMPLES / "twin-parcels").checker)
    assert check("3 8\n1 2 4\n", "-1\n", " -1 ")
    assert not check("3 8\n1 2 4\n", "-1\n", "1 2")


def test_the_special_judge_agrees_with_its_own_tests() -> None:
    check = checker(load_problem(EXAMPLES / "twin-parcels").checker)
    assert all(check(test["input"], test["output"], test["output"]) for test in hidden_tests("twin-parcels"))
