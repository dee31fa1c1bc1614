"""The program in a model's answer: fenced or not, among several blocks, wrapped in prose, cut off.

A program that was cut off is dropped, never repaired. Not covered: languages other than Python 3 and C++ (refused by
their tag), HTML entities (left alone), answers that edit an earlier answer.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from solver.cpp_source import has_main, is_balanced, looks_like_cpp
from solver.fences import Block, fenced_blocks
from solver.normalise import keeps_docstrings
from solver.python_canon import canon
from solver.python_source import (
    all_names,
    bound_names,
    defines,
    error_line,
    is_idle,
    is_python2,
    missing_names,
    only_defines,
    parse,
    wholeness,
)

MAX_ANSWER_CHARS = 2**19
MAX_SOURCE_BYTES = 2**16  # what Codeforces accepts; AlphaCode's data has the same origin

_CUT_OFF = frozenset({"length", "max_tokens", "abort", "cancelled", "content_filter", "error"})
_DATA_TAGS = frozenset(
    """bash cmd console csv diff in input json makefile markdown md none out output plain plaintext sample sh shell
    terminal text txt xml yaml zsh""".split()  # noqa: SIM905
)
_FOREIGN_TAGS = frozenset(
    """ada c# clojure cs csharp d dart elixir erlang f# fortran go golang haskell hs html java javascript js jsx julia
    kotlin kt lisp lua matlab nim objc ocaml pascal perl php prolog pseudo pseudocode r rb rs ruby rust scala scheme
    sql swift ts typescript vb zig""".split()  # noqa: SIM905
)
_THOUGHT = re.compile(r"\s*<(think|thinking)>")
_CODE_START = re.compile(r"(import|from|def|class|for|while|if|try|with|async|print)\b|@\w|\w+(\s*,\s*\w+)*\s*=[^=]|#!")
_CODE_LINE = re.compile(r"^[ \t]*(import|from|def|class|for|while|if|print)\b", re.MULTILINE)
_CONTINUATION_END = re.compile(r"\n(?=if\b|print\b|assert\b|#|```|<|\"\"\"|''')")
_MAX_PARSES = 40
_MAX_BLOCKS = 32


class Reason(StrEnum):
    """What came of an answer; everything but OK means that it was dropped."""

    OK = "ok"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    NO_CODE = "no_code"
    SYNTAX_ERROR = "syntax_error"
    PYTHON2 = "python2"
    UNSUPPORTED_LANGUAGE = "unsupported_language"
    TOO_LONG = "too_long"
    BAD_TEXT = "bad_text"  # NUL bytes, lone surrogates


@dataclass(frozen=True, slots=True)
class Extraction:
    """`source` and `language` ("python" or "cpp") are set exactly when `reason` is OK.

    normalised: `solver.normalise.normalise` of the source, where it came about on the way.
    """

    source: str | None
    language: str | None
    reason: Reason
    normalised: str | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class _Found:
    source: str
    language: str
    wholeness: int  # `python_source.wholeness`; function mode: 3 defines the entry point, 2 with the starter code
    normalised: str | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    language: str
    function: bool
    entry_point: str
    starter_code: str


def extract(
    text: str,
    *,
    finish_reason: str,
    wanted_language: str,
    mode: str = "stdio",
    entry_point: str = "",
    starter_code: str = "",
) -> Extraction:
    """The program in an answer: of its complete code blocks the last that looks like a whole program.

    finish_reason: the sampler's; "length" and the like mark a cut-off answer, whose unclosed block is dropped.
    In function mode a program has to define `entry_point` (`f` or `Solution().f`); a bare body or a continuation
    is joined to `starter_code`. A whole program in the other language is taken where it can run.
    """
    if not text.strip():
        return _dropped(Reason.EMPTY)
    if len(text) > MAX_ANSWER_CHARS:
        return _dropped(Reason.TOO_LONG)
    wanted = _Wanted(wanted_language, mode == "function", entry_point, starter_code)
    cut_off = finish_reason in _CUT_OFF
    answer = _without_thoughts(text.replace("\r\n", "\n").replace("\ufeff", ""))
    if answer is None:
        return _dropped(Reason.TRUNCATED)
    if not answer.strip():
        return _dropped(Reason.TRUNCATED if cut_off else Reason.EMPTY)
    blocks = fenced_blocks(answer)
    found = _continuation(answer, wanted, cut_off)
    if found is None:
        found = _best_block([block for block in blocks if block.closed or not cut_off], wanted)
    if found is None and not cut_off and all(_tag(block) in _DATA_TAGS for block in blocks):
        found = _unfenced(answer, wanted)
    if found is not None:
        return _checked(found)
    return _dropped(_why_nothing(answer, blocks, cut_off, wanted))


def _without_thoughts(answer: str) -> str | None:
    """The answer after its `<think>` part, whose opening tag may be in the prompt; None if that never ends."""
    opening = _THOUGHT.match(answer)
    if opening is None:
        return answer.rpartition("</think>")[2]
    _, end, after = answer.partition(f"</{opening[1]}>")
    return after if end else None


def _best_block(blocks: list[Block], wanted: _Wanted) -> _Found | None:
    found: list[_Found] = []
    for block in blocks[-_MAX_BLOCKS:]:
        candidate = _in_block(block, wanted)
        if candidate is not None:
            found.append(_with_earlier_blocks(candidate, found, wanted))
    if wanted.function:
        found = [f for f in found if f.wholeness > 1]
    ranked = enumerate(found)
    best = max(ranked, key=lambda p: (p[1].wholeness, p[1].language == wanted.language, p[0]), default=None)
    return best[1] if best and best[1].wholeness > 0 else None


def _in_block(block: Block, wanted: _Wanted) -> _Found | None:
    if _tag(block) in _DATA_TAGS | _FOREIGN_TAGS or len(block.text) > MAX_SOURCE_BYTES:
        return None
    for text in _readings(block):
        found = _as_python(text, wanted)
        if found is not None:
            return found
        if looks_like_cpp(text) and not wanted.function and (block.closed or is_balanced(text)):
            return _Found(text, "cpp", 3 if has_main(text) else 1)
    return _joined(block.text, wanted) if wanted.function else None


def _readings(block: Block) -> Iterator[str]:
    yield block.text
    yield textwrap.dedent(block.text)
    yield from block.wider()


def _tag(block: Block) -> str:
    return block.tag.replace("{", " ").partition(" ")[0]


def _as_python(text: str, wanted: _Wanted) -> _Found | None:
    tree = parse(text)
    if tree is None:
        return None
    if not wanted.function:
        try:
            found = canon(tree, docstrings=keeps_docstrings(text))
        except RecursionError:
            return _Found(text, "python", wholeness(tree, all_names(tree)))
        return _Found(text, "python", wholeness(tree, found.names), found.text)
    if not defines(tree, wanted.entry_point):
        return _joined(text, wanted)
    starter = _starter_tree(wanted)
    if starter is not None and missing_names(tree) & bound_names(starter):
        # The answer redefines the stub but leans on the starter's imports or helpers.
        return _Found(f"{wanted.starter_code.rstrip()}\n\n\n{text}", "python", 3)
    return _Found(text, "python", 3)


def _starter_tree(wanted: _Wanted) -> ast.Module | None:
    return parse(wanted.starter_code) if wanted.starter_code.strip() else None


def _joined(body: str, wanted: _Wanted) -> _Found | None:
    """The starter code with the answer as its continuation, when that gives the entry point a body."""
    head = wanted.starter_code.rstrip()
    last = head.rpartition("\n")[2]
    indent = " " * (len(last) - len(last.lstrip()) + (4 if last.endswith(":") else 0))
    if not indent or not body.strip() or len(body) > MAX_SOURCE_BYTES:
        return None
    indented = textwrap.indent(textwrap.dedent(body), indent)
    for text in (f"{head}\n{body}", f"{head}\n{indented}", wanted.starter_code + body):
        tree = parse(text)
        if tree is not None and defines(tree, wanted.entry_point) and _grew(tree, wanted):
            return _Found(text, "python", 2)
    return None


def _grew(tree: ast.Module, wanted: _Wanted) -> bool:
    """Whether the answer gave the entry point statements of its own: no prose, no unrelated functions."""
    name = wanted.entry_point.rpartition(".")[2]
    starter = _starter_tree(wanted)
    stub = len(_body(starter, name)) if starter is not None else 0
    nothing = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass)
    return any(not isinstance(s, nothing) and not is_idle(s) for s in _body(tree, name)[stub:])


def _body(tree: ast.Module, name: str) -> list[ast.stmt]:
    bodies = [n.body for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == name]
    return bodies[-1] if bodies else []


def _continuation(answer: str, wanted: _Wanted, cut_off: bool) -> _Found | None:
    """A base model's continuation of the starter code, ended where it leaves the program."""
    code = answer.strip("\n")
    if not wanted.function or not code[:1].isspace():
        return None
    ending = _CONTINUATION_END.search(code)
    if ending is not None:
        code = code[: ending.start()]
    elif cut_off:
        # Only what a later top-level statement follows is known to be complete.
        starts = [match.start() for match in re.finditer(r"\n(?=[A-Za-z_@])", code)]
        if not starts:
            return None
        code = code[: starts[-1]]
    for _ in range(_MAX_PARSES):
        found = _joined(code, wanted)
        starts = [match.start() for match in re.finditer(r"\n(?=[A-Za-z_@])", code)]
        if found is not None or not starts:
            return found
        code = code[: starts[-1]]
    return None


