"""Benchmark runs: many problems of a data set, each with a run directory of its own, judged in another process."""
