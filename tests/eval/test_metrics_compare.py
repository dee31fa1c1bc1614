"""Comparing runs, and writing results for other tools."""

import json
from itertools import product

import pytest
from click.testing import CliRunner

from eval.compare_command import compare as command
from eval.metrics import compare as compare_runs
from eval.metrics import export, summarise
from eval.metrics.compare import sign_test
from eval.metrics.export import read_results
from eval.metrics.markdown import as_markdown
from solver.errors import UserError
from tests.eval.runs import SCORER, Made, make_run


def results(hits, ks=(1, 2), **about):
    """By problem whether its only program is right."""
    runs = [make_run(name, [Made(right=hit), Made((1,))], [0, 0, 1], **about) for name, hit in hits.items()]
    return summarise(runs, ks, (1, 2, 3), scorer=SCORER, resamples=200)


def compare(results):
    return compare_runs(results, resamples=500)


A = {"p": True, "q": False, "r": True, "s": False}
B = {"p": True, "q": True, "r": False, "t": True}


def only(found):
    (one,) = found["comparisons"]
    return one


def test_only_shared_problems_count_and_the_others_are_named():
    one = only(compare({"a": results(A), "b": results(B)}))
    assert (one["problems"], one["only_in_base"], one["only_in_run"]) == (3, ["s"], ["t"])
    assert one["solved"][0]["base"] == one["solved"][0]["run"] == pytest.approx(2 / 3, abs=1e-6)


def test_flipped_problems_are_named_in_their_direction():
    row = only(compare({"a": results(A), "b": results(B)}))["solved"][0]
    assert (row["won"], row["lost"]) == (["q"], ["r"])


def test_a_run_differs_from_itself_by_nothing_in_every_resample():
    one = only(compare({"a": results(A), "b": results(A)}))
    for row in (one["solved"][0], one["coverage"], *one["pass_at_k"], *one["n_at_k"]):
        assert row["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert one["solved"][0]["p_value"] == 1.0


def test_pairing_narrows_the_interval():
    """Most problems agree, so the difference is surer than either share."""
    a = {f"p{i}": i % 2 == 0 for i in range(60)}
    b = a | {"p1": True}
    row = only(compare({"a": results(a), "b": results(b)}))["solved"][0]
    single = results(a)["solved"][0]
    assert row["difference"]["high"] - row["difference"]["low"] < (single["high"] - single["low"]) / 2


def test_turning_the_runs_round_turns_the_differences_round():
    there = only(compare({"a": results(A), "b": results(B)}))["n_at_k"]
    back = only(compare({"b": results(B), "a": results(A)}))["n_at_k"]
    assert [row["difference"]["value"] for row in there] == [-row["difference"]["value"] for row in back]


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (3, 0), (5, 2), (1, 6)])
def test_the_sign_test_counts_splits_that_are_no_likelier(won, lost):
    n = won + lost
    splits = [sum(flips) for flips in product((0, 1), repeat=n)]
    here = splits.count(won)
    assert sign_test(won, lost) == pytest.approx(sum(splits.count(s) <= here for s in splits) / 2**n)


def test_several_runs_are_each_compared_with_the_first():
    found = compare({"a": results(A), "b": results(B), "c": results(A)})
    assert [one["run"] for one in found["comparisons"]] == ["b", "c"]


def test_runs_judged_on_different_tests_are_called_unlike():
    one = only(compare({"a": results(A), "b": results(A, hidden_tests=9)}))
    assert one["unlike"] == ["4 problems were judged on different numbers of hidden tests"]


def test_only_numbers_that_both_runs_have_are_compared():
    one = only(compare({"a": results(A, ks=(1, 2)), "b": results(A, ks=(2, 5))}))
    assert [row["k"] for row in one["solved"]] == [2]


def test_runs_without_a_common_problem_cannot_be_compared():
    with pytest.raises(UserError, match="a and b share no problem"):
        compare({"a": results({"p": True}), "b": results({"q": True})})


