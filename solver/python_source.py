"""What a Python source says about itself, read from its parse tree; nothing is executed."""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Set

_READS = {"input", "raw_input", "stdin", "open", "read", "readline", "readlines", "fileinput"}
_WRITES = {"print", "stdout", "write", "open", "writelines"}
_PYTHON2 = re.compile(r"^[ \t]*print[ \t]+(?:[\"'\w(\[-]|>>)|^[ \t]*except[ \t]+[\w.]+[ \t]*,[ \t]*\w+[ \t]*:", re.M)
_BUILTINS = frozenset(dir(builtins)) | {"__file__", "__doc__"}
_TRIES = 3


def parse(source: str) -> ast.Module | None:
    """The parse tree, or None for whatever this Python cannot parse (also for depth and odd characters)."""
    for _ in range(_TRIES):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        except SystemError:  # CPython gh-106905: a collection in the middle of it upsets the count of its depth
            continue
    return None


def error_line(source: str) -> int | None:
    """The 1-based line at which parsing fails; None when it does not or the place is unknown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except SyntaxError as error:
        return error.lineno
    except (ValueError, RecursionError, MemoryError):
        return None
    return None


def is_python2(source: str) -> bool:
    """Whether a source that does not parse has print statements or `except X, e`."""
    return bool(_PYTHON2.search(source))


def defines(tree: ast.Module, entry_point: str) -> bool:
    """Whether the module binds `f`, or a class with the method for `Solution().f`."""
    owner, _, method = entry_point.rpartition(".")
    if not owner:
        return entry_point in bound_names(tree)
    name = owner.removesuffix("()")
    return any(
        isinstance(node, ast.ClassDef)
        and node.name == name
        and any(isinstance(m, (ast.FunctionDef, ast.AsyncFunctionDef)) and m.name == method for m in node.body)
        for node in tree.body
    )


def bound_names(tree: ast.Module) -> set[str]:
    """Names that module-level statements bind, as far as plain reading tells."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            names.update(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return names


def missing_names(tree: ast.Module) -> set[str]:
    """Names that are read somewhere and bound nowhere in the module."""
    read: set[str] = set()
    bound = bound_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return read - bound - _BUILTINS


def only_defines(tree: ast.Module) -> bool:
    """Whether running the module does no more than bind functions, classes, imports and plain values."""
    return all(
        isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign))
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in tree.body
    )


def is_idle(statement: ast.stmt) -> bool:
    """Whether a statement is a mere expression without a call, as a word of prose is."""
    return isinstance(statement, ast.Expr) and not any(isinstance(n, ast.Call) for n in ast.walk(statement))


def wholeness(tree: ast.Module, names: Set[str]) -> int:
    """How much it looks like a whole stdio program: 0 data or prose, 1 code, 2 reads or writes, 3 both.

    names: those in it, attributes and imports too.
    """
    if all(is_idle(n) for n in tree.body):
        return 0
    return 1 + (not names.isdisjoint(_READS)) + (not names.isdisjoint(_WRITES))


def all_names(tree: ast.Module) -> set[str]:
    """Names, attributes and imports, for a tree of any depth."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found.add(node.name)
    return found
