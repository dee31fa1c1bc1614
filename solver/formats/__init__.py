"""Problem files in, `Problem`s out. Formats are recognised by content; hidden tests are dropped here.

A converter reads only the public fields of a record, so nothing of a test set or a solution outlives this package.
"""

from solver.formats.loading import load_problem, problem_schema

__all__ = ["load_problem", "problem_schema"]