def _with_earlier_blocks(found: _Found, earlier: list[_Found], wanted: _Wanted) -> _Found:
    """Joins the functions of an earlier block that a later one calls: some answers are split up."""
    if found.language != "python" or not earlier or wanted.function:
        return found
    tree = parse(found.source)
    missing = missing_names(tree) if tree is not None else set()
    for other in reversed(earlier if missing else []):
        other_tree = parse(other.source) if other.language == "python" else None
        if other_tree is not None and missing & bound_names(other_tree) and only_defines(other_tree):
            text = f"{other.source.rstrip()}\n\n{found.source}"
            return _Found(text, "python", max(found.wholeness, other.wholeness))
    return found


def _unfenced(answer: str, wanted: _Wanted) -> _Found | None:
    if len(answer) > MAX_SOURCE_BYTES:
        return None
    whole = _as_python(answer, wanted)
    if whole is not None and whole.wholeness > 0:
        return whole
    if not wanted.function and looks_like_cpp(answer):
        return _cpp_in_prose(answer)
    found = [f for text in _parsable_runs(answer) if (f := _as_python(text, wanted)) is not None]
    # A stray line of prose parses now and then; a program in prose is expected to do something.
    return max((f for f in found if f.wholeness > 1), key=lambda f: (f.wholeness, len(f.source)), default=None)


