"""Calls of a function of which only the signature is known: for prompts without examples, in Python or C++.

Types come from annotations; where there are none, from what the text says about a parameter and from its name. Values
are made by style (edge, small, random, alike, sorted, large), with relations that signatures suggest: two lists of one
length, a number that is an index or a count of the list beside it. Not covered: limits and formats that only prose
states, classes, and functions as arguments.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from clustering.literals import Call

MAX_PROMPT = 20_000
STYLES = ("small", "edge", "random", "alike", "ascending", "random", "large", "descending")
ATTEMPTS = 12
_MAX_DEPTH = 4

_NAMES = {
    "int": "int", "long": "int", "short": "int", "size_t": "int", "unsigned": "int", "int64_t": "int", "int32_t": "int",
    "float": "float", "double": "float", "complex": "float", "number": "float", "bool": "bool", "str": "str",
    "string": "str", "char": "str", "text": "str", "any": "any", "object": "any", "list": "list", "vector": "list",
    "sequence": "list", "iterable": "list", "deque": "list", "array": "list", "set": "set", "frozenset": "set",
    "unordered_set": "set", "dict": "dict", "map": "dict", "unordered_map": "dict", "mapping": "dict",
    "tuple": "tuple", "pair": "tuple", "optional": "optional", "union": "union", "variant": "union",
}  # fmt: skip
_TYPED_TEXT = (
    (r"list of (?:\w+ )?(?:strings|words|names)|strings? list|array of strings", "list[str]"),
    (r"(?:matrix|grid|2d|lists? of lists?|nested list)", "list[list[int]]"),
    (r"(?:list|array|sequence|vector)s?", "list[int]"),
    (r"(?:dictionary|dict|map)", "dict[str, int]"),
    (r"(?:string|word|text|sentence|message)s?", "str"),
    (r"(?:integer|int|number)s?", "int"),
)
_TYPED_NAMES = (
    (r"words|strings|strs|names|texts|tokens|\w+_(?:names|words|strings)", "list[str]"),
    (r"grid|matrix|board|rows|\w+_(?:matrix|grid)", "list[list[int]]"),
    (r"interval\d*|pair\d*|point\d*", "tuple[int, int]"),
    (r"dict|d|mapping", "dict[str, str]"),
    (r"l|lst\d*|li|lists?|arr\w*|nums\d*|numbers|array\d*|values?|data|items|elements|xs|ys", "list[int]"),
    (r"s\d*|S|st|str\w*|text\w*|txt\w*|word\w*|sentence|message|msg|date|name|\w+_name|brackets|paren\w*", "str"),
    (r"is_\w+|has_\w+|flag|reverse", "bool"),
    (r"threshold|price|rate|ratio|eps\w*|tol\w*", "float"),
)
_ALPHABETS = (
    (r"paren|bracket", "()"),
    (r"binary|0s and 1s|zeros and ones", "01"),
    (r"hexadecimal|\bhex\b", "0123456789ABCDEF"),
    (r"\bdigits?\b", "0123456789"),
    (r"upper|lower|\bcase\b|vowel", "abeiouxyzABEIOUXYZ"),
)
_SENTENCES = re.compile(r"\bwords?\b|sentence|\bspaces?\b|blank", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Kind:
    """name: int, float, bool, str, any, list, set, dict, tuple, optional or union."""

    name: str
    inner: tuple[Kind, ...] = ()


_INT, _ANY = Kind("int"), Kind("any")


def signature_calls(prompt: str, entry_point: str, count: int = 30, seed: int = 0) -> list[str]:
    """At most `count` different argument texts (Python literals) for calls of `entry_point`, as `prompt` declares it.

    The same arguments give the same calls. None when the prompt declares no such function, or one without parameters.
    """
    parameters = read_parameters(prompt[:MAX_PROMPT], entry_point)
    if not parameters or count <= 0:
        return []
    writer = _Writer(prompt[:MAX_PROMPT], Random(f"{seed}:{entry_point}"))
    found: dict[str, None] = {}
    for turn in range(count * ATTEMPTS):
        values = writer.arguments([kind for _, kind in parameters], STYLES[turn % len(STYLES)])
        found.setdefault(Call(dict(enumerate(values))).text())
        if len(found) == count:
            break
    return list(found)


def read_parameters(prompt: str, entry_point: str) -> list[tuple[str, Kind]]:
    """Names and types of the parameters, in order; those that a call must give."""
    name = entry_point.rpartition(".")[2]
    if declared := _python_header(prompt, name):
        return [(n, _kind(text) or _guessed(n, prompt)) for n, text in declared if n not in ("self", "cls")]
    return [(n, _kind(_as_python(text)) or _guessed(n, prompt)) for n, text in _cpp_header(prompt, name)]


def _python_header(prompt: str, name: str) -> list[tuple[str, str]]:
    headers = list(re.finditer(rf"^[ \t]*def[ \t]+{re.escape(name)}[ \t]*(?=\()", prompt, re.MULTILINE))
    rest = prompt[headers[-1].end() :] if headers else ""
    for end in re.finditer(r"\)[^\n()]*:", rest):
        try:
            node = ast.parse(f"def f{rest[: end.start() + 1]}: pass").body[0]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        assert isinstance(node, ast.FunctionDef)
        arguments = [*node.args.posonlyargs, *node.args.args]
        return [(a.arg, ast.unparse(a.annotation) if a.annotation else "") for a in arguments]
    return []


def _cpp_header(prompt: str, name: str) -> Iterator[tuple[str, str]]:
    headers = list(re.finditer(rf"^(?!//)[^\n(]*\b{re.escape(name)}\(([^\n]*)\)\s*\{{", prompt, re.MULTILINE))
    depth, part, parts = 0, "", []
    for letter in headers[-1][1] + "," if headers else "":
        depth += (letter == "<") - (letter == ">")
        if letter == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += letter
    for part in parts:
        if found := re.fullmatch(r"\s*(.+?[\s&>])\s*(\w+)\s*", part):
            yield found[2], found[1]


def _as_python(cpp_type: str) -> str:
    """`std::map<std::string, long long>` as `map[string, long]`."""
    text = re.sub(r"\bstd::|\bconst\b|&", "", cpp_type)
    text = re.sub(r"\b(?:unsigned |signed )?(?:long long|long int|long|short)\b(?: int\b)?", "long", text)
    return text.replace("<", "[").replace(">", "]").strip()


def _kind(annotation: str) -> Kind | None:
    try:
        return _of(ast.parse(annotation.strip(), mode="eval").body, _MAX_DEPTH) if annotation.strip() else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _of(node: ast.expr, depth: int) -> Kind | None:
    """None where a type is not known, or says too little (a bare `list`)."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _kind(node.value) if depth else None
    if isinstance(node, ast.Constant) and node.value is None:
        return Kind("none")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _either([_of(node.left, depth), _of(node.right, depth)])
    if isinstance(node, ast.Subscript) and depth:
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        inner = [_of(part, depth - 1) or _INT for part in inside if not _is_ellipsis(part)]
        return _generic(_name_of(node.value), inner)
    name = _name_of(node)
    return Kind(name) if name in ("int", "float", "bool", "str", "any") else None


