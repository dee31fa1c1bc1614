"""What a contest statement says about itself: its examples, and how freely an answer may be written.

Not covered: examples inside tables or images, and "print any answer" (no checker can be told from prose).
"""

from __future__ import annotations

import re

from sandbox import CheckerSpec
from solver.problem import Example

MAX_TITLE_CHARS = 200

_DECORATED = re.compile(r"-{3,}\s*(\w.*?)\s*-{3,}")
_TITLE_EDGE = "#*=_-: \t\u00a0"
_NUMBER = r"(?:\s*(?:#|no\.?)?\s*\d+)?"
_HEADING = re.compile(rf"(?:sample|example)s?(?: tests?| cases?| test cases?)?{_NUMBER}", re.IGNORECASE)
_INPUT = re.compile(
    rf"(?P<own>(?:sample|example|test)s? )?input(?P<after> (?:sample|example)s?)?{_NUMBER}", re.IGNORECASE
)
_OUTPUT = re.compile(
    rf"(?P<own>(?:sample|example|test|expected)s? )?output(?P<after> (?:sample|example)s?"
    rf"| for(?: the)? (?:sample|example)s?(?: input)?)?{_NUMBER}",
    re.IGNORECASE,
)
_END = re.compile(
    r"(?:notes?|explanations?|hints?|constraints?|scoring|sub-?tasks?|source|limits|remarks?|<image>)"
    r"|(?:explanation|note|hint)\b.*[:.].*"
    r"|(?:explanation|note) (?:of|for|to) .*",
    re.IGNORECASE,
)

_MINUS = r"[-−–]"
_TOLERANCE = re.compile(
    r"(?:absolute|relative|error|accura|precision|differ|toleran)[^\n]{0,200}?"
    rf"(?:\b10\s*\^?\s*\{{?\s*{_MINUS}\s*(?P<power>\d{{1,2}})|\b(?P<decimal>0\.0*1)\b|\b1e{_MINUS}(?P<e>\d{{1,2}})\b)",
    re.IGNORECASE,
)
_ANY_CASE = re.compile(
    r"\bin (?:any|either) (?:case|register)\b|case[ -]insensitive"
    r"|\b(?:upper|lower)[- ]?case or (?:upper|lower)[- ]?case\b.{0,60}(?:answer|output|print)",
    re.IGNORECASE,
)


def examples_in_statement(statement: str) -> list[Example]:
    """The `Input` / `Output` blocks under an examples heading, in order.

    Knows Codeforces' and CodeContests' headings, APPS's (`-----Examples-----`, `-----Sample Input-----`), CodeChef's
    (`Input:`), AIZU's and AtCoder's (`Sample Input 1`, `Output for the Sample Input`). Blank lines around a block
    are dropped, those inside are kept; a block always ends in a newline.
    """
    found: list[Example] = []
    under_heading = False
    part: str | None = None
    blocks: dict[str, list[str]] = {"input": [], "output": []}

    def close() -> None:
        given, wanted = _block(blocks["input"]), _block(blocks["output"])
        if part == "output" and wanted:
            found.append(Example(input=given, output=wanted))
        blocks["input"], blocks["output"] = [], []

    for line in statement.splitlines():
        title, decorated = _title(line)
        given, wanted = _INPUT.fullmatch(title), _OUTPUT.fullmatch(title)
        if given and (given["own"] or given["after"] or (under_heading and not decorated)):
            close()
            part = "input"
        elif wanted and part == "input" and (wanted["own"] or wanted["after"] or under_heading or not decorated):
            part = "output"
        elif _HEADING.fullmatch(title):
            close()
            part, under_heading = None, True
        elif decorated or (part == "output" and _END.fullmatch(title)):
            close()
            part, under_heading = None, False
        elif part:
            blocks[part].append(line)
    close()
    return found


def checker_in_statement(statement: str, examples: list[Example]) -> CheckerSpec:
    """Tokens; with a tolerance or in any letter case where the statement grants it."""
    tolerance = _tolerance(statement)
    any_case = bool(_ANY_CASE.search(statement))
    if tolerance is not None and any("." in example.output for example in examples):
        return CheckerSpec(kind="floats", abs_tolerance=tolerance, rel_tolerance=tolerance, case_sensitive=not any_case)
    return CheckerSpec(case_sensitive=not any_case)


def _tolerance(statement: str) -> float | None:
    found = _TOLERANCE.search(statement)
    if found is None:
        return None
    if found["decimal"]:
        return float(found["decimal"])
    return float(f"1e-{found['power'] or found['e']}")


def _title(line: str) -> tuple[str, bool]:
    """The line without its decoration, and whether it was decorated like `-----Output-----`."""
    if len(line) > MAX_TITLE_CHARS:
        return "", False
    decorated = _DECORATED.fullmatch(line.strip())
    text = decorated[1] if decorated else line
    return text.strip(_TITLE_EDGE), decorated is not None


def _block(lines: list[str]) -> str:
    inked = [index for index, line in enumerate(lines) if line.strip()]
    if not inked:
        return ""
    return "\n".join(line.rstrip("\r") for line in lines[inked[0] : inked[-1] + 1]) + "\n"
