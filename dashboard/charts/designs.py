"""The smallest change that each design could show, by its length."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from dashboard import words
from dashboard.charts.parts import Parts
from dashboard.theme import LIGHT, Theme

HEIGHT_PX = 320
MARKS = (("circle", "dot"), ("square", "dash"), ("diamond", "solid"), ("triangle-up", "dashdot"))


def designs(changes: pl.DataFrame, theme: Theme = LIGHT) -> go.Figure:
    """A line a design, each with a sign of its own and its name where it ends; lower sees more.

    Parameters
    ----------
    changes : design, weeks, change (fraction; null where the design cannot be fitted).
    """
    parts = Parts()
    colours = (theme.muted, theme.smooth, theme.technical, theme.ink)
    names = changes["design"].unique(maintain_order=True).to_list()
    first = len(MARKS) - len(names)  # without the first, to go on as now, the others keep their signs
    for (design,), part in changes.drop_nulls("change").group_by("design", maintain_order=True):
        which = first + names.index(design)
        symbol, dash = MARKS[which]
        parts.add_scatter(
            x=part["weeks"].to_list(),
            y=(100 * part["change"]).round(1).to_list(),
            mode="lines+markers",
            name=str(design),
            line={"color": colours[which], "width": 2, "dash": dash},
            marker={"symbol": symbol, "size": 9, "color": colours[which]},
            hovertemplate=f"{design}, %{{x}} weeks: %{{y:.0f}}{words.NBSP}%<extra></extra>",
        )
    parts.update_layout(
        template=theme.template,
        height=HEIGHT_PX,
        margin={"l": 58, "r": 16, "t": 44, "b": 48},
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "itemclick": False},
        xaxis={"title": {"text": "Weeks"}, "tickvals": changes["weeks"].unique().sort().to_list()},
        yaxis={"title": {"text": "Smallest change seen, %"}, "rangemode": "tozero", "nticks": 5},
    )
    return parts.figure()
