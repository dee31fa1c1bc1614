"""Figures of benchmark runs, as plain data: what they mean is told in docs/metrics.md."""

from eval.metrics.compare import compare
from eval.metrics.export import FORMATS, export
from eval.metrics.summary import FORMAT, default_ns, summarise

__all__ = ["FORMAT", "FORMATS", "compare", "default_ns", "export", "summarise"]
