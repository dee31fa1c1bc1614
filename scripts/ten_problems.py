"""Solve ten easy real problems with `solve`, then check the submissions on the hidden tests, outside the engine.

    scripts/ten_problems.py OUT                              a model on this machine
    scripts/ten_problems.py OUT --base-url URL               the same through an OpenAI-compatible endpoint
    scripts/ten_problems.py OUT --recorded FILE              the same from recorded samples

Prints a line a problem and, last, one JSON object. A run that is already in OUT is not done again.
The problems are read from $CODESIEVE_DATA (default ../shared/data).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("CODESIEVE_DATA", ROOT.parent / "shared" / "data")) / "problems"
CODE_CONTESTS = DATA / "code_contests_test.jsonl.gz"
APPS = DATA / "apps_train_sample.jsonl.gz"
PROBLEMS = [
    (CODE_CONTESTS, "1582_A. Luntik and Concerts"),
    (CODE_CONTESTS, "1591_A. Life of a Flower"),
    (CODE_CONTESTS, "1608_A. Find Array"),
    (CODE_CONTESTS, "1607_A. Linear Keyboard"),
    (CODE_CONTESTS, "1619_A. Square String?"),
    (APPS, "17"),
    (APPS, "2366"),
    (APPS, "2004"),
    (APPS, "2387"),
    (APPS, "2017"),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="directory for the ten runs")
    parser.add_argument("--base-url")
    parser.add_argument("--recorded", type=Path)
    parser.add_argument("--model", help="default: qwen2.5-coder-1.5b, or the endpoint's only model")
    parser.add_argument("--concurrency", default="16", help="endpoint requests in flight")
    parser.add_argument("--samples", default="64")
    parser.add_argument("--seed", default="7")
    parser.add_argument("--save-samples", type=Path, help="write all raw samples there (.jsonl.gz)")
    options = parser.parse_args()
    rows = [solve_one(file, record, index, options) for index, (file, record) in enumerate(PROBLEMS)]
    if options.save_samples:
        save_samples(options.out, options.save_samples)
    print(json.dumps({"problems": rows, "solved": sum(bool(row["solved"]) for row in rows)}))
    return 0


def solve_one(file: Path, record: str, index: int, options: argparse.Namespace) -> dict[str, object]:
    run = options.out / f"{index:02d}"
    if not (run / "report.json").exists():
        begun = (run / "config.json").exists()
        command = ["resume", str(run)] if begun else solve_arguments(file, record, run, options)
        subprocess.run([bin_path("solve"), *command, "--json"], check=False, stdout=subprocess.DEVNULL)
    report = json.loads((run / "report.json").read_text())
    check = [sys.executable, "-m", "eval.check_submissions", str(run), "--problem", str(file), "--id", record, "--json"]
    judged = subprocess.run(check, check=False, stdout=subprocess.PIPE, cwd=ROOT)
    row = {
        "problem": report["problem"],
        "samples": report["counts"]["samples"],
        "unique": report["counts"]["unique"],
        "passing_examples": report["counts"]["passing"],
        "submissions": len(report["submissions"]),
        "solved": judged.returncode == 0,
        "seconds": report["timing"]["elapsed_seconds"],
        "tokens_per_second": report["timing"]["tokens_per_second"],
    }
    print(" · ".join(f"{key} {value}" for key, value in row.items()), file=sys.stderr)
    return {**row, "programs": [submission["program"] for submission in report["submissions"]]}


def solve_arguments(file: Path, record: str, run: Path, options: argparse.Namespace) -> list[str]:
    arguments = [str(file), "--id", record, "--out", str(run), "--seed", options.seed]
    arguments += ["--samples", options.samples, "--plans", "direct", "--max-tokens", "512", "--agreement", "0"]
    if options.recorded:
        return [*arguments, "--recorded", str(options.recorded)]
    if options.base_url:
        arguments += ["--base-url", options.base_url, "--concurrency", options.concurrency]
    return [*arguments, "--model", options.model] if options.model else arguments


def save_samples(out: Path, target: Path) -> None:
    lines: list[bytes] = []
    for index in range(len(PROBLEMS)):
        part = out / f"{index:02d}.jsonl"
        subprocess.run([bin_path("solve"), "samples", str(out / f"{index:02d}"), str(part)], check=True)
        lines.append(part.read_bytes())
    with target.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(b"".join(lines))


def bin_path(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


if __name__ == "__main__":
    sys.exit(main())
