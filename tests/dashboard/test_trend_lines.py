"""The line through a trend's runs, and the words at its changes of watch."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from dashboard import theme
from dashboard.charts.lowess import local_line
from dashboard.charts.parts import Parts
from dashboard.charts.trend import BREAK_ROW_PX, add_breaks


def test_a_straight_line_is_its_own_smooth() -> None:
    """Local linear regression gives a straight line back, with a band of no width."""
    x = np.arange(0.0, 100.0, 3.0)
    line, low, high = local_line(x, 2 + 0.1 * x, x)
    assert np.allclose(line, 2 + 0.1 * x)
    assert np.allclose(low, high, atol=1e-6)


def test_the_line_is_a_weighted_straight_line_about_each_place() -> None:
    """At each place it is numpy's own least squares fit with tricube weights."""
    rng = np.random.default_rng(3)
    x, y = np.sort(rng.uniform(0, 120, 40)), rng.normal(0, 1, 40)
    line = local_line(x, y, x, robust_rounds=0)[0]
    for at, value in zip(x, line, strict=True):
        weight = np.clip(1 - np.abs((x - at) / 35) ** 3, 0, None) ** 1.5  # the root of the tricube weight
        assert value == pytest.approx(np.polyfit(x - at, y, 1, w=weight)[1], rel=1e-9)


def test_runs_of_one_day_have_a_mean_and_no_slope() -> None:
    """Five runs on one day: the line there is their mean."""
    line = local_line(np.full(5, 3.0), np.arange(5.0), np.array([3.0]), robust_rounds=0)
    assert line[0] == pytest.approx([2.0])


def test_one_wild_run_does_not_bend_the_line() -> None:
    """Robust weights take a single outlier's pull down to less than a quarter."""
    x = np.arange(0.0, 100.0, 3.0)
    y = np.sin(x / 30) + 0.01 * np.cos(5 * x)
    wild = y.copy()
    wild[15] += 5
    pull = [np.abs(local_line(x, wild, x, robust_rounds=n)[0] - local_line(x, y, x)[0]).max() for n in (0, 2)]
    assert pull[1] < pull[0] / 4


def test_no_line_over_a_long_pause() -> None:
    """Where fewer than five runs are in reach there is no line."""
    x = np.concatenate([np.arange(0.0, 30.0, 3.0), np.arange(200.0, 230.0, 3.0)])
    line = local_line(x, np.ones_like(x), np.array([10.0, 115.0, 210.0]))[0]
    assert np.isfinite(line).tolist() == [True, False, True]


@pytest.mark.parametrize(("is_narrow", "rows"), [(False, [0, 0, 1]), (True, [0, 1, 2])])
def test_words_of_near_breaks_do_not_run_into_each_other(is_narrow: bool, rows: list[int]) -> None:
    """Of three changes of watch, the last ten days apart: words that would meet stand one above the other."""
    days = [date(2026, 1, 1), date(2026, 12, 31)]
    changed = [date(2026, 2, 1), date(2026, 9, 1), date(2026, 9, 11)]
    breaks = pl.DataFrame({"local_date": changed, "words": ["a", "b", "c"]})
    parts = Parts()
    room = add_breaks(parts, breaks, days, replace(theme.LIGHT, is_narrow=is_narrow))
    assert [note.yshift // BREAK_ROW_PX for note in parts.figure().layout.annotations] == rows
    assert room >= (max(rows) + 1) * BREAK_ROW_PX


@pytest.mark.parametrize(
    ("is_narrow", "sides"), [(False, ["left", "left", "right"]), (True, ["left", "center", "right"])]
)
def test_words_of_a_break_stay_on_the_screen(is_narrow: bool, sides: list[str]) -> None:
    """Early words run to the right and late ones to the left; on a phone those amid stand over their line."""
    days = [date(2026, 1, 1), date(2026, 12, 31)]
    changed = [date(2026, 2, 1), date(2026, 6, 1), date(2026, 11, 1)]
    breaks = pl.DataFrame({"local_date": changed, "words": ["a", "b", "c"]})
    parts = Parts()
    add_breaks(parts, breaks, days, replace(theme.LIGHT, is_narrow=is_narrow))
    assert [note.xanchor for note in parts.figure().layout.annotations] == sides
