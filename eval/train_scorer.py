"""`solve train-scorer`: learn P(correct) from recorded pools and benchmark runs whose hidden verdicts are known."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import sklearn

from clustering.policies import Scorer, train
from clustering.policies.scorer import REGULARISATION, Example
from eval.bench.problem_run import load_runs
from eval.pools import Labelled, read_pool
from eval.pools.gather import Skipped, default_cache, gather
from solver.errors import UserError

_PATH = click.Path(path_type=Path)


@click.command("train-scorer")
@click.argument("sources", metavar="RUNS...", nargs=-1, required=True, type=_PATH)
@click.option("--problems", "files", multiple=True, type=_PATH, help="Where the problems are; may be repeated.")
@click.option("--out", required=True, type=_PATH, help="Where to write the scorer (JSON).")
@click.option(
    "--regularisation", default=REGULARISATION, show_default=True, help="Inverse strength C of the L2 penalty."
)
@click.option("--cache", type=_PATH, metavar="DIR", help="Where results of executions are kept.")
@click.option("--workers", type=click.IntRange(min=1), help="Sandbox workers.  [default: one per core]")
def train_scorer(
    sources: tuple[Path, ...],
    files: tuple[Path, ...],
    out: Path,
    regularisation: float,
    cache: Path | None,
    workers: int | None,
) -> None:
    """Train the scorer behind the default policy on RUNS.

    RUNS are directories of `solve bench`, or pools: files of recorded samples such as `solve samples` writes, whose
    programs are run first. Pools are learnt from in all settings they have: with and without examples, with and without
    model-written tests. Use the result with `solve run --scorer`, `solve bench --scorer` and `solve select --scorer`.
    """
    pools = [source for source in sources if not source.is_dir()]
    examples = [example for source in sources if source.is_dir() for example in run_examples(source)]
    problems = asyncio.run(_all(pools, files, cache or default_cache(), workers))
    examples += [example for problem in problems for example in settings(problem)]
    scorer = fit(examples, [source.name for source in sources], regularisation)
    try:
        scorer.save(out)
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written ({error.strerror})") from None
    print(json.dumps({"scorer": str(out), **scorer.recipe}))


def fit(examples: Sequence[Example], sources: Sequence[str], regularisation: float = REGULARISATION) -> Scorer:
    """Raises UserError when the examples hold nothing to tell right from wrong."""
    recipe = {
        "method": "L2-regularised logistic regression a setting, problems weigh the same",
        "sources": list(sources),
        "problems": len({evidence.problem for evidence, _ in examples}),
        "regularisation": regularisation,
        "scikit-learn": sklearn.__version__,
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    }
    try:
        return train(examples, regularisation=regularisation, recipe=recipe)
    except ValueError as error:
        raise UserError(f"cannot train on {', '.join(sources)}: {error}") from None


def run_examples(root: Path) -> Iterator[Example]:
    """The problems of a benchmark run. Programs that fail an example were run on nothing else, so there is only the
    setting in which they are dropped. Raises UserError."""
    for run in load_runs(root):
        if run.evidence.passes.any():
            yield run.evidence.without_tests(), run.right
            if run.evidence.tests is not None:
                yield run.evidence, run.right


def settings(problem: Labelled) -> Iterator[Example]:
    """The problem in every setting it can be seen in."""
    plain = problem.with_examples.without_tests()
    yield plain, problem.right
    yield plain.without_filter(), problem.right
    if problem.with_examples.tests is not None:
        yield problem.with_examples, problem.right
        yield problem.plain, problem.right


async def _all(pools: Sequence[Path], files: Sequence[Path], cache: Path, workers: int | None) -> list[Labelled]:
    return [
        one
        for pool in pools
        async for one in gather(read_pool(pool, files), cache, workers=workers)
        if not isinstance(one, Skipped)
    ]
