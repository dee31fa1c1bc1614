"""Values between a program and its test code: what crosses comes out as it was, and nothing else gets through."""

import json
import types
from collections import Counter, OrderedDict, deque, namedtuple
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given

from sandbox.zygote import crossing
from sandbox.zygote.crossing import CannotCross, Decoder, Encoder, Garbled, Opaque

from .test_function_mode import values


class ListNode:
    def __init__(self, val: object = 0, next: object = None) -> None:
        self.val = val
        self.next = next


class Colour(IntEnum):
    RED = 3


Pair = namedtuple("Pair", "left right")
CLASSES = {"ListNode": ListNode}.get


def across(value: Any, *, opaque: bool = False) -> Any:
    encoder = Encoder(CLASSES, opaque=opaque)
    (item,) = encoder.encode([value])
    item, nodes = json.loads(json.dumps([item, encoder.nodes]))
    decoder = Decoder(CLASSES)
    decoder.add(nodes)
    return decoder.item(item)


@given(values)
def test_what_has_a_literal_crosses(value: object) -> None:
    result = across(value)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        float("inf"),
        -0.0,
        10**3000,
        "\ud800\x00é",
        [True, 1, 1.0],
        range(2, 9, 3),
        deque([1, [2]]),
        bytearray(b"\xff"),
        {frozenset({(1, b"x")}): {"k": [set()]}},
        {(1, (2, "a")): None},
    ],
)
def test_special_values(value: object) -> None:
    assert repr(across(value)) == repr(value)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Pair(1, [2]), (1, [2])),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (Colour.RED, 3),
        ({1: 2}.items(), ((1, 2),)),
    ],
)
def test_subclasses_cross_as_data(value: object, plain: object) -> None:
    result = across(value)
    assert result == plain
    assert type(result) is type(plain)


def test_an_iterator_crosses_as_one() -> None:
    assert list(across(x * x for x in range(4))) == [0, 1, 4, 9]


def test_sharing_and_cycles_survive() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    first, second = across([loop, loop])
    assert first is second
    assert first[1] is first


def test_a_linked_list_longer_than_any_stack_crosses() -> None:
    head = None
    for i in range(50_000):
        head = ListNode(i, head)
    node, length = across(head), 0
    while node is not None:
        assert type(node) is ListNode
        node, length = node.next, length + 1
    assert length == 50_000


def test_what_is_not_data_cannot_be_passed_and_is_returned_as_a_name() -> None:
    with pytest.raises(CannotCross):
        across([print])
    (result,) = across([object()], opaque=True)
    assert isinstance(result, Opaque)
    assert result != object()


def test_changes_are_told_apart_from_equal_values() -> None:
    assert crossing.same(["list", [1, "a"]], ["list", [1, "a"]])
    assert not crossing.same(["list", [1]], ["list", [True]])
    assert not crossing.same(["list", [1]], ["list", [1, 1]])


class NotShared:
    pass


@pytest.mark.parametrize(
    "nodes",
    [
        None,
        [None],
        [[]],
        [["list"]],
        [["list", 3]],
        [["list", [[9]]]],
        [["list", [[-1]]]],
        [["list", [[True]]]],
        [["list", [{}]]],
        [["tuple", [[0]]]],
        [["tuple", [[1]]], ["tuple", []]],
        [["dict", [1], []]],
        [["dict", [[1]], [1]], ["list", []]],
        [["set", [[0]]]],
        [["object", "NotShared", [], []]],
        [["object", "__builtins__", [], []]],
        [["object", "ListNode", [1], [1]]],
        [["object", ["ListNode"], [], []]],
        [["bytes", "\u1234"]],
        [["range", 1, 2, 0]],
        [["complex", "x", 1]],
    ],
)
def test_a_garbled_message_is_refused(nodes: Any) -> None:
    with pytest.raises(Garbled):
        Decoder(CLASSES).add(nodes)


@pytest.mark.parametrize(
    ("index", "node"), [(0, ["dict", [], []]), (1, ["list", []]), (-1, ["list", []]), (0, ["tuple", []]), (0, [])]
)
def test_an_argument_cannot_become_something_else(index: int, node: list[Any]) -> None:
    with pytest.raises(Garbled):
        Decoder(CLASSES, [[1]]).update(index, node)


def test_only_the_classes_of_the_module_itself_are_shared() -> None:
    module = types.ModuleType("m")
    exec("from collections import Counter\nclass A: pass\nB = A", module.__dict__)
    find = crossing.shared_classes(module)
    assert find("A") is module.__dict__["A"]
    assert [find(name) for name in ("B", "Counter", "__builtins__", "missing")] == [None] * 4
