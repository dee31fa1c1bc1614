"""Is exact comparison doubtful for this task: may a right program give another output than the expected one?

Signs only, told from the statement and the tests: nobody reads the statement. A checker that is a program is never
doubted.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from eval.task import Task
from sandbox.validators import PROGRAM_KINDS
from solver.formats.statement import examples_in_statement

_OBJECT = (
    r"(?:\w+[ -]){0,4}?(?:answers?|solutions?|ways?|outputs?|optimal|sequences?|permutations?|arrays?|strings?|orders?)"
)
_SIGNS = (
    r"\b(?:if|when|in case) there (?:are|is|exists?|exist) (?:multiple|several|many|more than one|various)\b",
    r"\b(?:multiple|several|many) (?:possible |correct |valid |optimal |such |different ){0,3}"
    r"(?:answers|solutions|outputs)\b",
    r"\bany (?:one )?of (?:them|these|those|the (?:possible|valid|correct|optimal|suitable))\b",
    r"\b(?:print|output|find|return|report|display|construct) any\b"
    r"(?! (?:case|register|number|extra|other|more))",
    r"\bany (?:valid|correct|suitable|possible|optimal|such|acceptable|appropriate|feasible) "
    rf"{_OBJECT}",
    r"\b(?:any|arbitrary) (?:one )?(?:answer|solution)\b",
    r"\b(?:print|output|return|report|answer|list)\b[^.]{0,100}\bin (?:any|arbitrary) order\b",
    r"\bany (?:answer|solution|output)s? (?:is|are|will be|would be) (?:accepted|considered)\b",
    r"\binteractive problem\b|\bflush the (?:output|stream)\b|\bfflush\(stdout\)",
    r"\bnot (?:necessarily )?unique\b|\bis not unique\b",
)
_ANY = re.compile("|".join(f"(?:{sign})" for sign in _SIGNS), re.IGNORECASE)
_LITERALS_ANYWAY = {"unordered_lines", "unordered_tokens"}


def doubtful(task: Task) -> str:
    """Why, in a few words; empty when nothing speaks for it."""
    checker = task.checker or task.problem.checker
    if checker.kind in PROGRAM_KINDS or checker.kind == "python" or (task.code and not task.tests):
        return ""
    return "; ".join(_reasons(task, unordered=checker.kind in _LITERALS_ANYWAY))


def _reasons(task: Task, *, unordered: bool) -> Iterator[str]:
    problem = task.problem
    if problem.mode != "function" and any(len(test.outputs) > 1 for test in task.tests):
        yield "a test lists several outputs"
    if _contradict(task):
        yield "two tests with the same input have different outputs"
    if not unordered and (sign := _ANY.search(" ".join(problem.statement.split()))):
        yield f"the statement says {sign[0].strip()[:60]!r}"
    if problem.mode != "function" and _differ(task):
        yield "an example's output is not the statement's"


def _contradict(task: Task) -> bool:
    pairs = [(example.input, example.output) for example in task.problem.examples]
    pairs += [(test.input, test.outputs[0]) for test in task.tests if len(test.outputs) == 1]
    first: dict[tuple[str, ...], tuple[str, ...]] = {}
    return any(not _alike(first.setdefault(_words(given), _words(output)), _words(output)) for given, output in pairs)


def _differ(task: Task) -> bool:
    """Whether the statement shows another output for the input of an example."""
    shown = {_words(example.input): _words(example.output) for example in examples_in_statement(task.problem.statement)}
    given = {_words(example.input): _words(example.output) for example in task.problem.examples}
    return any(not _alike(given[key], shown[key]) for key in given.keys() & shown)


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether they differ in notation at most, as `3.162277660` and `3.1623` do, or `YES` and `Yes`."""
    if [word.lower() for word in one] == [word.lower() for word in other]:
        return True
    try:
        pairs = zip(map(float, one), map(float, other), strict=True)
        return all(abs(a - b) <= 1e-3 * max(1.0, abs(a)) for a, b in pairs)
    except ValueError:
        return False


def _words(text: str) -> tuple[str, ...]:
    return tuple(html.unescape(text).split())
