"""The parts of the page: cut texts, clusters and the inputs between them, colours that can be told apart."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering import Behaved, cluster
from clustering.evidence import FIRST_OUTPUT, CandidateFacts, Evidence, InputFacts
from eval.report.charts import Law, Points, Series, funnel, reliability, shares, solve_rates
from eval.report.clusters import deciding_inputs, groups_of
from eval.report.texts import Allowance, Piece, visible
from eval.report.write import compact

STYLE = Path(__file__).parents[2] / "eval" / "report" / "templates" / "style.css"


def evidence(outcomes: list[list[int]], weights: list[int] | None = None, inputs: list[str] | None = None) -> Evidence:
    rows = np.array(outcomes, dtype=np.int32).reshape(len(outcomes), -1)
    texts = inputs or [str(n) for n in range(rows.shape[1])]
    return Evidence(
        problem="p",
        candidates=[CandidateFacts(f"k{n}", n, w) for n, w in enumerate(weights or [1] * len(outcomes))],
        passes=np.ones(len(outcomes), dtype=bool),
        example_share=np.ones(len(outcomes)),
        outcomes=rows,
        inputs=[InputFacts(text, "structure:small") for text in texts],
    )


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet=st.characters(codec=None)))
def test_visible_text_can_be_written_and_hides_nothing(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", shown)


def test_plain_text_is_shown_as_it_is() -> None:
    assert visible("a\tb\r\nµ→ 数 é") == "a\tb\nµ→ 数 é"


def test_an_allowance_is_never_exceeded_and_says_what_it_cut() -> None:
    allowance = Allowance(1000)
    assert allowance.take("x" * 900, 600) == Piece("x" * 600, 300)
    assert allowance.take("y" * 900, 600) == Piece("y" * 400, 500)
    assert allowance.take("z" * 900, 600) is None
    assert allowance.take("", 600) == Piece("")


_behaviours = st.lists(st.sampled_from([-1, 0, 1, FIRST_OUTPUT, FIRST_OUTPUT + 1]), min_size=3, max_size=3)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(_behaviours, st.integers(1, 5)), max_size=12))
def test_clusters_stand_in_the_order_of_the_runs_report(made: list[tuple[list[int], int]]) -> None:
    names = {-1: None, 0: "RTE", 1: "TLE", FIRST_OUTPUT: "a" * 32, FIRST_OUTPUT + 1: "b" * 32}
    engine = cluster(
        Behaved(f"k{n}", n, weight, tuple(names[one] for one in row)) for n, (row, weight) in enumerate(made)
    )
    groups = groups_of(evidence([row for row, _ in made], [weight for _, weight in made])) if made else []
    assert [[f"k{row}" for row in group.rows] for group in groups] == [list(one.keys) for one in engine]
    assert [group.samples for group in groups] == [one.weight for one in engine]


@settings(deadline=None, max_examples=50)
@given(st.lists(_behaviours, min_size=2, max_size=6))
def test_enough_inputs_tell_all_clusters_apart_that_any_input_does(made: list[list[int]]) -> None:
    seen = evidence(made)
    groups = groups_of(seen)
    found = deciding_inputs(seen, groups, at_most=99)
    leaders = seen.outcomes[[group.leader for group in groups]]
    columns = [one.column for one in found]
    for a, b in combinations(range(len(groups)), 2):
        assert (leaders[a, columns] != leaders[b, columns]).any()
    assert sum(one.separates for one in found) == len(groups) * (len(groups) - 1) // 2
    assert len(found) < max(2, len(groups))


def test_of_inputs_that_separate_the_same_the_shorter_is_shown() -> None:
    seen = evidence([[8, 8], [9, 9]], inputs=["long " * 20, "7"])
    assert [one.column for one in deciding_inputs(seen, groups_of(seen), 5)] == [1]


def test_outputs_are_shown_where_a_run_keeps_them() -> None:
    seen = evidence([[8], [9], [0], [-1]], inputs=["7"])
    cells = deciding_inputs(seen, groups_of(seen), 5, {("k1", "7"): "42"})[0].cells
    told = {(cell.kind, cell.text) for cell in cells}
    assert told == {("class", "A"), ("output", "42"), ("fault", "RTE"), ("unknown", "")}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.5, "0.5"), (950, "950"), (12_345, "12.3k"), (4_560_000, "4.56M"), (2e12, "2,000G")],
)
def test_large_numbers_are_short(value: float, text: str) -> None:
    assert compact(value) == text


def test_one_drawing_names_no_colour_and_shares_no_id_with_another() -> None:
    drawings = [
        solve_rates(
            [Series("a", [1, 2, 4], [0.1, 0.2, 0.3], [0, 0.1, 0.2], [0.2, 0.3, 0.4])], [Law("l", 0, [1, 4], [0.1, 0.3])]
        ),
        funnel([("samples", 100), ("right", 3)]),
        shares("Losses", [("k = 1", (3, 1, 0, 6))], ("a", "b", "c", "d")),
        reliability([Points("s", [0.1], [0.2], [0.1], [0.3], [1.0])]),
    ]
    ids = [one for svg in drawings for one in re.findall(r'\bid="([^"]+)"', svg)]
    assert len(ids) == len(set(ids))
    for svg in drawings:
        assert not re.search(r"#[0-9a-f]{6}\b", svg, re.IGNORECASE)
        assert "<style" not in svg
        assert 'role="img"' in svg


def _palettes() -> list[dict[str, str]]:
    blocks = re.findall(r":root \{(.*?)\}", STYLE.read_text("utf-8"), re.DOTALL)
    return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks]


def _channels(colour: str) -> list[float]:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def _luminance(colour: str) -> float:
    red, green, blue = _channels(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Of two colours, 1 to 21 (Web Content Accessibility Guidelines 2.1, "contrast ratio")."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", _palettes(), ids=["light", "dark"])
def test_texts_and_marks_stand_out_from_the_page(palette: dict[str, str]) -> None:
    for ground in ("paper", "raised"):
        for text in ("ink", "muted", "series-1", "series-2", "series-3", "series-4"):
            assert contrast(palette[text], palette[ground]) >= 4.5, (text, ground)
        assert contrast(palette["quiet"], palette[ground]) >= 3.0


# Rods of colour-blind eyes, as matrices on linear RGB (Machado, Oliveira and Fernandes, 2009, severity 1).
_BLIND = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
}


@pytest.mark.parametrize("kind", _BLIND)
@pytest.mark.parametrize("palette", _palettes(), ids=["light", "dark"])
def test_right_and_wrong_differ_for_colour_blind_eyes(palette: dict[str, str], kind: str) -> None:
    matrix = np.array(_BLIND[kind])
    right, wrong = (np.clip(matrix @ _channels(palette[name]), 0, 1) ** (1 / 2.2) for name in ("series-1", "series-2"))
    assert np.abs(right - wrong).max() > 0.3