def _generic(name: str, inner: list[Kind]) -> Kind | None:
    if name == "union":
        return _either([*inner])
    if name == "optional":
        return Kind("optional", tuple(inner[:1]))
    if name in ("list", "set"):
        return Kind(name, tuple(inner[:1]))
    if name == "dict" and len(inner) == 2:
        return Kind(name, tuple(inner))
    return Kind(name, tuple(inner)) if name == "tuple" and inner else None


def _either(kinds: list[Kind | None]) -> Kind | None:
    known = [kind for kind in kinds if kind is not None and kind.name != "none"]
    if not known:
        return None
    chosen = known[0] if len(known) == 1 else Kind("union", tuple(known))
    return Kind("optional", (chosen,)) if any(kind is not None and kind.name == "none" for kind in kinds) else chosen


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _name_of(node: ast.expr) -> str:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return _NAMES.get(name.lower(), "")


def _guessed(name: str, prompt: str) -> Kind:
    """From what stands before the name in the text (`given a list lst`), else from the name itself."""
    for words, annotation in _TYPED_TEXT:
        said = rf"\b{words}(?: of \w+)?(?:,? called| named)? [`'\"]?{re.escape(name)}\b[`'\"]?(?! \w)"
        # "a string s" is plain; other single letters are words or belong to a list of several.
        if (len(name) > 1 or annotation == "str") and re.search(said, prompt):
            return _kind(annotation) or _INT
    for words, annotation in _TYPED_NAMES:
        if re.fullmatch(words, name, re.IGNORECASE if len(name) > 1 else 0):
            return _kind(annotation) or _INT
    return _INT


