"""Answers are read in one pass; what comes out is what the slower ways give."""

import ast
import sys
from pathlib import Path

import pytest

from solver.extract import extract
from solver.normalise import normalise, program_key
from solver.problem import Problem
from solver.python_canon import canon
from solver.python_source import all_names, parse
from solver.reading import AnswerReader
from solver.samplers import Sample

STDLIB = sorted(Path(ast.__file__).parent.glob("*.py"))[::4]
AWKWARD = [
    "def f():\n    'Docs.'\n    return input()\nprint(f())\n",
    "class A:\n    'Only docs.'\nprint(A.__doc__)\n",
    "'Docs.'\n'More.'\nprint(1)\n",
    "async def f():\n    'Docs.'\n",
    "x = {None: 1, **{}}\ndef f(a, *, b, c=1): global x, y\n",
    "match x:\n    case A(b=1, c=None): pass\n",
    "print(f'{x!r:>{w}}', u'a', b'b', 1e400, ...)\n",
    "from . import a\nfrom .. import b as c\nlambda *a, **k: (yield)\n",
    "x = 1\n\\\n",
    "print(1) \\\n\n",
]


def sample(text: str, finish_reason: str = "stop") -> Sample:
    return Sample(0, 0, text, "m", "direct", "python", 0.7, 9, 11, 5, -0.25, finish_reason)


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="ast.dump leaves out empty lists from here on")
@pytest.mark.parametrize("source", [*AWKWARD[:-2], *STDLIB], ids=lambda s: s.name if isinstance(s, Path) else None)
def test_the_canonical_text_is_that_of_ast_dump(source: str | Path) -> None:
    text = source.read_text() if isinstance(source, Path) else source
    tree = ast.parse(text)
    found = canon(tree, docstrings=True)
    assert found.text == ast.dump(tree)
    assert found.names == all_names(tree)


@pytest.mark.parametrize("source", AWKWARD)
def test_what_extraction_knows_of_the_normal_form_is_the_normal_form(source: str) -> None:
    found = extract(f"Here:\n\n```python\n{source}\n```\n", finish_reason="stop", wanted_language="python")
    if found.source is not None and found.normalised is not None:
        assert found.normalised == normalise(found.source, "python")


def test_a_tree_that_is_too_deep_is_still_a_program_and_stands_for_itself() -> None:
    source = f"print({'+'.join(['1'] * 1500)})"
    found = extract(f"```python\n{source}\n```", finish_reason="stop", wanted_language="python")
    assert parse(source) is not None
    assert found.source == f"{source}\n"
    assert found.normalised is None


def test_the_same_text_that_was_cut_off_is_read_anew() -> None:
    reader = AnswerReader(Problem(name="p", statement="s"), frozenset({"python"}))
    open_block = "```python\nprint(1)\n"
    assert reader.read(sample(open_block)).program is not None
    assert reader.read(sample(open_block, "length")).reason == "truncated"


def test_a_program_has_the_key_of_its_source_and_no_program_without_a_toolchain() -> None:
    reader = AnswerReader(Problem(name="p", statement="s"), frozenset({"python"}))
    read = reader.read(sample("```python\nprint( 1 )  # one\n```"))
    assert read.program is not None
    assert read.program.key == program_key("print(1)", "python")
    cpp = reader.read(sample('```cpp\n#include <cstdio>\nint main() { puts("1"); }\n```'))
    assert (cpp.reason, cpp.program) == ("no_toolchain", None)


@pytest.mark.parametrize(("faults", "read"), [(1, True), (100, False)])
def test_a_parser_that_loses_count_of_its_depth_is_asked_again_and_not_for_ever(
    faults: int, read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [SystemError("AST constructor recursion depth mismatch")] * faults
    real = ast.parse

    def parser(source: str) -> ast.Module:
        if left:
            raise left.pop()
        return real(source)

    monkeypatch.setattr(ast, "parse", parser)
    assert (parse("print(1)") is not None) is read
