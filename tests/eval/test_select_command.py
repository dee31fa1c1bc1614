"""`solve select` and `solve train-scorer` on a small pool of our own, end to end."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from eval.pools import read_pool
from eval.pools.evidence import labelled
from eval.pools.execute import execute
from eval.select_command import select
from eval.train_scorer import train_scorer
from sandbox import Sandbox
from solver.errors import UserError

CANARY = "87431907"
TASKS = {
    "double": ("def double(x):\n", "    return 2 * x\n", "    return x + 2\n", "double(3) == 6", "double(5) == 10"),
    "last": ("def last(xs):\n", "    return xs[-1]\n", "    return xs[0]\n", "last([1, 2]) == 2", "last([5]) == 5"),
    "negate": ("def negate(x):\n", "    return -x\n", "    return x\n", "negate(2) == -2", "negate(0) == 0"),
}


@pytest.fixture
def pool(tmp_path: Path) -> tuple[Path, Path]:
    """CodeT's format: completions of a signature, right and wrong ones, and completions of `assert `."""
    problems, samples = [], []
    for name, (prompt, right, wrong, example, other) in TASKS.items():
        call, _, value = example.partition(" == ")
        docstring = f'    """Does what it says.\n\n    >>> {call}\n    {value}\n    """\n'
        hidden = (
            f"def check(candidate):\n    assert {example}\n    assert {other}\n    assert {CANARY} == int('{CANARY}')\n"
        )
        problems.append(
            {
                "task_id": f"Mine/{name}",
                "prompt": prompt + docstring,
                "entry_point": name,
                "test": hidden.replace(f"{name}(", "candidate("),
                "canonical_solution": f"    # {CANARY}\n{right}",
            }
        )
        samples.append(
            {
                "task_id": f"Mine/{name}",
                "prompt": prompt,
                "entry_point": name,
                "samples": [
                    right,
                    right,
                    wrong,
                    wrong.replace("return", "return  "),
                    "    while True: pass\n",
                    "    ?",
                ],
                "generated_tests": [example, other, "nothing(1) == 2", f"{name}('", example],
            }
        )
    files = tmp_path / "problems.jsonl", tmp_path / "pool.jsonl"
    for file, lines in zip(files, (problems, samples), strict=True):
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return files


def run(command, *arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)


def test_every_policy_has_a_row_and_the_right_program_is_chosen(pool, tmp_path: Path) -> None:
    problems, samples = pool
    options = (
        "--samples",
        samples,
        "--problems",
        problems,
        "--cache",
        tmp_path / "kept",
        "--workers",
        1,
        "-q",
        "--json",
    )
    result = json.loads(run(select, *options).stdout)
    assert (result["problems"], result["coverage"], result["filter_loss"], result["samples"]) == (3, 1.0, 0.0, 18)
    rows = {row["policy"]: row["solved"]["1"]["value"] for row in result["policies"]}
    assert set(rows) >= {"default", "random", "largest", "mbr", "codet", "codet-clusters", "aces", "oracle"}
    assert rows["default"] == rows["oracle"] == 1.0
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").iterdir()}
    without = json.loads(run(select, *options, "--no-examples").stdout)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").iterdir()} == files
    assert without["examples"] is False
    assert {row["policy"]: row["solved"]["1"]["value"] for row in without["policies"]}["codet"] == 1.0


async def test_nothing_of_the_hidden_tests_reaches_what_chooses(pool) -> None:
    problems, samples = pool
    async with Sandbox(1) as sandbox:
        for problem in read_pool(samples, [problems]):
            assert CANARY in problem.hidden.test_code
            found = labelled(problem, await execute(problem, sandbox))
            assert found.right.any()
            assert not found.right.all()
            assert CANARY not in repr(found.plain) + repr(found.with_examples)


def test_a_scorer_is_trained_on_a_pool_and_used(pool, tmp_path: Path) -> None:
    problems, samples = pool
    common = ("--problems", problems, "--cache", tmp_path / "kept", "--workers", 1)
    out = tmp_path / "mine.json"
    trained = json.loads(run(train_scorer, samples, *common, "--out", out).stdout)
    assert trained["problems"] == 3
    arguments = ("--samples", samples, *common, "--scorer", out, "--policy", "default", "--k", 1, "--json", "-q")
    result = json.loads(run(select, *arguments).stdout)
    assert result["scorer"]["recipe"]["sources"] == ["pool.jsonl"]
    assert result["policies"][0]["solved"]["1"]["value"] == 1.0


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (("--policy", "best"), "no policy 'best'"),
        (("--k", "0"), "no list of positive numbers"),
        (("--k", "few"), "no list of positive numbers"),
    ],
)
def test_options_that_mean_nothing_are_refused(pool, extra, said) -> None:
    problems, samples = pool
    refused = run(select, "--samples", samples, "--problems", problems, *extra)
    assert refused.exit_code == 2
    assert said in refused.output


def test_a_pool_whose_problems_are_nowhere_is_refused(pool, tmp_path: Path) -> None:
    _, samples = pool
    with pytest.raises(UserError, match="no --problems was given"):
        run(select, "--samples", samples, "--cache", tmp_path / "kept", "-q")


def test_a_file_that_is_no_scorer_is_refused(pool, tmp_path: Path) -> None:
    problems, samples = pool
    with pytest.raises(UserError, match="is no scorer"):
        run(select, "--samples", samples, "--problems", problems, "--scorer", problems)
