"""Models: what `--model` may name, and how the weights of our named models get into the cache."""

from solver.models.cache import remove
from solver.models.fetch import fetch
from solver.models.progress import LineProgress, Progress, RichProgress, Silent, console_progress
from solver.models.resolve import ModelInfo, ResolvedModel, list_models, resolve

__all__ = [
    "LineProgress",
    "ModelInfo",
    "Progress",
    "ResolvedModel",
    "RichProgress",
    "Silent",
    "console_progress",
    "fetch",
    "list_models",
    "remove",
    "resolve",
]
