"""The report of a benchmark run for people: one HTML file that needs nothing else, no network and no script."""

from eval.report.write import write_report

__all__ = ["write_report"]