class _Writer:
    """Values of kinds; `prompt` decides alphabets and whether negative numbers occur."""

    def __init__(self, prompt: str, rng: Random) -> None:
        self.rng = rng
        lower = prompt.lower()
        named = [letters for words, letters in _ALPHABETS if re.search(words, lower)]
        self.alphabets = [*named, *named, "ab", "abcdefghijklmnopqrstuvwxyz", "aAbB1 "]
        self.sentences = bool(_SENTENCES.search(prompt))
        self.negatives = not re.search(r"(?:non-?negative|positive|natural) (?:\w+ )?(?:number|integer)", lower)

    def arguments(self, kinds: list[Kind], style: str) -> list[Any]:
        letters = self.rng.choice(self.alphabets)
        values = [self.value(kind, style, letters, _MAX_DEPTH) for kind in kinds]
        lists = [index for index, value in enumerate(values) if isinstance(value, list | str) and value]
        if lists and self.rng.random() < 0.5:
            size = len(values[lists[0]])
            for index, kind in enumerate(kinds):
                if kind.name == "int":
                    values[index] = self.rng.randint(0, size)
        if len(lists) == 2 and self.rng.random() < 0.5:
            first, second = (values[index] for index in lists)
            size = min(len(first), len(second))
            values[lists[0]], values[lists[1]] = first[:size], second[:size]
            if type(first) is type(second) and kinds[lists[0]] == kinds[lists[1]] and self.rng.random() < 0.3:
                values[lists[1]] = values[lists[0]][::-1]
        return values

    def value(self, kind: Kind, style: str, letters: str, depth: int) -> Any:
        rng = self.rng
        if kind.name == "int":
            return self._integer(style)
        if kind.name == "float":
            return self._integer(style) + rng.choice((0.0, 0.5, 0.25, rng.randint(0, 99) / 100))
        if kind.name == "bool":
            return rng.random() < 0.5
        if kind.name == "str":
            return self._text(style, letters, nested=depth < _MAX_DEPTH)
        if kind.name == "any" or depth == 0:
            return self.value(Kind(rng.choice(("int", "str", "float"))), style, letters, depth)
        if kind.name == "union":
            return self.value(rng.choice(kind.inner), style, letters, depth)
        if kind.name == "optional":
            return None if rng.random() < 0.2 else self.value(kind.inner[0], style, letters, depth)
        if kind.name == "tuple":
            values = [self.value(part, style, letters, depth - 1) for part in kind.inner]
            return tuple(sorted(values)) if all(type(value) is int for value in values) else tuple(values)
        if kind.name == "dict":
            keys = self._items(kind.inner[0], style, letters, depth)
            return {key: self.value(kind.inner[1], style, letters, depth - 1) for key in keys if _hashable(key)}
        items = self._items(kind.inner[0] if kind.inner else _INT, style, letters, depth)
        return {item for item in items if _hashable(item)} if kind.name == "set" else items

    def _items(self, kind: Kind, style: str, letters: str, depth: int) -> list[Any]:
        rng = self.rng
        if kind.name == "list" and depth > 1:  # a table: rows of one length more often than not
            rows, width = rng.randint(1, 4), rng.randint(1, 4)
            table = [self._items(kind.inner[0], style, letters, depth - 2) for _ in range(rows)]
            fitting = [(row * width)[:width] if row else [self._integer("small")] * width for row in table]
            plain = all(type(item) is int for row in fitting for item in row)
            return fitting if plain and rng.random() < 0.8 else table
        size = {"edge": rng.randint(0, 1), "small": rng.randint(1, 3), "large": rng.randint(10, 25)}.get(style)
        size = rng.randint(2, 8) if size is None else size
        if style == "alike":
            pool = [self.value(kind, "random", letters, depth - 1) for _ in range(2)]
            return [rng.choice(pool) for _ in range(size)]
        items = [self.value(kind, "random" if style == "edge" else style, letters, depth - 1) for _ in range(size)]
        if style in ("ascending", "descending") and _sortable(items):
            items.sort(reverse=style == "descending")
        return items

    def _integer(self, style: str) -> int:
        rng = self.rng
        if style == "edge":
            value = rng.choice((0, 1, 2, 1, 10))
        elif style == "small":
            value = rng.randint(1, 6)
        elif style == "large":
            value = rng.randint(20, 300)
        else:
            value = rng.randint(0, rng.choice((5, 12, 40, 100)))
        return -value if self.negatives and style != "small" and rng.random() < 0.25 else value

    def _text(self, style: str, letters: str, *, nested: bool) -> str:
        rng = self.rng
        if self.sentences and not nested and style in ("random", "large"):
            return " ".join(
                self._word(letters.replace(" ", "") or "a", rng.randint(1, 5)) for _ in range(rng.randint(2, 6))
            )
        size = {"edge": rng.randint(0, 1), "small": rng.randint(1, 4), "large": rng.randint(10, 30)}.get(style)
        size = rng.randint(2, 9) if size is None else size
        if style == "alike":
            half = self._word(letters, max(1, size // 2))
            return rng.choice((half[:1] * size, half + half[::-1], half + half, half + half[-2::-1]))
        text = self._word(letters, size)
        return "".join(sorted(text, reverse=style == "descending")) if style in ("ascending", "descending") else text

    def _word(self, letters: str, size: int) -> str:
        if letters == "()" and self.rng.random() < 0.7:
            return _balanced(size, self.rng)
        return "".join(self.rng.choice(letters) for _ in range(size))


def _balanced(size: int, rng: Random) -> str:
    text, depth = "", 0
    for left in range(size // 2 * 2, 0, -1):
        opens = depth == 0 or (depth < left and rng.random() < 0.5)
        text += "(" if opens else ")"
        depth += 1 if opens else -1
    return text


def _hashable(value: Any) -> bool:
    return not isinstance(value, list | dict | set)


def _sortable(values: list[Any]) -> bool:
    return all(isinstance(v, int | float) for v in values) or all(isinstance(v, str) for v in values)
