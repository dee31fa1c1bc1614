"""`solve judge`, from files on disk to lines and exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from eval.judge_command import judge
from solver.errors import UserError

from .packages import DOUBLE, package, write

WRONG_ON_NEGATIVE = "n = int(input())\nprint(2 * abs(n))\n"
SPIN = "input()\nwhile True:\n    pass\n"


class Said(NamedTuple):
    code: int
    out: str
    error: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def verdicts(self) -> dict[str, str]:
        return {record["submission"]: record["verdict"] for record in self.records[:-1]}


def solve(*arguments: str | Path) -> Said:
    result = CliRunner().invoke(judge, ["--workers", "1", *map(str, arguments)])
    if isinstance(result.exception, UserError):
        return Said(2, result.stdout, str(result.exception))
    assert isinstance(result.exception, SystemExit | None), result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def test_a_package_is_judged_against_its_directories(tmp_path: Path) -> None:
    root = package(
        tmp_path,
        {
            "problem.yaml": "limits: {time_limit: 0.5}",
            "submissions/wrong_answer/abs.py": WRONG_ON_NEGATIVE,
            "submissions/time_limit_exceeded/spin.py": SPIN,
            "submissions/run_time_error/crash.py": "1 / 0\n",
            "submissions/rejected/any.py": "print('x')\n",
        },
    )
    said = solve(root, "--json")
    assert said.code == 0
    assert said.verdicts == {
        "accepted/double.py": "AC",
        "rejected/any.py": "WA",
        "run_time_error/crash.py": "RTE",
        "time_limit_exceeded/spin.py": "TLE",
        "wrong_answer/abs.py": "WA",
    }
    assert said.records[-1] | {"memory_limit": 0} == {
        "problem": tmp_path.name,
        "submissions": 5,
        "agree": 5,
        "disagree": 0,
        "skipped": 0,
        "verdicts": {"AC": 1, "RTE": 1, "TLE": 1, "WA": 2},
        "time_limit": 0.5,
        "memory_limit": 0,
    }


def test_a_record_has_exactly_the_promised_fields_and_the_failing_test(tmp_path: Path) -> None:
    root = package(tmp_path, {"submissions/wrong_answer/abs.py": WRONG_ON_NEGATIVE})
    record = solve(root, "--json", "--submissions", "wrong_answer/*").records[0]
    assert list(record) == [
        "submission", "language", "expected", "verdict", "test", "cpu", "wall", "memory", "agrees"
    ]  # fmt: skip
    assert record["test"] == "secret/b"
    assert record["expected"] == "wrong_answer"
    assert record["agrees"] is True
    assert 0 < record["cpu"] < 2
    assert record["wall"] > 0


def test_a_broken_promise_is_exit_code_1_and_said_so(tmp_path: Path) -> None:
    root = package(tmp_path, {"submissions/accepted/abs.py": WRONG_ON_NEGATIVE})
    said = solve(root)
    assert said.code == 1
    assert "accepted/abs.py" in said.out
    assert "NOT as promised" in said.out
    assert "token 1: '6' instead of '-6'" in said.out
    assert "1 as promised, 1 not" in said.out


def test_the_limit_is_derived_from_the_accepted_ones_even_when_others_are_asked_for(tmp_path: Path) -> None:
    burn = "import time\nn = int(input())\nwhile time.process_time() < 0.3:\n    pass\nprint(2 * n)\n"
    changes: dict[str, str | None] = {
        "problem.yaml": "limits: {time_multiplier: 2, time_resolution: 0.5}",
        "submissions/accepted/slow.py": burn,
        "submissions/time_limit_exceeded/spin.py": SPIN,
    }
    said = solve(package(tmp_path, changes), "--json", "--submissions", "time*")
    assert said.verdicts == {"time_limit_exceeded/spin.py": "TLE"}
    assert said.records[-1]["time_limit"] in (1.0, 1.5)


def test_without_an_accepted_one_that_passes_no_limit_can_be_derived(tmp_path: Path) -> None:
    root = package(tmp_path, {"problem.yaml": "name: x", "submissions/accepted/double.py": "print(1)"})
    said = solve(root)
    assert said.code == 2
    assert "give --time-limit" in said.error
    assert solve(root, "--time-limit", "1").code == 1


def test_a_time_out_without_the_margin_is_enough_and_said_to_be_close(tmp_path: Path) -> None:
    burn = "import time\nn = int(input())\nwhile time.process_time() < 1.2:\n    pass\nprint(2 * n)\n"
    changes: dict[str, str | None] = {
        "problem.yaml": "limits: {time_limit: 0.5, time_safety_margin: 20}",
        "submissions/time_limit_exceeded/close.py": burn,
        "data/secret/a.in": None,
        "data/secret/b.in": None,
    }
    said = solve(package(tmp_path, changes), "--submissions", "time*")
    assert said.code == 0
    assert "TLE (AC with the margin)" in said.out


def test_given_submissions_have_no_promise_and_must_be_accepted(tmp_path: Path) -> None:
    root = package(tmp_path / "problem")
    write(tmp_path, {"good.py": DOUBLE, "bad.py": WRONG_ON_NEGATIVE})
    good = solve(root, tmp_path / "good.py", "--json")
    assert (good.code, good.records[0]["agrees"], good.records[0]["verdict"]) == (0, None, "AC")
    assert solve(root, tmp_path / "good.py", tmp_path / "bad.py").code == 1


def test_a_packages_own_submission_given_by_path_keeps_its_promise(tmp_path: Path) -> None:
    root = package(tmp_path, {"submissions/wrong_answer/abs.py": WRONG_ON_NEGATIVE})
    said = solve(root, root / "submissions" / "wrong_answer" / "abs.py", "--json")
    assert said.code == 0
    assert said.records[0]["submission"] == "wrong_answer/abs.py"


def test_problems_of_other_formats_are_judged_on_examples_and_hidden_tests(tmp_path: Path) -> None:
    problem = {"name": "double", "statement": "Double it.", "examples": [{"input": "1", "output": "2"}]}
    tests = [{"input": "-3", "output": "-6"}]
    write(tmp_path, {"problem.json": json.dumps(problem), "tests.json": json.dumps(tests)})
    write(tmp_path, {"good.py": DOUBLE, "bad.py": WRONG_ON_NEGATIVE})
    said = solve(tmp_path / "problem.json", tmp_path / "good.py", tmp_path / "bad.py", "--json")
    assert said.code == 1
    assert list(said.verdicts.values()) == ["AC", "WA"]
    assert said.records[1]["test"] == "hidden/1"


def test_function_mode_is_judged_too(tmp_path: Path) -> None:
    problem = {
        "name": "double", "statement": "s", "mode": "function", "entry_point": "f", "checker": {"kind": "literal"},
        "examples": [{"input": "2", "output": "4"}],
    }  # fmt: skip
    write(tmp_path, {"problem.json": json.dumps(problem), "f.py": "def f(x):\n    return x * 2\n"})
    assert solve(tmp_path / "problem.json", tmp_path / "f.py").code == 0


def test_all_tests_run_on_request(tmp_path: Path) -> None:
    root = package(tmp_path, {"submissions/wrong_answer/one.py": "print(2)\n"})
    stopped, everything = solve(root, "--submissions", "w*"), solve(root, "--submissions", "w*", "--all-tests")
    assert "1/3" in stopped.out
    assert "1/3" in everything.out
    record = solve(root, "--submissions", "w*", "--all-tests", "--json").records[0]
    assert (record["verdict"], record["test"]) == ("WA", "secret/a")


VALIDATOR = """
import sys
given = int(open(sys.argv[1]).read())
open(sys.argv[3] + "judgemessage.txt", "w").write("looked at " + str(given))
got = sys.stdin.read().split()
sys.exit(42 if got and int(got[0]) > given else 43)
"""


def test_a_custom_validator_decides_and_its_message_is_shown(tmp_path: Path) -> None:
    changes: dict[str, str | None] = {
        "problem.yaml": "validation: custom\nlimits: {time_limit: 2}",
        "output_validators/check/check.py": VALIDATOR,
        "submissions/accepted/double.py": "print(int(input()) + 100)\n",
        "submissions/accepted/small.py": "print(0)\n",
    }
    said = solve(package(tmp_path, changes))
    assert said.code == 1
    assert "accepted/double.py" in said.out
    assert "looked at 1" in said.out


@pytest.mark.parametrize("broken", ["sys.exit(1)", "while True: pass", "import os; os.kill(os.getpid(), 11)"])
def test_a_broken_validator_is_an_internal_error_that_agrees_with_nothing(tmp_path: Path, broken: str) -> None:
    changes: dict[str, str | None] = {
        "problem.yaml": "validation: custom\nlimits: {time_limit: 2, validation_time: 1}",
        "output_validators/check.py": f"import sys\n{broken}\n",
        "submissions/wrong_answer/double.py": DOUBLE,
    }
    said = solve(package(tmp_path, changes), "--json")
    assert said.code == 1
    assert set(said.verdicts.values()) == {"IE"}


def test_subtasks_are_scored_and_a_part_of_the_score_is_partially_accepted(tmp_path: Path) -> None:
    changes: dict[str, str | None] = {
        "problem.yaml": "problem_format_version: 2023-07-draft\ntype: scoring\nlimits: {time_limit: 2}",
        "data/testdata.yaml": "on_reject: continue\nrange: 0 100\ngrader_flags: ignore_sample\n",
        "data/sample/testdata.yaml": "accept_score: 0\n",
        "data/secret/testdata.yaml": "grader_flags: accept_if_any_accepted\n",
        "data/secret/a.in": None,
        "data/secret/a.ans": None,
        "data/secret/b.in": None,
        "data/secret/b.ans": None,
        "data/secret/1/testdata.yaml": "on_reject: break\naccept_score: 40\ngrader_flags: min\n",
        "data/secret/1/x.in": "4",
        "data/secret/1/x.ans": "8",
        "data/secret/2/testdata.yaml": "on_reject: break\naccept_score: 60\ngrader_flags: min\n",
        "data/secret/2/x.in": "-4",
        "data/secret/2/x.ans": "-8",
        "submissions/partially_accepted/abs.py": WRONG_ON_NEGATIVE,
    }
    said = solve(package(tmp_path, changes), "--json")
    assert {record["submission"]: record["score"] for record in said.records[:-1]} == {
        "accepted/double.py": 100,
        "partially_accepted/abs.py": 40,
    }
    assert said.code == 0


def test_a_submission_in_several_modules_is_one_submission(tmp_path: Path) -> None:
    changes: dict[str, str | None] = {
        "submissions/accepted/double.py": None,
        "submissions/accepted/parts/main.py": "from helper import double\nprint(double(int(input())))\n",
        "submissions/accepted/parts/helper.py": "import base\ndef double(x):\n    return x * base.TWO\n",
        "include/python/base.py": "TWO = 2\n",
    }
    assert solve(package(tmp_path, changes), "--json").verdicts == {"accepted/parts": "AC"}


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ on PATH")
def test_a_cpp_submission_in_several_sources_is_one_submission(tmp_path: Path) -> None:
    changes: dict[str, str | None] = {
        "submissions/accepted/double.py": None,
        "submissions/accepted/parts/a.cc": """
            #include "b.h"
            #include <iostream>
            int main() { int n; std::cin >> n; std::cout << twice(n); }
        """,
        "submissions/accepted/parts/b.cc": '#include "b.h"\nint twice(int n) { return 2 * n; }\n',
        "submissions/accepted/parts/b.h": "int twice(int);\n",
    }
    assert solve(package(tmp_path, changes), "--json").verdicts == {"accepted/parts": "AC"}


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ on PATH")
def test_your_own_testlib_checker_finds_its_header_where_you_say(tmp_path: Path) -> None:
    root = package(tmp_path / "problem", {"submissions/accepted/double.py": "print(7)\n"})
    checker = '#include "testlib.h"\nint main(int argc, char **) { return rule(argc); }\n'
    write(
        tmp_path, {"check.cpp": checker, "lib/testlib.h": "inline int rule(int argc) { return argc == 4 ? 0 : 3; }\n"}
    )
    assert solve(root, "--checker", tmp_path / "check.cpp", "--include", tmp_path / "lib").code == 0
    assert solve(root, "--checker", tmp_path / "check.cpp", "--include", tmp_path / "lib" / "testlib.h").code == 0
    missing = solve(root, "--checker", tmp_path / "check.cpp", "--json")
    assert missing.verdicts == {"accepted/double.py": "IE"}


def test_what_is_no_program_is_skipped_and_counted(tmp_path: Path) -> None:
    root = package(tmp_path, {"submissions/accepted/double.bin": "x", "submissions/accepted/old.py2": "print 1"})
    said = solve(root, "--json")
    assert said.records[-1]["skipped"] == 2
    assert "skipped accepted/double.bin: no source file in a known language" in said.error
    assert solve(root, "--json", "--quiet").error == ""


def test_submissions_can_be_narrowed_by_language(tmp_path: Path) -> None:
    root = package(tmp_path, {"submissions/accepted/a.cpp": "int main() {}"})
    assert list(solve(root, "--json", "--languages", "python").verdicts) == ["accepted/double.py"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["{root}/gone.json"], "does not exist"),
        (["{root}", "{root}/gone.py"], "gone.py does not exist"),
        (["{root}", "{root}/problem.yaml"], "cannot be judged: no source file"),
        (["{root}", "--submissions", "nothing/*"], "no submissions to judge that match 'nothing/*'"),
        (["{root}", "--languages", "cobol"], "no submissions to judge"),
        (["{root}", "--time-limit", "0"], "--time-limit must be above 0"),
        (["{root}", "--time-limit", "nan"], "--time-limit must be above 0"),
        (["{root}", "--checker", "{root}/gone.cc"], "gone.cc: cannot be read"),
        (["{root}", "--checker", "{root}/problem.yaml"], "the checker cannot run"),
        (["{root}", "{root}/submissions/accepted/double.py", "--submissions", "*"], "not both"),
        (["{root}/problem.json"], "only a Kattis package has its own"),
        (["{root}/bare.json", "{root}/submissions/accepted/double.py"], "nothing can be judged"),
    ],
)
def test_bad_input_gets_one_clear_line_and_exit_code_2(tmp_path: Path, arguments: list[str], expected: str) -> None:
    bare = {"name": "x", "statement": "s"}
    root = package(tmp_path)
    write(root, {"bare.json": json.dumps(bare)})
    write(root, {"problem.json": json.dumps({**bare, "examples": [{"input": "1", "output": "2"}]})})
    said = solve(*(argument.replace("{root}", str(root)) for argument in arguments))
    assert said.code == 2
    assert expected in said.error
    assert "\n" not in said.error


INTERACTOR = """
import sys
secret = int(open(sys.argv[1]).read())
with open(sys.argv[3] + "judgemessage.txt", "w") as message:
    for number in range(12):
        guess = sys.stdin.readline()
        print(f"guess {guess.strip()}", file=message, flush=True)
        if not guess.strip().isdigit():
            sys.exit(43)
        print("right" if int(guess) == secret else "low" if int(guess) < secret else "high", flush=True)
        if int(guess) == secret:
            sys.exit(42)
