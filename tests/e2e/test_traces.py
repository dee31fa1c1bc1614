"""`solve --trace` in the real sandbox."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.answers import CRASH, PROBLEM, RIGHT, SUM_OF_ALL, fenced, record, solve, without_machine
from tests.tracing.spans import named, orphans, read


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return record(tmp_path / "some.jsonl", [fenced(RIGHT), fenced(SUM_OF_ALL), "No idea.", fenced(CRASH)])


def test_a_traced_run_reports_what_an_untraced_one_does_and_leaves_one_whole_tree(
    recording: Path, tmp_path: Path
) -> None:
    plain = solve(PROBLEM, "--recorded", recording, "--json", "--out", tmp_path / "plain", "--inputs", 3)
    traced = solve(PROBLEM, "--recorded", recording, "--json", "--out", tmp_path / "run", "--inputs", 3, "--trace")
    assert traced.returncode == 0, traced.stderr
    reports = [without_machine(json.loads(done.stdout)) for done in (plain, traced)]
    for report in reports:
        for submission in report["submissions"]:
            submission.pop("file", None)
            submission.pop("path", None)
    assert reports[0] == reports[1]
    spans = read(tmp_path / "run/traces.jsonl")
    (root,) = named(spans, "invoke_workflow")
    assert not orphans(spans)
    assert root.attributes["codesieve.samples"] == 4
    assert {"make", "sample", "look", "select"} <= {child.name.split()[0] for child in root.children}
    verdicts = {s.attributes["codesieve.verdict"] for s in named(spans, "execute")}
    assert {"AC", "WA", "RTE"} <= verdicts


def test_options_that_cannot_be_are_one_line_and_make_no_directory(recording: Path, tmp_path: Path) -> None:
    for wrong in (["--otlp", "nowhere"], ["--trace", "--trace-rate", "2"], ["--trace-content"]):
        done = solve(PROBLEM, "--recorded", recording, "--out", tmp_path / "run", *wrong)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert not (tmp_path / "run").exists()


def test_a_run_without_traces_imports_nothing_of_opentelemetry() -> None:
    code = "import sys, solver.session, solver.commands; print([m for m in sys.modules if 'opentelemetry' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