def _cpp_in_prose(answer: str) -> _Found | None:
    lines = answer.split("\n")
    starts = [i for i, line in enumerate(lines) if line.lstrip().startswith(("#include", "using namespace"))]
    ends = [i for i, line in enumerate(lines) if line.rstrip().endswith(("}", "};"))]
    if not starts or not ends or ends[-1] < starts[0]:
        return None
    source = "\n".join(lines[starts[0] : ends[-1] + 1])
    return _Found(source, "cpp", 3) if has_main(source) and is_balanced(source) else None


def _parsable_runs(answer: str) -> Iterator[str]:
    """Runs of lines that parse, from a line that looks like code to the line before the first bad one."""
    lines = answer.split("\n")
    parses = start = 0
    while start < len(lines) and parses < _MAX_PARSES:
        if not _CODE_START.match(lines[start]):
            start += 1
            continue
        end = len(lines)
        while end > start and parses < _MAX_PARSES:
            parses += 1
            bad = error_line("\n".join(lines[start:end]))
            if bad is None:
                yield "\n".join(lines[start:end])
                break
            end = min(end - 1, start + bad - 1)
        start = max(end, start + 1)


def _why_nothing(answer: str, blocks: list[Block], cut_off: bool, wanted: _Wanted) -> Reason:
    if cut_off and (not blocks or not blocks[-1].closed):
        return Reason.TRUNCATED
    if "\0" in answer or not _encodable(answer):
        return Reason.BAD_TEXT
    code = [block for block in blocks if _tag(block) not in _DATA_TAGS]
    if any(_tag(b) in _FOREIGN_TAGS or (wanted.function and looks_like_cpp(b.text)) for b in code):
        return Reason.UNSUPPORTED_LANGUAGE
    texts = [block.text for block in code] or [answer]
    if any(len(text) > MAX_SOURCE_BYTES for text in texts):
        return Reason.TOO_LONG
    broken = [text for text in texts[-_MAX_BLOCKS:] if parse(text) is None]
    if any(is_python2(text) for text in broken):
        return Reason.PYTHON2
    meant = any(block.tag for block in code) or any(_CODE_LINE.search(text) for text in broken)
    return Reason.SYNTAX_ERROR if broken and code and meant else Reason.NO_CODE


def _checked(found: _Found) -> Extraction:
    if "\0" in found.source or not _encodable(found.source):
        return _dropped(Reason.BAD_TEXT)
    source = found.source.strip("\n") + "\n"
    if len(source.encode("utf-8")) > MAX_SOURCE_BYTES:
        return _dropped(Reason.TOO_LONG)
    # A backslash at the end joins what follows: there the text's tree need not be that of the source.
    same_tree = not source.endswith("\\\n")
    return Extraction(source, found.language, Reason.OK, found.normalised if same_tree else None)


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _dropped(reason: Reason) -> Extraction:
    return Extraction(None, None, reason)
