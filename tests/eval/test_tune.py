"""`solve tune` on made-up benchmark runs: it finds what was planted, within its budget, without a look at the test."""

import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering.policies import POLICIES
from eval.tune.budget import Budget, make_budget
from eval.tune.options import write_plans
from eval.tune.outcome import Wanted, tune
from eval.tune.replay import Replay, _drawn, _under
from eval.tune.setting import Setting, space_of
from eval.tune.split import load, share_of, split_of
from solver.commands import run as run_command
from solver.commands import run_config
from solver.config import RunConfig
from solver.errors import UserError
from solver.prompts import load_plans
from tests.e2e.answers import solve
from tests.eval.benches import Asked, Drawn, make_bench

NAMES = [f"p{number:02d}" for number in range(14)]
GOOD_PLAN = "plan-first"
SAMPLE = 20  # tokens


def by_plan(name: str) -> Asked:
    """One plan alone gives right programs, and it is seldom used; the others agree on what is wrong."""
    samples = [
        Drawn(f"print('{name} {number}')", ("R", "R"), right=True, plan=GOOD_PLAN, temperature=0.6 + 0.025 * number)
        if number % 4 == 3
        else Drawn(f"print({number})", ("W", "W"), plan="direct", temperature=0.6 + 0.025 * number)
        for number in range(16)
    ]
    return Asked(name, samples)


def by_logprob(name: str) -> Asked:
    """A tenth of the programs is right, and the model is sure of them alone."""
    right = [Drawn(f"print('{name}')", ("R", "R"), right=True, plan="direct", temperature=0.8, logprob=-0.1)]
    wrong = [Drawn(f"print({number})", ("W", "W"), plan="direct", temperature=0.8, logprob=-0.9) for number in range(9)]
    return Asked(name, wrong[:4] + right + wrong[4:])


@pytest.fixture(scope="module")
def plan_bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bench(tmp_path_factory.mktemp("plans") / "bench", [by_plan(name) for name in NAMES])


@pytest.fixture(scope="module")
def logprob_bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bench(tmp_path_factory.mktemp("logprobs") / "bench", [by_logprob(name) for name in NAMES])


