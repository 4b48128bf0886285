"""The line through a trend's runs, and the words at its changes of watch."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import plotly.graph_objects as go
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


def test_the_order_of_runs_does_not_matter() -> None:
    """Shuffled runs have the same line and band."""
    rng = np.random.default_rng(5)
    x, y, order = rng.uniform(0, 300, 60), rng.normal(0, 1, 60), rng.permutation(60)
    grid = np.arange(0.0, 301.0, 2.0)
    assert np.allclose(local_line(x[order], y[order], grid), local_line(x, y, grid), equal_nan=True)


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


def test_parts_make_the_chart_that_plotly_makes_of_them() -> None:
    """Put together first or added to a figure one by one, a chart is the same."""
    drawn: list[Any] = []
    for chart in (Parts(), go.Figure()):
        chart.add_scatter(x=[1, 2], y=[3.0, 4.0], mode="lines", line={"width": 2}, name="line")
        chart.add_bar(x=[1, 2], y=[5, 6], yaxis="y2")
        chart.add_shape(type="line", x0=1, x1=1, y0=0, y1=1, yref="paper", line_width=1)
        chart.add_annotation(x=1, y=1, text="first", showarrow=False)
        chart.add_annotation(x=2, y=1, text="second", showarrow=False)
        chart.add_layout_image(source="/picture", x=0, y=0, sizex=1, sizey=1)
        chart.update_layout(template=theme.LIGHT.template, xaxis={"nticks": 4})
        chart.update_layout(xaxis_range=[0, 3])
        drawn.append((chart.figure() if isinstance(chart, Parts) else chart).to_dict())
    assert drawn[0] == drawn[1]


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
