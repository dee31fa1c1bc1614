"""A JSON object is cut into its members without decoding them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.formats.files import records
from solver.formats.members import members

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=5), st.sampled_from([None, 1]), st.booleans())
def test_members_decode_to_what_the_object_decodes_to(value: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert repr({name: json.loads(raw) for name, raw in members(text).items()}) == repr(json.loads(text))


@pytest.mark.parametrize("text", ["{", '{"a"', '{"a": 1', '{"a": [1}', '{"a": 1} x', '{"a": 1]', "{1: 2}", '{"a": "x}'])
def test_what_is_no_object_is_an_error(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        members(text)


def test_members_that_are_not_wanted_are_none_and_never_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1, "b": nonsense, "c": "\\ud800,}"}\n{"a": 2}\n')
    assert list(records(path, {"a"})) == [{"a": 1, "b": None, "c": None}, {"a": 2}]
    path.write_text('[{"a": 1,\n "b": 2}]')
    assert list(records(path, {"a"})) == [{"a": 1, "b": None}]
