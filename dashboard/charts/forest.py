"""Each athlete's own answer as an interval, and below them what they say together."""

from __future__ import annotations

from html import escape

import plotly.graph_objects as go
import polars as pl

from dashboard import words
from dashboard.charts.interval import NO_MATTER, no_matter_band
from dashboard.theme import LIGHT, Theme

ROW_PX, AROUND_PX = 30, 96
LONGEST_NAME = 22
TOGETHER = "<b>together</b>"
WIDEST = 1.5


def height_px(n_athletes: int) -> int:
    """Height of the chart for so many athletes and the row below them."""
    return AROUND_PX + ROW_PX * (n_athletes + 1)


def forest(
    athletes: pl.DataFrame, pooled: tuple[float, float, float] | None, theme: Theme = LIGHT
) -> go.Figure:
    """One line an athlete in the order given, a wide diamond for all; zero and the ±10 % band behind.

    Parameters
    ----------
    athletes : athlete_id, estimate, low, high (changes as fractions, below 0 is steadier), n_runs.
    pooled : estimate, low and high of all together, None where there is no such mean.
    """
    rows = list(athletes.select("estimate", "low", "high").iter_rows())
    names = [_short(name) for name in athletes["athlete_id"]]
    every = [*rows, *([pooled] if pooled else [])]
    reach = min(1.15 * max([1.6 * NO_MATTER, *(abs(end) for row in every for end in row)]), WIDEST)
    parts = no_matter_band(theme)
    drawn = [(rows, list(range(len(rows))), "diamond", 10, theme.technical, "athlete")]
    if pooled:
        drawn.append(([pooled], [len(rows)], "diamond-wide", 18, theme.ink, "together"))
    for values, at, symbol, size, colour, name in drawn:
        x = [100 * estimate for estimate, _, _ in values]
        parts.add_scatter(
            x=x,
            y=at,
            mode="markers",
            name=name,
            marker={"symbol": symbol, "size": size, "color": colour},
            error_x={
                "type": "data",
                "array": [100 * (high - estimate) for estimate, _, high in values],
                "arrayminus": [100 * (estimate - low) for estimate, low, _ in values],
                "color": colour,
                "thickness": 2.5,
                "width": 0,
            },
            text=[
                f"{words.change(estimate)}<br>95 % interval {words.change_range(low, high)}"
                for estimate, low, high in values
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    for x_at, text, anchor in ((0.0, "◂ steadier", "left"), (1.0, "less steady ▸", "right")):
        parts.add_annotation(
            x=x_at, xref="paper", y=1, yref="paper", yanchor="bottom", xanchor=anchor, text=text
        )
    labels = [*names, *([TOGETHER] if pooled else [])]
    parts.update_layout(
        template=theme.template,
        height=height_px(len(rows)),
        margin={"l": 16, "r": 16, "t": 26, "b": 62},
        xaxis={
            "range": [-100 * reach, 100 * reach],
            "ticksuffix": " %",
            "nticks": 6,
            "tickangle": 0,
            "title": {"text": "Change of cadence variability<br>per +45 balance minutes a week"},
        },
        yaxis={
            "tickvals": list(range(len(labels))),
            "ticktext": labels,
            "range": [len(labels) - 0.5, -0.5],
            "showgrid": False,
            "automargin": True,
        },
    )
    return parts.figure()


def _short(name: str) -> str:
    return escape(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…")
