"""MBPP+ (and HumanEval+) records: inputs without outputs, so the reference is run twice, in two ways, and compared.

Once as a program that reads all inputs, keeps the contract and prints each value; once in function mode, without
the contract: all inputs as one call's arguments, and each base input as a call of its own. JSON has lost tuples,
sets and complex numbers: an argument gets the types that the asserted calls of the record show. Of a value only
its truth counts where the record asserts no more. An input that breaks the contract has no right output and is left
out.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from solver.formats.fields import BadRecord, Record, text_field

BROKEN_CONTRACT = "broken contract"
RAISED = "raised "

# Prints go elsewhere, so that what the solution prints cannot pass for a value.
_DRIVER = """

import io as _io, sys as _sys
_out, _sys.stdout = _sys.stdout, _io.StringIO()
for _line in _sys.stdin:
    try:
        _value = {compared}({entry_point}(*eval(_line)))
        print(repr(dict(_value) if isinstance(_value, dict) else _value), file=_out)
    except Exception as _error:
        _broken = isinstance(_error, AssertionError) and _error.args == ("invalid inputs",)
        print({broken!r} if _broken else {raised!r} + type(_error).__name__, file=_out)
_out.flush()
"""


_CALLS = """

def _call_one(*arguments):
    return {compared}({entry_point}(*arguments))

def _call_all(*inputs):
    values = []
    for arguments in inputs:
        try:
            values.append((_call_one(*arguments), None))
        except Exception as error:
            values.append((None, type(error).__name__))
    return values
"""
CALL_ONE, CALL_ALL = "_call_one", "_call_all"


def argument_lists(record: Record) -> list[list[Any]]:
    """All inputs, base and plus, with the types that the asserted calls show. Raises BadRecord."""
    inputs = [*record.get("base_input", ()), *record.get("plus_input", ())]
    if not all(isinstance(arguments, list) for arguments in inputs):
        raise BadRecord("`base_input` and `plus_input` must be lists of argument lists")
    shown = list(_asserted_calls(record))
    return [
        [_typed(value, [call[i] for call in shown if i < len(call)]) for i, value in enumerate(arguments)]
        for arguments in inputs
    ]


def argument_text(arguments: Sequence[Any]) -> str:
    """The arguments as function mode takes them."""
    return ", ".join(map(repr, arguments))


def printing_program(record: Record) -> str:
    """Reads a tuple of arguments a line and prints the value's literal, BROKEN_CONTRACT or RAISED and a name."""
    entry_point = text_field(record, "entry_point", required=True)
    source = _with_contract(solution(record), entry_point, text_field(record, "contract"))
    return source + _DRIVER.format(
        entry_point=entry_point, compared=_compared(record), broken=BROKEN_CONTRACT, raised=RAISED
    )


def calling_program(record: Record) -> str:
    """The solution with the driver behind it."""
    return solution(record) + calls_driver(record)


def calls_driver(record: Record) -> str:
    """Defines CALL_ONE, and CALL_ALL: from argument lists to a pair of value and error's name for each."""
    entry_point = text_field(record, "entry_point", required=True)
    return _CALLS.format(entry_point=entry_point, compared=_compared(record))


def expected_pairs(printed: Sequence[str]) -> str:
    """What CALL_ALL returns, from what the printing program printed for the same inputs."""
    pairs = (
        f"(None, {line.removeprefix(RAISED)!r})" if line.startswith(RAISED) else f"({line}, None)" for line in printed
    )
    return f"[{', '.join(pairs)}]"


def solution(record: Record) -> str:
    """The canonical solution as a module: HumanEval+ keeps its head in the prompt."""
    canonical = text_field(record, "canonical_solution", required=True)
    return canonical if _functions(canonical) else text_field(record, "prompt") + canonical


def _compared(record: Record) -> str:
    """What is compared of a value: its truth where the record asserts no more (`assert f(x)`, `assert not f(y)`)."""
    asserted = [
        node.test for node in ast.walk(ast.parse(text_field(record, "assertion"))) if isinstance(node, ast.Assert)
    ]
    bare = [
        test.operand if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) else test for test in asserted
    ]
    return "bool" if bare and all(_calls(test, text_field(record, "entry_point")) for test in bare) else ""


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _functions(source: str) -> list[ast.FunctionDef]:
    try:
        return [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    except SyntaxError:
        return []


def _with_contract(source: str, entry_point: str, contract: str) -> str:
    """The source with the contract's assertions at the head of the function. Raises BadRecord."""
    module = ast.parse(source)
    named = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == entry_point]
    if not named:
        raise BadRecord(f"`canonical_solution` does not define {entry_point}")
    try:
        named[-1].body[:0] = ast.parse(textwrap.dedent(contract)).body
    except SyntaxError as error:
        raise BadRecord(f"`contract` does not parse: {error}") from None
    return ast.unparse(ast.fix_missing_locations(module))


def imports(record: Record) -> str:
    """The solution's import statements: the record's asserts stand in one file with it, and may rely on them."""
    tree = ast.parse(solution(record))
    return "\n".join(ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))


def _asserted_calls(record: Record) -> Iterable[list[Any]]:
    entry_point = text_field(record, "entry_point")
    for node in ast.walk(ast.parse(text_field(record, "assertion"))):
        if isinstance(node, ast.Call) and _calls(node, entry_point):
            try:
                yield [ast.literal_eval(argument) for argument in node.args]
            except ValueError:
                continue  # `14 * 14`: its types are those of JSON anyway


def _typed(value: Any, shown: Sequence[Any]) -> Any:
    """The JSON value with the types of values shown in its place."""
    if isinstance(value, str) and shown and not any(isinstance(example, str) for example in shown):
        return _literal(value)
    if isinstance(value, dict):
        members = [member for example in shown if isinstance(example, dict) for member in example.values()]
        return {key: _typed(member, members) for key, member in value.items()}
    if not isinstance(value, list):
        return value
    collections = [example for example in shown if isinstance(example, list | tuple | set | frozenset)]
    typed = [_typed(member, _shown_at(i, collections)) for i, member in enumerate(value)]
    return type(collections[0])(typed) if collections else typed


def _literal(text: str) -> Any:
    """`(1+2j)`, which JSON has as text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _shown_at(index: int, collections: Sequence[Any]) -> list[Any]:
    """The members at a place (`("a", [1])`); all of them where the examples are shorter."""
    ordered = [collection for collection in collections if isinstance(collection, list | tuple)]
    there = [collection[index] for collection in ordered if index < len(collection)]
    return there or [member for collection in collections for member in collection]
