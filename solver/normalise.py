"""Program texts that certainly behave alike get one key, so that each is executed once.

Python: the parse tree without docstrings. C++: the preprocessing tokens. Names are kept: renaming would merge
programs whose names matter (`globals()`, macros). What is executed is the original text of the first program
with a key. Not kept apart: Python programs that read their own source or line numbers.
"""

from __future__ import annotations

import hashlib
import re

from solver.cpp_source import canonical_lines
from solver.python_canon import canon
from solver.python_source import parse

_READS_LINE = re.compile(r"__LINE__|source_location")


def program_key(source: str, language: str, normalised: str | None = None) -> str:
    """Hex SHA-256 of the language and the normalised source. normalised: that, where it is known already."""
    text = f"{language}\0{normalise(source, language) if normalised is None else normalised}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def normalise(source: str, language: str) -> str:
    """A canonical text: equal for programs that differ in comments, white space and docstrings only.

    A source that cannot be read, or is in a language without rules here, stands for itself.
    """
    if language == "python":
        return _python(source)
    if language == "cpp":
        return _cpp(source)
    return source


def _python(source: str) -> str:
    tree = parse(source)
    if tree is None:
        return source
    try:
        return canon(tree, docstrings=keeps_docstrings(source)).text
    except RecursionError:
        return source


def keeps_docstrings(source: str) -> bool:
    """Whether a Python program may read its docstrings."""
    return "__doc__" in source


def _cpp(source: str) -> str:
    lines = None if _READS_LINE.search(source) else canonical_lines(source)
    # A macro with `#` in its body turns an argument into a string and so sees the white space.
    if lines is None or any("#" in line[1:] for line in lines):
        return source
    return "\n".join("".join(line).rstrip() if line[0] == "#" else " ".join(line) for line in lines)
