"""Each model of a cascade alone, and all together, from recorded samples of both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eval.bench.problem_run import ProblemRun
from eval.metrics.by_model import WHOLE, Spent, solved_per_million, spent_by_model
from eval.metrics.draws import NEVER
from tests.eval.runs import SCORER, Made, make_run

WRONG, RIGHT = Made((1,)), Made((2,), right=True)


def cascade(small: list[Made], large: list[Made], tokens: tuple[int, int] = (10, 30)) -> ProblemRun:
    """As many samples of each model as programs; k = 1, by the largest cluster."""
    run = make_run("p", [*small, *large], k=1)
    models = ("small",) * len(small) + ("large",) * len(large)
    each = np.array([tokens[0]] * len(small) + [tokens[1]] * len(large), dtype=np.int64)
    return replace(run, sample_model=models, sample_tokens=each)


def test_a_model_alone_pays_for_its_own_samples_and_chooses_from_them_alone() -> None:
    run = cascade([WRONG, WRONG, WRONG], [RIGHT])
    spent = spent_by_model(run, SCORER, (1,))
    assert spent["small"] == Spent(30, NEVER)
    assert spent["large"] == Spent(30, 1), "alone it is not outvoted by three wrong programs"
    assert spent[WHOLE] == Spent(60, NEVER)


def test_a_model_alone_may_submit_no_more_than_the_run_did() -> None:
    spent = spent_by_model(cascade([WRONG, WRONG, RIGHT], [WRONG]), SCORER, (1, 10))
    assert spent["small"].rank == NEVER, "the run chose one program, and alone it would have been the wrong one"


def test_what_one_model_solved_is_no_merit_of_the_other() -> None:
    spent = spent_by_model(cascade([RIGHT, RIGHT], [WRONG]), SCORER, (1,))
    assert (spent["small"].rank, spent["large"].rank, spent[WHOLE].rank) == (1, NEVER, 1)


def test_a_run_of_one_model_is_that_models_and_makes_no_table() -> None:
    spent = spent_by_model(make_run(programs=[RIGHT], k=1), SCORER, (1,))
    assert spent == {"a-model": Spent(10, 1), WHOLE: Spent(10, 1)}
    assert solved_per_million([spent], (1,)) is None


def test_a_model_answers_only_for_the_problems_that_came_to_it() -> None:
    kept = {"small": Spent(100, 1), WHOLE: Spent(100, 1)}
    handed_on = {"small": Spent(100, NEVER), "large": Spent(300, 1), WHOLE: Spent(400, 1)}
    small, large, together = solved_per_million([kept, handed_on], (1,)) or []
    assert (small["problems"], small["by_k"][0]["solved"], small["by_k"][0]["per_million"]) == (2, 1, 5_000)
    assert (large["problems"], large["by_k"][0]["per_million"]) == (1, 1e6 / 300)
    assert large["by_k"][0]["whole_per_million"] == 1e6 / 400
    assert (together["tokens"], together["by_k"][0]["per_million"]) == (500, 4_000)


def test_samples_without_token_counts_give_no_rate() -> None:
    rows = solved_per_million([{"a": Spent(0, 1), "b": Spent(0, 1), WHOLE: Spent(0, 1)}], (1,)) or []
    assert [row["by_k"][0]["per_million"] for row in rows] == [None, None, None]
