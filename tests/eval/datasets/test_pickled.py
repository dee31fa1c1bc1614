"""A pickle from a data set is read for its one string and never run."""

from __future__ import annotations

import base64
import pickle
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.datasets.pickled import packed_text, pickled_text
from solver.formats.fields import BadRecord

from .records import pack


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return Path.touch, (self.path,)


@settings(deadline=None)
@given(st.text(), st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_a_pickled_string_comes_back_in_every_protocol(text: str, protocol: int) -> None:
    assert pickled_text(pickle.dumps(text, protocol)) == text


def test_a_pickle_that_would_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    bomb = pickle.dumps(Bomb(trap))
    with pytest.raises(BadRecord, match="never unpickled"):
        packed_text(pack(bomb))
    assert not trap.exists()
    pickle.loads(bomb)
    assert trap.exists()  # the bomb is real


@pytest.mark.parametrize("value", [["a"], ("a", "b"), {"a": 1}, b"bytes", 7, None])
def test_a_pickle_of_anything_else_is_refused(value: object) -> None:
    with pytest.raises(BadRecord):
        pickled_text(pickle.dumps(value))


@pytest.mark.parametrize("broken", [b"", b"\x80\x04", pickle.dumps("text")[:-1], pickle.dumps("text")[:6], b"\xff\xff"])
def test_a_damaged_pickle_is_a_bad_record(broken: bytes) -> None:
    with pytest.raises(BadRecord):
        pickled_text(broken)


@pytest.mark.parametrize(
    "packed",
    ["no base64!", base64.b64encode(b"no zlib").decode(), base64.b64encode(zlib.compress(b"x" * 999)[:-5]).decode()],
)
def test_what_cannot_be_unpacked_is_a_bad_record(packed: str) -> None:
    with pytest.raises(BadRecord):
        packed_text(packed)


def test_a_bomb_of_zeros_is_not_unpacked_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eval.datasets.pickled.MAX_BYTES", 1000)
    with pytest.raises(BadRecord, match="more than"):
        packed_text(pack(pickle.dumps("0" * 5000)))