sys.exit(43)
"""
BISECT = """
low, high = 1, 1000
while True:
    print((low + high) // 2, flush=True)
    said = input()
    if said == "right":
        break
    low, high = ((low + high) // 2 + 1, high) if said == "low" else (low, (low + high) // 2 - 1)
"""


def interactive(root: Path, submissions: dict[str, str], interactor: str = INTERACTOR) -> Path:
    return package(
        root,
        {
            "problem.yaml": "validation: custom interactive\nlimits: {time_limit: 1}",
            "output_validators/talk/talk.py": interactor,
            "data/sample/1.in": "500\n",
            "data/secret/a.in": "1\n",
            "data/secret/b.in": "1000\n",
            "submissions/accepted/double.py": None,
            **{f"submissions/{name}": text for name, text in submissions.items()},
        },
    )


def test_interactive_submissions_talk_to_the_packages_interactor(tmp_path: Path) -> None:
    submissions = {
        "accepted/bisect.py": BISECT,
        "wrong_answer/one.py": "for _ in range(12):\n    print(1, flush=True)\n    input()\n",
        "wrong_answer/spins_once_it_is_refused.py": "print('x', flush=True)\nwhile True:\n    pass\n",
        "time_limit_exceeded/spins.py": SPIN.replace("input()", "print(7, flush=True)"),
        "run_time_error/crash.py": "print(7, flush=True)\n1 / 0\n",
    }
    said = solve(interactive(tmp_path, submissions), "--json")
    assert said.verdicts == {
        "accepted/bisect.py": "AC",
        "run_time_error/crash.py": "RTE",
        "time_limit_exceeded/spins.py": "TLE",
        "wrong_answer/one.py": "WA",
        "wrong_answer/spins_once_it_is_refused.py": "WA",
    }
    assert said.code == 0


def test_a_broken_interactor_is_an_internal_error(tmp_path: Path) -> None:
    said = solve(interactive(tmp_path, {"accepted/bisect.py": BISECT}, "raise SystemExit(3)\n"), "--json")
    assert set(said.verdicts.values()) == {"IE"}
    assert said.code == 1


def test_the_interactors_reason_is_shown(tmp_path: Path) -> None:
    said = solve(interactive(tmp_path, {"accepted/shy.py": "print('who, me?')\n"}))
    assert "guess who, me?" in said.out


def test_one_package_of_many_is_chosen_by_name(tmp_path: Path) -> None:
    package(tmp_path / "double")
    said = solve(tmp_path, "--id", "double", "--json")
    assert said.records[-1]["problem"] == "double"


def test_a_case_that_vanishes_is_one_clear_line(tmp_path: Path) -> None:
    root = package(tmp_path)
    (root / "data" / "secret" / "b.in").unlink()
    (root / "data" / "secret" / "b.in").mkdir()
    (root / "data" / "secret" / "c.in").symlink_to("/nowhere")
    (root / "data" / "secret" / "c.ans").write_text("1")
    said = solve(root)
    assert said.code == 2
    assert "secret/c.in: cannot be read" in said.error
