"""Laws are found again in curves that follow them, and not found where there is nothing to fit."""

import numpy as np
import pytest

from eval.intervals import Bootstrap
from eval.metrics.scaling import exponentiated_power, fit_coverage, fit_log_linear

NS = (1, 2, 4, 8, 16, 32, 64)


def test_the_exponentiated_power_law_is_found_again():
    curve = exponentiated_power(np.array(NS, dtype=float), -2.0, -0.4)
    found = fit_coverage(NS, np.tile(curve, (30, 1)))
    assert found["a"]["value"] == pytest.approx(-2.0, rel=1e-3)
    assert found["b"]["value"] == pytest.approx(-0.4, rel=1e-3)
    assert found["r_squared"] == pytest.approx(1.0)
    assert [one["n"] for one in found["beyond"]] == [640, 6400]
    assert found["beyond"][0]["value"] == pytest.approx(np.exp(-2.0 * 640**-0.4), rel=1e-3)


def test_its_interval_holds_what_another_half_of_the_problems_shows():
    rng = np.random.default_rng(0)
    chance = rng.beta(0.3, 2.0, size=400)
    curves = 1 - (1 - chance[:, None]) ** np.array(NS)
    found = fit_coverage(NS, curves[:200])
    other = fit_coverage(NS, curves[200:])
    assert found["b"]["low"] < found["b"]["value"] < found["b"]["high"]
    width = found["b"]["high"] - found["b"]["low"]
    assert abs(found["b"]["value"] - other["b"]["value"]) < 2 * width


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_curve_that_is_0_or_1_everywhere_has_no_law(level):
    assert fit_coverage(NS, np.full((5, len(NS)), level)) is None


def test_two_points_are_no_curve():
    assert fit_coverage((1, 2), np.array([[0.1, 0.2]] * 5)) is None
    assert fit_log_linear((1, 2), np.array([[0.1, 0.2]] * 5)) is None


def test_the_slope_is_the_gain_for_ten_times_the_samples():
    curves = np.array([[0.1 + 0.2 * np.log10(n) + shift for n in NS] for shift in (-0.05, 0.0, 0.05)])
    found = fit_log_linear(NS, curves)
    assert found["slope"]["value"] == pytest.approx(0.2)
    assert found["slope"]["high"] - found["slope"]["low"] == pytest.approx(0.0, abs=1e-9)
    assert found["intercept"]["low"] < found["intercept"]["value"] == pytest.approx(0.1)


def test_a_flat_curve_has_no_share_explained():
    assert fit_log_linear(NS, np.zeros((4, len(NS))))["r_squared"] is None


def test_bootstrap_means_are_those_of_the_drawn_problems():
    values = np.random.default_rng(1).random((7, 3))
    drawn = np.random.default_rng(5).integers(0, 7, size=(50, 7))
    assert Bootstrap(7, 5, 50).sums(values) == pytest.approx(values[drawn].sum(axis=1))


def test_intervals_cover_as_often_as_they_say():
    """Of 200 data sets of 60 problems with a true share of 0.3 about 95 % of the intervals hold it."""
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(200):
        one = Bootstrap(60, 0, 500).share(rng.random(60) < 0.3)
        held += one["low"] <= 0.3 <= one["high"]
    assert 180 <= held <= 199


def test_a_ratio_of_nothing_is_no_number():
    assert Bootstrap(3).ratio([1, 2, 3], [0, 0, 0]) is None
    assert Bootstrap(2).ratio([1, 3], [1, 1])["value"] == 2.0


def test_resampling_in_pieces_draws_what_resampling_at_once_draws(monkeypatch):
    values = np.random.default_rng(3).random((11, 2))
    whole = Bootstrap(11, 4, 300).sums(values)
    monkeypatch.setattr("eval.intervals._CELLS_AT_ONCE", 50)
    assert Bootstrap(11, 4, 300).sums(values) == pytest.approx(whole)
