"""Problems that are not run: told once each, whatever a crash left of the file."""

from pathlib import Path

from eval.bench.layout import BenchDirectory
from eval.bench.skips import skip, skipped


def test_a_problem_is_skipped_once_for_a_reason(tmp_path: Path) -> None:
    bench = BenchDirectory(tmp_path)
    for _ in range(2):
        skip(bench, "a", "no samples")
        skip(bench, "b", "no samples")
    assert skipped(bench) == [("a", "no samples"), ("b", "no samples")]


def test_a_line_cut_short_is_none_and_spoils_no_other(tmp_path: Path) -> None:
    bench = BenchDirectory(tmp_path)
    skip(bench, "a", "no samples")
    with bench.skipped.open("ab") as file:
        file.write(b'{"problem": "b", "rea')
    assert skipped(bench) == [("a", "no samples")]
    skip(bench, "b", "no samples")
    assert skipped(bench) == [("a", "no samples"), ("b", "no samples")]