def saved(tmp_path, name, found):
    export(found, tmp_path / name)
    return str(tmp_path / name)


def test_the_command_shows_flips_as_text_json_and_markdown(tmp_path):
    paths = [saved(tmp_path, "one", results(A)), saved(tmp_path, "two", results(B))]
    shown = CliRunner().invoke(command, paths, catch_exceptions=False)
    assert "k = 1, won: q" in shown.output
    assert "k = 1, lost: r" in shown.output
    told = json.loads(CliRunner().invoke(command, [*paths, "--json"], catch_exceptions=False).output)
    assert told["base"] == "one"
    assert only(told)["solved"][0]["won"] == ["q"]
    text = CliRunner().invoke(command, [*paths, "--markdown"], catch_exceptions=False).output
    assert "| k | one | two | difference | won | lost | p |" in text


def test_names_that_look_like_markup_are_shown_as_they_are(tmp_path):
    a, b = {"[red]p[/red]": False}, {"[red]p[/red]": True}
    paths = [saved(tmp_path, "[bold]", results(a)), saved(tmp_path, "[/x]", results(b))]
    assert "won: [red]p[/red]" in CliRunner().invoke(command, paths, catch_exceptions=False).output


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path):
    paths = [saved(tmp_path, "monday/run", results(A)), saved(tmp_path, "tuesday/run", results(B))]
    told = json.loads(CliRunner().invoke(command, [*paths, "--json"], catch_exceptions=False).output)
    assert (told["base"], only(told)["run"]) == ("monday/run", "tuesday/run")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "there is no such file"),
        ("{", "cannot be read"),
        ("[]", "is not in the format"),
        ('{"format": "codesieve-metrics/0"}', "but in codesieve-metrics/0"),
    ],
)
def test_what_is_no_results_file_is_refused_in_one_line(tmp_path, content, reason):
    good = saved(tmp_path, "good", results(A))
    bad = tmp_path / "bad.json"
    if content is not None:
        bad.write_text(content)
    with pytest.raises(UserError, match=reason) as caught:
        CliRunner().invoke(command, [good, str(bad)], catch_exceptions=False)
    assert "\n" not in str(caught.value)


def test_one_run_is_not_enough_and_twice_the_same_is_a_mistake(tmp_path):
    one = saved(tmp_path, "one", results(A))
    with pytest.raises(UserError, match="at least two"):
        CliRunner().invoke(command, [one], catch_exceptions=False)
    with pytest.raises(UserError, match="given twice"):
        CliRunner().invoke(command, [one, f"{one}/results.json"], catch_exceptions=False)


def test_json_comes_back_as_it_was(tmp_path):
    found = results(A)
    export(found, tmp_path)
    assert read_results(tmp_path) == found


def test_parquet_holds_a_row_a_problem_and_a_row_a_point_of_its_curve(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    found = results(A, tags=("dp",), rating=None)
    export(found, tmp_path, ["parquet"])
    problems = parquet.read_table(tmp_path / "problems.parquet").to_pylist()
    assert [row["problem"] for row in problems] == list(A)
    assert [row["solved_1"] for row in problems] == list(A.values())
    assert problems[0]["tags"] == ["dp"]
    curves = parquet.read_table(tmp_path / "curves.parquet").to_pylist()
    assert len(curves) == len(A) * 3 * 2
    assert {(row["n"], row["k"]) for row in curves} == set(product((1, 2, 3), (1, 2)))


def test_markdown_tables_survive_names_that_would_break_them():
    found = results({"p": True, "q": False}, tags=("a|b", "c\nd", "<b>"))
    text = as_markdown(found)
    assert "| a\\|b |" in text
    assert "| c d |" in text
    assert "<b>" not in text
    widths = {line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("| a\\|b")}
    assert widths == {next(line.count("|") for line in text.splitlines() if line.startswith("| tag"))}


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(UserError, match="there is no export format 'xls'"):
        export(results(A), tmp_path, ["xls"])


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        export(results(A), tmp_path / "file" / "below")
