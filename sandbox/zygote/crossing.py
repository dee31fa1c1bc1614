"""Values that cross between a program and its test code, which run in two processes that do not trust each other.

A message is JSON, preceded by its length. A value is an atom (None, bool, int, float, str) or, as `[index]`, a
reference to a node: `[kind, ...contents]`. Nodes keep what literals lose: sharing, cycles, long linked lists. The
nodes of a call keep their indices in its answer, so that what the program did to its arguments can be done to the
caller's own objects. Subclasses cross as their base; objects of classes that both sides define (a ListNode) by class
name and attributes; an iterator as its items. Nothing that is received names code: the worst a hostile message can do
is to be refused.
"""

from __future__ import annotations

import json
import os
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

Node = list[Any]
Classes = Callable[[str], type | None]

MAX_MESSAGE_BYTES = 2**28
MAX_ITERATED = 10**6  # items taken out of an iterator: it may have no end

_ATOMS = {type(None), bool, int, float, str}
_HEADER_BYTES = 8
_json = json.JSONEncoder(separators=(",", ":"))
_MUTABLE: dict[str, Callable[[], Any]] = {
    "list": list, "dict": dict, "set": set, "bytearray": bytearray, "deque": deque,
}  # fmt: skip
CHANGEABLE = {*_MUTABLE, "object"}
_VIEWS: tuple[type[Iterable[Any]], ...] = (type({}.keys()), type({}.values()), type({}.items()))


class CannotCross(TypeError):
    """A value that has no form as data."""


class Garbled(ValueError):
    """A message that is not what this module writes."""


