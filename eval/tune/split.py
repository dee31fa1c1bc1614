"""Which problems the search may look at, and which it must not: told by their names alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from eval.bench.config import read_config
from eval.bench.layout import BenchDirectory
from eval.bench.problem_run import ProblemRun, load_run
from eval.bench.verdicts import Verdicts
from solver.errors import UserError


@dataclass(frozen=True, slots=True)
class Split:
    """Names of problems, and the benchmark directories that hold their runs."""

    validation: tuple[str, ...]
    validation_in: tuple[Path, ...]
    test: tuple[str, ...]
    test_in: tuple[Path, ...]


def split_of(roots: Sequence[Path], test: Path | None, fraction: float, seed: int) -> Split:
    """fraction: of problems, for validation, each by a digest of seed and name, so that a problem stays on its side
    when others are added. test: instead, all of that directory but the problems that `roots` hold. Raises UserError."""
    names = sorted({name for root in roots for name in judged_names(root)})
    if test is not None:
        others = tuple(name for name in judged_names(test) if name not in set(names))
        found = Split(tuple(names), tuple(roots), others, (test,))
        if not others:
            raise UserError(f"{test}: no judged problem that is not among those to search on")
    else:
        chosen = [name for name in names if share_of(name, seed) < fraction]
        others = tuple(name for name in names if share_of(name, seed) >= fraction)
        found = Split(tuple(chosen), tuple(roots), others, tuple(roots))
        if names and not others:
            raise UserError(f"all {len(names)} problems fall into validation; lower --validation or give --test DIR")
    if not found.validation:
        raise UserError(
            f"{roots[0]}: no judged problem to search on; give finished benchmark runs or more --validation"
        )
    return found


def share_of(name: str, seed: int) -> float:
    """Between 0 and 1, evenly over names."""
    digest = blake2b(f"tune:{seed}:{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def judged_names(root: Path) -> list[str]:
    """Raises UserError when the directory is no benchmark run."""
    read_config(root)
    with Verdicts(BenchDirectory(root).verdicts, read_only=True) as verdicts:
        return [about.name for about in verdicts.problems(judged=True)]


def load(roots: Sequence[Path], names: Collection[str]) -> Iterator[ProblemRun]:
    """Runs of these problems; no other problem's directory or verdicts are opened. Raises UserError."""
    wanted = set(names)
    for root in roots:
        with Verdicts(BenchDirectory(root).verdicts, read_only=True) as verdicts:
            for about in verdicts.problems(judged=True):
                if about.name in wanted:
                    yield load_run(root / about.directory, about, verdicts)
