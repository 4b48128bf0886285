"""The decayed dose of balance work, category upon category."""

from __future__ import annotations

from html import escape

import plotly.graph_objects as go
import polars as pl

from dashboard.charts.trend import tick_format
from dashboard.theme import LIGHT, Theme

HEIGHT_PX = 240


def dose_by_category(parts: pl.DataFrame, theme: Theme = LIGHT) -> go.Figure:
    """Areas upon each other, the largest category at the bottom: their upper edge is the dose in all.

    Parameters
    ----------
    parts : date, category, dose (min/week); no more categories than the theme has colours for doses.
    """
    figure = go.Figure()
    largest = parts.group_by("category").agg(pl.col("dose").sum()).sort("dose", descending=True)["category"]
    for colour, category in zip(theme.dose, largest, strict=False):
        part = parts.filter(category=category)
        figure.add_scatter(
            x=part["date"].dt.to_string().to_list(),
            y=part["dose"].round(2).to_list(),
            name=category,
            mode="lines",
            stackgroup="dose",
            line={"width": 0.5, "color": colour},
            fillcolor=colour,
            hovertemplate=f"{escape(category)}: %{{y:.0f}} min/week<extra></extra>",
        )
    return figure.update_layout(
        template=theme.template,
        height=HEIGHT_PX,
        margin={"l": 58, "r": 16, "t": 24, "b": 48},
        hovermode="x unified",
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"type": "date", "tickformat": tick_format(parts["date"].to_list())},
        yaxis={"title": {"text": "Dose, min/week"}, "rangemode": "tozero", "nticks": 5},
    )
