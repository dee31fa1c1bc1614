"""results.json: sums that hold, plain data, and no figure that a word would misdescribe."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.metrics.false_positives import Rejudged
from eval.metrics.summary import default_ns, summarise
from tests.eval.runs import SCORER, Made, make_run
from tests.eval.test_metrics_draws import POOLS

RIGHT, WRONG, FAILING = Made((1,), right=True), Made((0,)), Made((0,), passes=False)


def figures(*runs, ks=(1, 2), **options):
    return summarise(iter(runs), ks, scorer=SCORER, resamples=200, **options)


def value(rows, **key):
    (found,) = [row for row in rows if all(row[name] == wanted for name, wanted in key.items())]
    return found


@settings(deadline=None, max_examples=30)
@given(st.lists(POOLS, min_size=1, max_size=4))
def test_coverage_less_filter_less_choice_is_what_is_solved_and_what_the_curve_ends_in(pools):
    runs = [make_run(f"p{i}", *pool) for i, pool in enumerate(pools)]
    most = max(len(run.sample_program) for run in runs)
    found = figures(*runs, ks=(1, 2, 5), ns=(1, most))
    losses = found["losses"]
    for row in losses["by_k"]:
        k = row["k"]
        solved = value(found["solved"], k=k)
        assert losses["covered"] - losses["filter_lost"] - row["selection_lost"] == row["solved"] == solved["problems"]
        assert solved["value"] == value(found["n_at_k"], n=most, k=k)["value"]
        assert min(losses["filter_lost"], row["selection_lost"]) >= 0
    assert value(found["coverage"], n=most)["value"] == losses["coverage"]["value"]
    json.dumps(found, allow_nan=False)


def test_a_record_whose_losses_contradict_each_other_gives_no_figure():
    from eval.intervals import Bootstrap
    from eval.metrics.rows import row_of
    from eval.metrics.summary import losses

    row = row_of(make_run("p", [RIGHT]), SCORER, (1,), (1,))
    with pytest.raises(ValueError, match="do not add up"):
        losses([replace(row, right=0)], (1,), Bootstrap(1))


def test_a_right_program_that_was_not_run_to_the_end_is_lost_by_the_filter():
    cut = Made((1,), right=True, passes=False, seen="AC", judged="AC")
    run = make_run("p", [WRONG, cut], k=1)
    found = figures(run)
    assert found["losses"]["covered"] == found["losses"]["filter_lost"] == 1
    assert [row["selection_lost"] for row in found["losses"]["by_k"]] == [0, 0]


def test_a_right_guess_is_solved_and_not_lost_by_the_filter():
    cut = Made((1,), right=True, passes=False, seen="AC", judged="AC")
    found = figures(make_run("p", [cut]))
    assert found["losses"]["filter_lost"] == 0
    assert value(found["solved"], k=1)["value"] == 1.0


def test_a_right_program_behind_a_larger_cluster_is_lost_in_the_choice():
    found = figures(make_run("p", [WRONG, RIGHT], [0, 0, 1]))
    assert [row["selection_lost"] for row in found["losses"]["by_k"]] == [1, 0]


def test_no_interval_has_no_width_because_nothing_was_solved():
    found = figures(*(make_run(f"p{i}", [WRONG]) for i in range(40)))
    solved = value(found["solved"], k=1)
    assert (solved["value"], solved["low"]) == (0.0, 0.0)
    assert solved["high"] == pytest.approx(1 - 0.025 ** (1 / 40), abs=1e-6)
    assert found["cost"]["completion_tokens"]["a_solved_problem"] is None


def test_the_order_of_problems_and_its_company_change_no_row():
    runs = [make_run(f"p{i}", [RIGHT, WRONG, FAILING], [0, 1, 1, 2, -1, 0] * 3) for i in range(3)]
    rows = {row["problem"]: row for row in figures(*runs)["per_problem"]}
    assert figures(runs[2], runs[1])["per_problem"] == [rows["p2"], rows["p1"]]


def test_load_changes_timing_and_nothing_else():
    run = make_run("p", [RIGHT, WRONG])
    slow = replace(run, model_seconds=1e4, sandbox_cpu_seconds=99.0)
    quiet, loaded = figures(run), figures(slow)
    for found in (quiet, loaded):
        assert found.pop("timing")["model_seconds"]["total"] in (2.0, 1e4)
        for row in found["per_problem"]:
            row.pop("timing")
    assert quiet == loaded


def test_samples_are_counted_by_what_became_of_them():
    crash = Made((0,), passes=False, seen="RTE")
    late = Made((2,), judged="TLE")
    found = figures(make_run("p", [RIGHT, crash, late, FAILING], [0, 0, 1, 2, 3, -1]))
    assert found["example_verdicts"] == {"AC": 3, "RTE": 1, "WA": 1, "no program": 1}
    assert found["final_verdicts"] == {"AC": 2, "RTE": 1, "TLE": 1, "WA": 1, "no program": 1}
    assert found["extraction"] == {"no code": 1, "ok": 5}
    assert found["filter"]["rate"]["value"] == pytest.approx(2 / 5)
    assert found["duplicates"]["value"] == pytest.approx(1 / 5)
    assert found["funnel"] == {
        "samples": 6, "with_program": 5, "unique": 4, "compiled": 4, "passing": 2, "clusters": 2,
        "submitted": 2, "right": 1, "solved": 1,
    }  # fmt: skip


def test_what_does_not_compile_or_never_ran_is_not_compiled():
    broken = [Made((0,), passes=False, seen=seen) for seen in ("CE", "IE", "no result")]
    found = figures(make_run("p", [RIGHT, *broken]))
    assert found["funnel"]["compiled"] == 1
    assert found["checks"]["internal_errors"] == 1


def test_a_passing_program_without_a_hidden_verdict_is_told():
    found = figures(make_run("p", [RIGHT, Made((3,), judged="not judged")]))
    assert found["checks"]["passing_not_judged"] == 1


def test_submissions_that_do_not_come_out_again_are_told():
    run = make_run("p", [WRONG, RIGHT], [0, 0, 1])
    turned = replace(run, submissions=tuple(reversed(run.submissions)))
    assert figures(run)["checks"]["chosen_again"] == {"same": 1, "of": 1}
    assert figures(turned)["checks"]["chosen_again"] == {"same": 0, "of": 1}


def test_a_problem_counts_under_each_of_its_tags_once_and_unknown_comes_last():
    runs = [
        make_run("a", [RIGHT], tags=("dp", "dp", "graphs"), rating=1350),
        make_run("b", [WRONG], tags=("dp",), rating=800),
        make_run("c", [WRONG]),
    ]
    tags = figures(*runs)["groups"]["tag"]
    assert [(part["group"], part["problems"]) for part in tags] == [("dp", 2), ("graphs", 1), ("unknown", 1)]
    assert [part["solved"][0]["problems"] for part in tags] == [1, 1, 0]
    assert [p["group"] for p in figures(*runs)["groups"]["rating"]] == ["0800-1199", "1200-1599", "unknown"]


def test_doubtful_problems_can_be_left_out():
    found = figures(make_run("a", [RIGHT]), make_run("b", [WRONG], doubtful="several outputs are listed"))
    assert found["doubtful"]["problems"] == 1
    assert found["doubtful"]["solved_of_the_others"][0]["value"] == 1.0


def test_cost_of_a_solved_problem_includes_what_the_unsolved_ones_cost():
    found = figures(make_run("a", [RIGHT], [0, 0]), make_run("b", [WRONG], [0, 0, 0]))
    tokens = found["cost"]["completion_tokens"]
    assert tokens["total"] == tokens["a_solved_problem"]["value"] == 50
    assert tokens["a_problem"]["value"] == 25


def test_guesses_do_not_flatter_calibration():
    found = figures(make_run("a", [RIGHT]), make_run("b", [FAILING]))
    assert found["calibration"]["submissions"]["weight"] == 1.0
    assert figures(make_run("b", [FAILING]))["calibration"] == {"survivors": None, "submissions": None}


def test_calibration_error_is_the_mean_distance_between_said_and_seen():
    runs = [make_run(f"p{i}", [Made((0,), right=i < 3)]) for i in range(4)]
    said = runs[0].submissions[0].confidence
    found = figures(*runs)["calibration"]["submissions"]
    assert found["error"]["value"] == pytest.approx(abs(said - 0.75), abs=1e-6)
    assert found["brier"] == pytest.approx(np.mean([(said - 1) ** 2] * 3 + [said**2]), abs=1e-6)
    assert found["bins"][0]["right"]["value"] == 0.75


def test_the_interval_of_the_calibration_error_holds_it():
    runs = [make_run(f"p{i}", [Made((i % 3,), right=i % 3 == 0)]) for i in range(12)]
    error = figures(*runs)["calibration"]["survivors"]["error"]
    assert 0 <= error["low"] <= error["value"] <= error["high"]
    assert error["low"] < error["high"]


def test_extra_tests_take_back_what_the_hidden_tests_let_through():
    lucky = make_run("lucky", [RIGHT], tags=("t",))
    sound = make_run("sound", [RIGHT])
    untold = make_run("untold", [RIGHT])
    extra = {
        "lucky": Rejudged("lucky", 9, 2, {"lucky/0": "WA"}, {}),
        "sound": Rejudged("sound", 9, 2, {"sound/0": "AC"}, {"a reference fails": 3}),
    }
    found = figures(lucky, sound, untold, extra=extra)
    told = found["false_positives"]
    assert (told["checked"], told["failed"], told["rate"]["value"]) == (2, 1, 0.5)
    assert told["strictly_solved"][0]["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["solved"][0]["value"] == 1.0
    assert figures(lucky)["false_positives"] is None


def test_an_internal_error_on_an_extra_test_is_no_false_positive():
    extra = {"p": Rejudged("p", 9, 2, {"p/0": "IE"}, {})}
    told = figures(make_run("p", [RIGHT]), extra=extra)["false_positives"]
    assert (told["checked"], told["failed"], told["rate"]) == (0, 0, None)
    assert told["strictly_solved"][0]["value"] == 1.0


def test_no_runs_give_empty_figures_and_not_a_crash():
    found = figures()
    assert found["problems"] == 0
    json.dumps(found, allow_nan=False)


def test_a_run_without_any_sample_solves_nothing():
    found = figures(make_run("p", [], []), make_run("q", [RIGHT]))
    assert found["pass_at_k"][0]["value"] == 0.5


@pytest.mark.parametrize(("ks", "ns"), [((0,), (1,)), ((1,), (0, 2)), ((), (1,))])
def test_numbers_below_one_are_refused(ks, ns):
    with pytest.raises(ValueError, match="numbers from 1"):
        figures(make_run(), ks=ks, ns=ns)


@pytest.mark.parametrize(("samples", "ns"), [(1, (1,)), (32, (1, 2, 4, 8, 16, 32)), (20, (1, 2, 4, 8, 16, 20))])
def test_default_ns_double_up_to_all_samples(samples, ns):
    assert default_ns(samples) == ns