@pytest.fixture(autouse=True)
def finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up benchmark directories have no bench.json."""
    monkeypatch.setattr("eval.tune.split.read_config", lambda root: None)


def wanted(bench: Path, **fields: Any) -> Wanted:
    told = {"tokens": 4 * SAMPLE, "k": 1, "trials": 25, "draws": 6, "execution_cost": 0.1, **fields}
    return Wanted(split_of([bench], None, 0.5, 0), **told)


def fresh(tmp_path: Path, name: str = "out") -> Path:
    (tmp_path / name).mkdir()
    return tmp_path / name


def test_the_plan_that_gives_right_programs_is_found_and_helps_on_problems_never_seen(
    plan_bench: Path, tmp_path: Path
) -> None:
    result = tune(wanted(plan_bench), fresh(tmp_path))
    weights = result["tuned"]["plans"]
    assert weights[GOOD_PLAN] > weights.get("direct", 0)
    assert result["test"]["tuned"]["value"] > result["test"]["default"]["value"] + 0.15
    assert result["test"]["gain"]["low"] > 0
    assert not [warning for warning in result["warnings"] if "includes 0" in warning]


def test_the_policy_that_finds_the_right_program_is_found(logprob_bench: Path, tmp_path: Path) -> None:
    result = tune(wanted(logprob_bench, tokens=1000), fresh(tmp_path))
    assert result["tuned"]["policy"] == "logprob"
    assert result["test"]["tuned"]["value"] == 1.0


def test_among_equal_settings_the_cheapest_is_taken(plan_bench: Path, tmp_path: Path) -> None:
    result = tune(wanted(plan_bench, k=10, tokens=1000), fresh(tmp_path))
    spent = result["validation"]["spent"]
    assert result["validation"]["tuned"]["value"] == result["validation"]["default"]["value"] == 1.0
    assert spent["tuned"]["cost"] < spent["default"]["cost"]


def trials_of(out: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(out / "trials.sqlite") as db:
        return db.execute(
            "SELECT t.number, v.value, p.param_name, p.param_value FROM trials t JOIN trial_values v USING (trial_id) "
            "JOIN trial_params p USING (trial_id) ORDER BY 1, 3"
        ).fetchall()


def test_the_search_ends_before_a_test_problem_is_opened(plan_bench: Path, tmp_path: Path) -> None:
    told = wanted(plan_bench, trials=5)
    tune(told, fresh(tmp_path, "whole"))
    trap = tmp_path / "trap"
    shutil.copytree(plan_bench, trap)
    for name in told.split.test:
        shutil.rmtree(next(trap.glob(f"problems/*-{name}")))
    out = fresh(tmp_path)
    with pytest.raises(UserError):
        tune(wanted(trap, trials=5), out)
    assert len({number for number, *_ in trials_of(out)}) == 5
    assert trials_of(out) == trials_of(tmp_path / "whole")


def test_what_is_right_on_the_test_problems_moves_no_setting(plan_bench: Path, tmp_path: Path) -> None:
    lie = tmp_path / "lie"
    shutil.copytree(plan_bench, lie)
    told = wanted(lie, trials=8)
    with sqlite3.connect(lie / "verdicts.sqlite") as db:
        marks = ",".join("?" * len(told.split.test))
        db.execute(f"UPDATE judgements SET verdict = 'WA' WHERE problem IN ({marks})", told.split.test)
    truth = tune(wanted(plan_bench, trials=8), fresh(tmp_path, "truth"))
    lied = tune(told, fresh(tmp_path))
    assert (lied["tuned"], lied["validation"]) == (truth["tuned"], truth["validation"])
    assert lied["test"]["tuned"]["value"] == 0.0 < truth["test"]["tuned"]["value"]


def test_a_gain_that_may_be_chance_is_told(plan_bench: Path, tmp_path: Path) -> None:
    only = replace(wanted(plan_bench, trials=8).split, test=(wanted(plan_bench).split.test[0],))
    lie = tmp_path / "lie"
    shutil.copytree(plan_bench, lie)
    with sqlite3.connect(lie / "verdicts.sqlite") as db:
        db.execute("UPDATE judgements SET verdict = 'WA' WHERE problem = ?", only.test)
    result = tune(Wanted(replace(only, test_in=(lie,)), tokens=80, k=1, trials=8, draws=6), fresh(tmp_path))
    assert any("1 test problems includes 0" in warning for warning in result["warnings"])
    assert any("executions cost nothing" in warning for warning in result["warnings"])


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_draw_ever_costs_more_than_the_budget(plan_bench: Path, data: st.DataObject) -> None:
    runs = list(load([plan_bench], NAMES[:2]))
    budget = Budget(
        data.draw(st.floats(0, 500)), "tokens", 1.0, data.draw(st.floats(0, 30)), data.draw(st.floats(0, 30))
    )
    low = data.draw(st.floats(0.6, 1.0))
    plans = data.draw(st.dictionaries(st.sampled_from(["direct", GOOD_PLAN]), st.integers(1, 8), max_size=2))
    setting = Setting(
        samples=data.draw(st.integers(1, 40)),
        inputs=data.draw(st.integers(0, 3)),
        policy=data.draw(st.sampled_from(POLICIES)),
        temperature=(low, data.draw(st.floats(low, 1.0))),
        plans=tuple((name, float(weight)) for name, weight in plans.items()),
        opinions=data.draw(st.integers(0, 3)),
    )
    score = Replay(runs, budget, 1, draws=4).score(setting)
    assert score.most_cost <= budget.amount + 1e-6
    assert score.samples <= setting.samples
    assert all(0.0 <= share <= 1.0 for share in score.solved.values())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), low=st.floats(0.6, 0.9), samples=st.integers(1, 20), amount=st.floats(10, 2000))
def test_a_draw_holds_only_samples_that_obey_the_setting_and_costs_what_it_says(
    plan_bench: Path, seed: int, low: float, samples: int, amount: float
) -> None:
    (run,) = load([plan_bench], NAMES[:1])
    setting = Setting(samples, 1, "largest", (low, low + 0.1), ((GOOD_PLAN, 1.0),))
    budget = Budget(amount, "tokens", 1.0, 2.0, 0.0)
    rng = np.random.default_rng(seed)
    total = len(run.sample_program)
    own = _under(run, setting)
    draw = _drawn(own, setting, budget, rng.permutation(total), rng.exponential(size=total))
    assert len(set(draw.samples.tolist())) == len(draw.samples) <= samples
    assert all(run.sample_plan[one] == GOOD_PLAN for one in draw.samples)
    assert all(low - 1e-6 <= run.sample_temperature[one] <= low + 0.1 + 1e-6 for one in draw.samples)
    programs = {int(row) for row in run.sample_program[draw.samples] if row >= 0}
    executions = sum(int(run.example_runs[row]) + int(run.evidence.passes[row]) for row in programs)
    assert draw.executions == executions
    assert draw.cost == pytest.approx(SAMPLE * len(draw.samples) + 2.0 * executions)


def test_a_mix_is_drawn_by_weight_until_a_plan_is_used_up_and_loses_no_sample(plan_bench: Path) -> None:
    (run,) = load([plan_bench], NAMES[:1])
    setting = Setting(16, 2, "largest", (0.0, 2.0), (("direct", 1.0), (GOOD_PLAN, 3.0)))
    plenty, rng, seconds = Budget(1e9, "tokens", 1.0, 0.0, 0.0), np.random.default_rng(0), []
    for _ in range(1000):
        draw = _drawn(_under(run, setting), setting, plenty, rng.permutation(16), rng.exponential(size=16))
        plans = [run.sample_plan[one] for one in draw.samples]
        used_up = max(number for number, plan in enumerate(plans, 1) if plan == GOOD_PLAN)
        assert sorted(draw.samples) == list(range(16))
        assert draw.off_mix == 16 - used_up
        seconds.append(plans[1] == GOOD_PLAN)
    assert np.mean(seconds) == pytest.approx(0.75, abs=0.05)


def test_the_same_seed_gives_the_same_result_and_another_seed_another_split(plan_bench: Path, tmp_path: Path) -> None:
    first, second = (tune(wanted(plan_bench, trials=6), fresh(tmp_path, name)) for name in "ab")
    for result in (first, second):
        del result["options"]  # they name the plans file
    assert first == second
    assert split_of([plan_bench], None, 0.5, 0) != split_of([plan_bench], None, 0.5, 1)


def test_a_search_that_was_killed_ends_like_an_undisturbed_one(plan_bench: Path, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def kill(done: int, best: float) -> None:
        if done == 9:
            raise Killed

    out = fresh(tmp_path)
    with pytest.raises(Killed):
        tune(wanted(plan_bench, trials=14), out, kill)
    with sqlite3.connect(out / "trials.sqlite") as db:  # and one in the middle of a trial
        db.execute("INSERT INTO trials (number, study_id, state) VALUES (9, 1, 'RUNNING')")
    resumed = tune(wanted(plan_bench, trials=14), out)
    whole = tune(wanted(plan_bench, trials=14), fresh(tmp_path, "whole"))
    assert {**resumed, "options": 0} == {**whole, "options": 0}
    with pytest.raises(UserError, match="budget differs"):
        tune(wanted(plan_bench, trials=14, tokens=99), out)


def test_a_problem_is_on_one_side_whatever_else_is_there(plan_bench: Path, logprob_bench: Path) -> None:
    both = split_of([plan_bench, logprob_bench], None, 0.3, 5)
    one = split_of([plan_bench], None, 0.3, 5)
    assert set(one.validation) == set(both.validation)
    assert set(one.validation) | set(one.test) == set(NAMES)
    assert not set(one.validation) & set(one.test)
    assert set(one.validation) == {name for name in NAMES if share_of(name, 5) < 0.3}


def test_a_directory_to_test_on_gives_only_problems_that_were_not_searched(plan_bench: Path, tmp_path: Path) -> None:
    other = make_bench(tmp_path / "other", [by_plan("new"), by_plan(NAMES[0])])
    found = split_of([plan_bench], other, 0.5, 0)
    assert set(found.validation) == set(NAMES)
    assert found.test == ("new",)
    with pytest.raises(UserError, match="not among those to search on"):
        split_of([plan_bench], plan_bench, 0.5, 0)


def test_runs_of_one_problem_count_once(plan_bench: Path, logprob_bench: Path) -> None:
    budget = Budget(1e6, "tokens", 1.0, 0.0, 0.0)
    setting = Setting(1000, 2, "largest", (0.0, 2.0))
    runs = [*load([plan_bench], NAMES[:2]), *load([logprob_bench], NAMES[:1])]
    score = Replay(runs, budget, 10, draws=2).score(setting)
    assert set(score.solved) == set(NAMES[:2])


def test_the_options_make_the_setting(plan_bench: Path, tmp_path: Path) -> None:
    result = tune(wanted(plan_bench, trials=12), fresh(tmp_path))
    with run_command.make_context("run", ["problem.json", *result["options"]]) as context:
        given_ = {k: v for k, v in context.params.items() if k in RunConfig.model_fields and v is not None}
    config = run_config(given_)
    tuned = result["tuned"]
    assert (config.samples, config.inputs, config.policy) == (tuned["samples"], tuned["inputs"], tuned["policy"])
    assert list(config.temperature) == pytest.approx(tuned["temperature"])
    assert {plan.name: plan.weight for plan in load_plans(config.plans_file)} == tuned["plans"]
    assert config.max_total_tokens is not None
    assert config.max_total_tokens <= 4 * SAMPLE


def test_plans_are_written_with_their_own_words(tmp_path: Path) -> None:
    setting = Setting(1, 1, "largest", (0.6, 1.0), ((GOOD_PLAN, 3.0), ("direct", 1.0)))
    write_plans(tmp_path / "plans.toml", setting, RunConfig())
    own = {plan.name: plan for plan in load_plans()}
    for plan in load_plans(tmp_path / "plans.toml"):
        assert plan.model_copy(update={"weight": own[plan.name].weight}) == own[plan.name]


def test_a_base_is_what_the_runs_were_made_with(plan_bench: Path) -> None:
    space = space_of(list(load([plan_bench], NAMES)))
    base, config = space.base, RunConfig()
    assert (base.samples, base.inputs, base.policy, base.temperature) == (16, 2, config.policy, config.temperature)
    assert dict(base.plans) == {"direct": 4.0, GOOD_PLAN: 2.0}
    assert "codet" not in space.policies
    assert "judge" not in space.policies


def test_a_price_that_is_not_recorded_is_asked_for(plan_bench: Path) -> None:
    runs = list(load([plan_bench], NAMES[:1]))
    with pytest.raises(UserError, match="tokens-per-second"):
        make_budget(runs, tokens=None, seconds=5.0)
    with pytest.raises(UserError, match="one budget"):
        make_budget(runs, tokens=None, seconds=None)
    budget = make_budget(runs, tokens=None, seconds=5.0, tokens_per_second=10.0)
    assert (budget.amount, budget.per_token, budget.per_execution) == (5.0, 0.1, pytest.approx(0.02))
    assert make_budget(runs, tokens=100, seconds=None, tokens_per_second=10.0).per_execution == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["/nowhere", "--tokens", 5], "not a benchmark run"), (["/nowhere", "/nowhere", "--tokens", 5], "given twice")],
)
def test_bad_input_is_one_line_and_exit_2(arguments: list[object], told: str, tmp_path: Path) -> None:
    done = solve("tune", *arguments, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_command_tells_settings_scores_and_options(plan_bench: Path, tmp_path: Path) -> None:
    bench = tmp_path / "bench"
    shutil.copytree(plan_bench, bench)
    config = {"data": {"name": "jsonl"}, "run": RunConfig().model_dump(mode="json")}
    (bench / "bench.json").write_text(json.dumps(config))
    command = ["tune", bench, "--tokens", 80, "--k", 1, "--trials", 6, "--draws", 4, "--execution-cost", 0.1]
    done = solve(*command, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    for word in ("prompt plans", "never seen", "--plans-file", "--max-total-tokens"):
        assert word in done.stdout
    again = solve(*command, "--out", tmp_path / "out", "--json", "--quiet")
    assert json.loads(again.stdout) == json.loads((tmp_path / "out" / "tune.json").read_text())
