"""Recorded pools: samples of real models, run once, so that ways of choosing can be compared on the same programs."""

from eval.pools.model import Hidden, PoolProblem, PoolSample
from eval.pools.read import read_pool
from eval.pools.store import Labelled, load_labelled, save_labelled

__all__ = ["Hidden", "Labelled", "PoolProblem", "PoolSample", "load_labelled", "read_pool", "save_labelled"]
