"""Public data sets, streamed: problems for the engine, tasks for the judge, a reason for each that is skipped."""

from eval.datasets.doubt import doubtful
from eval.datasets.load import Skipped, placed_tasks, problems, reference_solutions, tasks
from eval.datasets.registry import DATA_SETS
from eval.datasets.spec import DatasetSpec

__all__ = [
    "DATA_SETS",
    "DatasetSpec",
    "Skipped",
    "doubtful",
    "placed_tasks",
    "problems",
    "reference_solutions",
    "tasks",
]