class Opaque:
    """Stands for something the program returned that is not data; it equals nothing else."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"<{self._name} object>"


def send(fd: int, message: dict[str, Any]) -> None:
    """Raises OSError when nobody is left to read it."""
    body = _json.encode(message).encode("ascii")
    view = memoryview(len(body).to_bytes(_HEADER_BYTES, "big") + body)
    while view:
        view = view[os.write(fd, view) :]


def receive(fd: int) -> dict[str, Any] | None:
    """The next message; None at the end. Raises Garbled."""
    header = _read(fd, _HEADER_BYTES)
    if not header:
        return None
    size = int.from_bytes(header, "big")
    if size > MAX_MESSAGE_BYTES:
        raise Garbled(f"a message of {size} bytes")
    body = _read(fd, size)
    if len(header) < _HEADER_BYTES or len(body) < size:
        return None  # it ended in the middle of a message
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Garbled(str(error)) from None
    if not isinstance(message, dict):
        raise Garbled("not a message")
    return message


def _read(fd: int, count: int) -> bytes:
    pieces = []
    while count and (piece := os.read(fd, min(count, 2**20))):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


class Encoder:
    """Turns values into items and nodes.

    known: objects the other side has already, in the order of their indices. classes: finds those that both sides
    define. opaque: whether what is not data crosses as a mere name, else it raises CannotCross.
    """

    def __init__(self, classes: Classes, known: Iterable[Any] = (), *, opaque: bool = False) -> None:
        self.nodes: list[Node] = []
        self.objects: list[Any] = list(known)  # held, so that no id is used twice
        self._classes = classes
        self._opaque = opaque
        self._indices = {id(value): i for i, value in enumerate(self.objects)}
        self._first = len(self.objects)
        self._open: deque[tuple[int, Any]] = deque()

    def encode(self, values: Iterable[Any]) -> list[Any]:
        """The items for the values. Raises CannotCross."""
        items = [self._item(value) for value in values]
        while self._open:  # not recursive: a linked list may be long
            index, value = self._open.popleft()
            self.nodes[index - self._first] = self._contents(value)
        return items

    def node(self, value: Any) -> Node:
        """What a mutable object holds now. Raises CannotCross."""
        node = self._contents(value)
        self.encode(())
        return node

    def _item(self, value: Any) -> Any:
        if type(value) in _ATOMS:
            return value
        index = self._indices.get(id(value))
        if index is not None:
            return [index]
        if isinstance(value, int):
            return int.__add__(value, 0)
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, float):
            return float.__float__(value)
        if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
            return self._item(value.tolist())
        if isinstance(value, (list, dict, set, bytearray, deque)) or self._is_shared(value):
            index = self._add(value, [])
            self._open.append((index, value))
            return [index]
        node = self._immutable(value)
        return [self._add(value, node)]

    def _add(self, value: Any, node: Node) -> int:
        index = len(self.objects)
        self.objects.append(value)
        self.nodes.append(node)
        self._indices[id(value)] = index
        return index

    def _is_shared(self, value: Any) -> bool:
        return self._classes(type(value).__name__) is type(value) and hasattr(value, "__dict__")

    def _items(self, values: Iterator[Any]) -> list[Any]:
        items = list(values)
        return items if _ATOMS.issuperset(map(type, items)) else [self._item(item) for item in items]

    def _contents(self, value: Any) -> Node:
        # Base-class methods only: a subclass must not run code of its own in here by accident.
        if isinstance(value, list):
            return ["list", self._items(list.__iter__(value))]
        if isinstance(value, dict):
            return ["dict", self._items(iter(dict.keys(value))), self._items(iter(dict.values(value)))]
        if isinstance(value, set):
            return ["set", self._items(set.__iter__(value))]
        if isinstance(value, deque):
            return ["deque", self._items(deque.__iter__(value))]
        if isinstance(value, bytearray):
            return ["bytearray", bytes(value).decode("latin-1")]
        attributes = vars(value)
        return ["object", type(value).__name__, list(attributes), self._items(iter(attributes.values()))]

    def _immutable(self, value: Any) -> Node:
        if isinstance(value, tuple):
            return ["tuple", self._items(tuple.__iter__(value))]
        if isinstance(value, frozenset):
            return ["frozenset", self._items(frozenset.__iter__(value))]
        if isinstance(value, bytes):
            return ["bytes", bytes.decode(value, "latin-1")]
        if isinstance(value, complex):
            return ["complex", value.real, value.imag]
        if isinstance(value, range):
            return ["range", value.start, value.stop, value.step]
        if isinstance(value, _VIEWS):
            return ["tuple", self._items(iter(value))]
        if isinstance(value, Iterator):
            return ["iterator", self._items(islice(value, MAX_ITERATED))]
        if self._opaque or isinstance(value, Opaque):
            return ["opaque", type(value).__name__]
        raise CannotCross(f"a {type(value).__name__} cannot be passed to the program")


class Decoder:
    """Turns nodes into objects; the counterpart of `Encoder`."""

    def __init__(self, classes: Classes, known: Iterable[Any] = ()) -> None:
        self.objects: list[Any] = list(known)
        self._classes = classes

    def add(self, nodes: Any) -> None:
        """Makes the objects of a message. Raises Garbled."""
        with _Checked():
            first = len(self.objects)
            for node in nodes:
                self.objects.append(self._made(node))
            # Objects first: as members of sets and keys of dicts they may be hashed by what they hold.
            for wanted in (True, False):
                for value, node in zip(self.objects[first:], nodes, strict=True):
                    if node[0] in CHANGEABLE and (node[0] == "object") is wanted:
                        self._fill(value, node)

    def update(self, index: Any, node: Any) -> None:
        """Gives an object, in place, the contents of the node, which is of its own kind. Raises Garbled."""
        with _Checked():
            value = self.objects[_index(index)]
            if node[0] == "object":
                right = self._classes(node[1]) is type(value)
            else:
                right = isinstance(value, _MUTABLE[node[0]])  # type: ignore[arg-type]
            if not right:
                raise Garbled("an object changed its kind")
            self._fill(value, node)

    def item(self, item: Any) -> Any:
        """The value of an item. Raises Garbled."""
        if type(item) in _ATOMS:
            return item
        with _Checked():
            (index,) = item
            return self.objects[_index(index)]

    def _items(self, items: list[Any]) -> list[Any]:
        if type(items) is not list:
            raise Garbled("not a list of items")
        return items if _ATOMS.issuperset(map(type, items)) else [self.item(item) for item in items]

    def _made(self, node: Node) -> Any:
        kind = node[0]
        if kind in _MUTABLE:
            return _MUTABLE[kind]()
        if kind == "object":
            shared = self._classes(node[1])
            if shared is None:
                raise Garbled(f"no class {node[1]!r} is defined here")
            return object.__new__(shared)
        if kind == "tuple":
            return tuple(self._items(node[1]))
        if kind == "frozenset":
            return frozenset(self._items(node[1]))
        if kind == "bytes":
            return node[1].encode("latin-1")
        if kind == "complex":
            return complex(node[1], node[2])
        if kind == "range":
            return range(*node[1:4])
        if kind == "iterator":
            return iter(self._items(node[1]))
        return Opaque(str(node[1])[:100])

    def _fill(self, value: Any, node: Node) -> None:
        if isinstance(value, list):
            list.__setitem__(value, slice(None), self._items(node[1]))
        elif isinstance(value, dict):
            pairs = list(zip(self._items(node[1]), self._items(node[2]), strict=True))
            dict.clear(value)
            dict.update(value, pairs)
        elif isinstance(value, (set, deque)):
            members = self._items(node[1])
            value.clear()
            value.update(members) if isinstance(value, set) else value.extend(members)
        elif isinstance(value, bytearray):
            value[:] = node[1].encode("latin-1")
        else:
            attributes = dict(zip(node[2], self._items(node[3]), strict=True))
            if not all(type(name) is str for name in attributes):
                raise Garbled("attributes have names")
            vars(value).clear()
            vars(value).update(attributes)


def _index(index: Any) -> int:
    if type(index) is not int or index < 0:
        raise Garbled("not an index")
    return index


class _Checked:
    """Whatever trips over a message, the message is to blame."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, (Garbled, MemoryError)):
            raise Garbled(f"{type(error).__name__}: {error}") from None


def same(left: Node, right: Node) -> bool:
    """Whether two nodes say the same; unlike `==` of the values, this tells True, 1 and 1.0 apart."""
    return left == right and all(
        list(map(type, a)) == list(map(type, b)) for a, b in zip(left, right, strict=True) if type(a) is list
    )


def shared_classes(module: types.ModuleType) -> Classes:
    """Finds a class that the module itself defines, by name."""
    names, own_name = vars(module), module.__name__

    def find(name: str) -> type | None:
        found = names.get(name)
        own = isinstance(found, type) and found.__module__ == own_name and found.__name__ == name
        return found if own else None

    return find
