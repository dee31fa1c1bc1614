"""Kattis's default comparison: what the original accepts, byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import CheckerSpec, make_checker
from sandbox.default_validator import BadFlags, double, mismatch, parse_flags


def accepts(flags: str, answer: bytes, output: bytes) -> bool:
    return mismatch(parse_flags(flags.split()), answer, output) == ""


@pytest.mark.parametrize(
    ("flags", "answer", "output"),
    [
        ("", b"Yes\n1 2\n", b" yes 1\r\n2"),
        ("", b"", b" \n\n"),
        ("", b"a\0b", b"A\0c"),
        ("case_sensitive", b"Yes", b" Yes\n"),
        ("space_change_sensitive", b"Yes  1\n", b"yes  1\n"),
        ("float_tolerance 1e-3", b"100 x", b"100.0999 X"),
        ("float_tolerance 1e-3", b"0x10 1e1", b"16 0xA"),
        ("float_tolerance 1e-3", b"1e999 inf", b"1E999 INF"),
        ("float_tolerance 0", b"1e5", b"100000."),
        ("float_absolute_tolerance 0.5", b"1", b"1.5"),
        ("float_relative_tolerance 0.5", b"10 0", b"15 -0"),
        ("float_tolerance 0.5 space_change_sensitive", b"1\n2", b"1.2\n2.3"),
        ("float_absolute_tolerance -1", b"1.0", b"1.0"),
    ],
)
def test_right_outputs(flags: str, answer: bytes, output: bytes) -> None:
    assert accepts(flags, answer, output)


@pytest.mark.parametrize(
    ("flags", "answer", "output"),
    [
        ("", b"1 2", b"1"),
        ("", b"1", b"1 2"),
        ("", b"1", b""),
        ("", b"1.0", b"1.00"),
        ("", "É".encode(), "é".encode()),
        ("case_sensitive", b"Yes", b"yes"),
        ("space_change_sensitive", b"1\n", b"1"),
        ("space_change_sensitive", b"1", b"1\n"),
        ("space_change_sensitive", b"1\n", b"1\r\n"),
        ("space_change_sensitive", b"1 2", b"1  2"),
        ("space_change_sensitive", b"1", b" 1"),
        ("float_tolerance 1e-3", b"1", b"one"),
        ("float_tolerance 1e-3", b"one", b"1"),
        ("float_tolerance 1e-3", b"1", b"nan"),
        ("float_tolerance 1e-3", b"1", b"inf"),
        ("float_tolerance 1e-3", b"1", b"1,0"),
        ("float_absolute_tolerance 0.5", b"100", b"101"),
        ("float_relative_tolerance 0.5", b"0", b"1e-9"),
        ("float_absolute_tolerance -1", b"1.0", b"1.00"),
    ],
)
def test_wrong_outputs(flags: str, answer: bytes, output: bytes) -> None:
    assert not accepts(flags, answer, output)


@pytest.mark.parametrize(
    "flags", ["float_tolerance", "float_tolerance x", "float_tolerance inf", "ignore_case", "1e-6"]
)
def test_a_flag_that_the_original_does_not_know_is_refused(flags: str) -> None:
    with pytest.raises(BadFlags):
        parse_flags(flags.split())


def test_the_reason_names_the_token_and_both_sides() -> None:
    reason = mismatch(parse_flags([]), b"1 2 3", b"1 4 3")
    assert reason == "token 2: '4' instead of '2'"


def test_the_reason_stays_one_short_line_whatever_the_program_printed() -> None:
    reason = mismatch(parse_flags([]), b"1", b"\x1b[2J\x07" + b"9" * 10**6)
    assert reason.isprintable()
    assert len(reason) < 200


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_double_is_read_back(value: float) -> None:
    assert double(repr(value).encode()) == value
    assert double(value.hex().encode()) == value


@pytest.mark.parametrize(
    ("token", "value"),
    [
        (b"0." + b"3" * 10**6, 1 / 3),
        (b"0" * 10**6 + b"2", 2.0),
        (b"1" + b"0" * 10**6 + b"e-1000000", 1.0),
        (b"0." + b"0" * 10**6 + b"1e1000001", 1.0),
        (b"1" * 10**6, None),
        (b"1e" + b"9" * 10**6, None),
        (b"1e-" + b"9" * 10**6, 0.0),
    ],
)
def test_numbers_of_a_million_digits_keep_their_value(token: bytes, value: float | None) -> None:
    assert double(token) == value


@pytest.mark.parametrize(
    "token", [b"", b".", b"+", b"e5", b"0x", b"1_0", b"1d5", b"0b1", b"1 ", b"\xb2", b"nan", b"-inf"]
)
def test_what_c_does_not_read_as_a_finite_number_is_text(token: bytes) -> None:
    assert double(token) is None


def test_an_unfinished_exponent_counts_as_none_as_in_glibc() -> None:
    assert double(b"2e") == double(b"2e+") == double(b"0x2p") == 2.0


async def test_it_is_a_checker_like_others_and_takes_flags_per_case() -> None:
    checker = make_checker(CheckerSpec(kind="default_validator", flags=("case_sensitive",)))
    assert await checker.accepts(b"", b"a 1", b"a  1")
    assert not await checker.accepts(b"", b"a 1", b"A 1")
    assert not (await checker.rule(b"", b"a 1", b"a 1.1")).accepted
    assert (await checker.rule(b"", b"a 1", b"a 1.1", ("float_tolerance", "0.2"))).accepted
