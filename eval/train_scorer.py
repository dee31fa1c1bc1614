"""`solve train-scorer`: learn P(correct) from recorded pools whose hidden verdicts are known."""

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
from eval.pools import Labelled, read_pool
from eval.pools.gather import Skipped, default_cache, gather
from solver.errors import UserError

_PATH = click.Path(path_type=Path)


@click.command("train-scorer")
@click.argument("pools", nargs=-1, required=True, type=_PATH)
@click.option("--problems", "files", multiple=True, type=_PATH, help="Where the problems are; may be repeated.")
@click.option("--out", required=True, type=_PATH, help="Where to write the scorer (JSON).")
@click.option(
    "--regularisation", default=REGULARISATION, show_default=True, help="Inverse strength C of the L2 penalty."
)
@click.option("--cache", type=_PATH, metavar="DIR", help="Where results of executions are kept.")
@click.option("--workers", type=click.IntRange(min=1), help="Sandbox workers.  [default: one per core]")
def train_scorer(
    pools: tuple[Path, ...],
    files: tuple[Path, ...],
    out: Path,
    regularisation: float,
    cache: Path | None,
    workers: int | None,
) -> None:
    """Train the scorer behind the default policy on POOLS, recorded samples such as `solve samples` writes.

    Each pool is learnt from in all settings it has: with and without examples, with and without model-written tests.
    Use it with `solve select --scorer`.
    """
    problems = asyncio.run(_all(pools, files, cache or default_cache(), workers))
    scorer = fit(problems, [pool.name for pool in pools], regularisation)
    scorer.save(out)
    print(json.dumps({"scorer": str(out), **scorer.recipe}))


def fit(problems: Sequence[Labelled], pools: Sequence[str], regularisation: float = REGULARISATION) -> Scorer:
    """Raises UserError when the pools hold nothing to tell right from wrong."""
    recipe = {
        "method": "L2-regularised logistic regression a setting, problems weigh the same",
        "pools": list(pools),
        "problems": len(problems),
        "regularisation": regularisation,
        "scikit-learn": sklearn.__version__,
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    }
    try:
        return train([e for p in problems for e in settings(p)], regularisation=regularisation, recipe=recipe)
    except ValueError as error:
        raise UserError(f"cannot train on {', '.join(pools)}: {error}") from None


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
