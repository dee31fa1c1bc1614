"""Nothing of a hidden test reaches the engine, and no expected output reaches a candidate."""

import json
from pathlib import Path

from tests.e2e.answers import PROBLEM, RIGHT, fenced, record, solve

CANARY = "31415926535897932384"


def test_a_hidden_test_leaves_no_trace_in_prompts_or_run_directory(tmp_path: Path) -> None:
    ours = json.loads(PROBLEM.read_text())
    examples = {"input": [e["input"] for e in ours["examples"]], "output": [e["output"] for e in ours["examples"]]}
    hidden = {"input": [f"1\n{CANARY}\n"], "output": [CANARY]}
    path = tmp_path / "hidden.json"
    path.write_text(
        json.dumps(
            {
                "name": "fair-tickets",
                "description": ours["statement"],
                "public_tests": examples,
                "private_tests": hidden,
                "generated_tests": hidden,
                "solutions": {"language": [3], "solution": [f"print({CANARY})"]},
            }
        )
    )
    recording = record(tmp_path / "r.jsonl", [fenced(RIGHT)])
    done = solve(path, "--recorded", recording, "--json", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    prompts = solve(path, "--show-prompts").stdout
    assert ours["statement"][:40] in prompts
    written = [file.read_bytes() for file in (tmp_path / "run").rglob("*") if file.is_file()]
    assert not any(CANARY.encode() in content for content in [*written, prompts.encode(), done.stdout.encode()])


def test_an_expected_output_is_nowhere_in_the_process_that_runs_the_candidate(tmp_path: Path) -> None:
    """The candidate walks every object of its interpreter and its environment for the expected output."""
    ours = json.loads(PROBLEM.read_text())
    ours["examples"] = [{"input": "1\n2\n", "output": CANARY}]
    (tmp_path / "p.json").write_text(json.dumps(ours))
    spy = f"""
import gc, os, sys
wanted = {CANARY[::-1]!r}[::-1]
found = [o for o in gc.get_objects() if type(o) in (list, tuple, dict, set) and wanted in repr(o)[:10**6]
         and o is not globals()]
found += [v for v in os.environ.values() if wanted in v]
print(wanted if found else "nothing")
"""
    recording = record(tmp_path / "r.jsonl", [fenced(spy)])
    done = solve(tmp_path / "p.json", "--recorded", recording, "--json", "--out", tmp_path / "run")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["counts"]["verdicts"] == {"WA": 1}
