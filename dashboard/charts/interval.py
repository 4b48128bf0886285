"""The answer's interval on a line from steadier to less steady."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from dashboard import words
from dashboard.charts.parts import Parts
from dashboard.theme import LIGHT, Theme, rgba

HEIGHT_PX = 160
NO_MATTER = 0.10


def no_matter_band(theme: Theme) -> Parts:
    """Zero and the ±10 % band that does not matter, behind what is drawn on them."""
    parts = Parts()
    tall: dict[str, Any] = {"y0": 0, "y1": 1, "yref": "y domain"}
    band = {"x0": -100 * NO_MATTER, "x1": 100 * NO_MATTER, "fillcolor": rgba(theme.muted, 0.13)}
    parts.add_shape(type="rect", **tall, **band, line={"width": 0}, layer="below")
    parts.add_shape(type="line", **tall, x0=0, x1=0, line={"color": theme.muted, "width": 1})
    return parts


def interval(
    estimate: float, low: float, high: float, detectable: float | None = None, theme: Theme = LIGHT
) -> go.Figure:
    """Estimate and 95 % interval with zero, the ±10 % band and what could have been seen.

    Parameters
    ----------
    estimate, low, high : change of unsteadiness per 45 weekly minutes as fractions, below 0 is steadier.
    detectable : change that could be seen with 80 % power, as a fraction.
    """
    reach = 115 * max(abs(low), abs(high), detectable or 0.0, 1.6 * NO_MATTER)
    parts = no_matter_band(theme)
    parts.add_scatter(
        x=[100 * low, 100 * high],
        y=[0, 0],
        mode="lines",
        line={"color": theme.technical, "width": 4},
        hoverinfo="skip",
        name="95 % interval",
    )
    parts.add_scatter(
        x=[100 * estimate],
        y=[0],
        mode="markers",
        marker={
            "symbol": "diamond",
            "size": 15,
            "color": theme.technical,
            "line": {"color": theme.card, "width": 2},
        },
        hovertemplate=f"{words.change(estimate)}<extra></extra>",
        name="estimate",
    )
    if detectable is not None:
        parts.add_scatter(
            x=[-100 * detectable, 100 * detectable],
            y=[0, 0],
            mode="markers",
            marker={"symbol": "line-ns", "size": 20, "line": {"color": theme.muted, "width": 1.5}},
            hovertemplate="only changes beyond this could have been seen<extra></extra>",
            name="detectable",
        )
    for x, text, anchor in ((0.0, "◂ steadier", "left"), (1.0, "less steady ▸", "right")):
        parts.add_annotation(
            x=x, xref="paper", y=1, yref="paper", yanchor="bottom", xanchor=anchor, text=text, showarrow=False
        )
    parts.add_annotation(
        x=0, y=1, yref="paper", yanchor="bottom", text=f"within ±10{words.NBSP}%", showarrow=False
    )
    parts.update_layout(
        template=theme.template,
        height=HEIGHT_PX,
        margin={"l": 16, "r": 16, "t": 26, "b": 62},
        xaxis={
            "range": [-reach, reach],
            "ticksuffix": " %",
            "nticks": 7,
            "title": {"text": "Change of cadence variability<br>per +45 balance minutes a week"},
        },
        yaxis={"visible": False, "range": [-1, 1]},
    )
    return parts.figure()
