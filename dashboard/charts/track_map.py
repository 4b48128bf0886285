"""The run's track in metres about its start, on plain ground unless it is given tiles; no map library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from dashboard.charts.parts import Parts
from dashboard.charts.stretches import stretches
from dashboard.theme import LIGHT, LINE_WIDTHS, Theme
from dashboard.units import METRIC, Units

HEIGHT_PX = 440
N_POINTS = 2500
TILE_OPACITY = 0.7


def track_map(
    positions: pl.DataFrame,
    theme: Theme = LIGHT,
    tiles: Sequence[Mapping[str, Any]] = (),
    units: Units = METRIC,
    start: str = "Start",
) -> go.Figure:
    """Thick orange for technical, thin blue for smooth, grey without a label; start, scale bar and north.

    Parameters
    ----------
    positions : elapsed_s, distance_m, terrain, east_m, north_m; at least one.
    start : what the first position is called.
    tiles : url, east_m and north_m of its upper left corner, width_m, height_m of each picture below it all.
    """
    parts = plain_ground(theme, HEIGHT_PX, "")
    for tile in tiles:
        parts.add_layout_image(
            source=tile["url"],
            xref="x",
            yref="y",
            x=round(tile["east_m"], 1),
            y=round(tile["north_m"], 1),
            sizex=round(tile["width_m"], 1),
            sizey=round(tile["height_m"], 1),
            sizing="stretch",
            layer="below",
            opacity=TILE_OPACITY,
        )
    step = max(1, positions.height // N_POINTS)
    for name in ("unlabelled", "smooth", "technical"):
        _add_ground(parts, positions, name, step, theme)
    _add_start(parts, positions, theme, start)
    add_scale_and_north(parts, positions, theme, units)
    return parts.figure()


def _add_ground(parts: Parts, positions: pl.DataFrame, name: str, step: int, theme: Theme) -> None:
    gap = positions.height  # a row of its own, after the last
    rows: list[int] = []
    for label, start, end in stretches(positions["terrain"]):
        if (label or "unlabelled") == name:
            last = min(end, positions.height - 1)
            rows += [*range(start, last, step), last, gap]
    east, north = (np.append(positions[way], np.float32("nan")) for way in ("east_m", "north_m"))
    parts.add_scatter(
        x=east[rows].astype(np.float32),
        y=north[rows].astype(np.float32),
        mode="lines",
        line={
            "width": LINE_WIDTHS.get(name, 1.5),
            "color": theme.axis if name == "unlabelled" else theme.terrain(name),
            "dash": "dot" if name == "unlabelled" else "solid",
        },
        name=name,
        hoverinfo="skip",
    )


def _add_start(parts: Parts, positions: pl.DataFrame, theme: Theme, start: str) -> None:
    east = positions["east_m"].to_numpy()
    parts.add_scatter(
        x=[positions["east_m"][0]],
        y=[positions["north_m"][0]],
        mode="markers+text",
        marker={"size": 13, "color": theme.card, "line": {"color": theme.ink, "width": 3}},
        text=[start],
        textposition="top left" if east[0] > (east.min() + east.max()) / 2 else "top right",
        cliponaxis=False,
        textfont={"color": theme.ink, "size": 13},
        name="start",
        hoverinfo="skip",
    )


def plain_ground(theme: Theme, height_px: int, text: str) -> Parts:
    """The parts of an empty map, as many pixels a metre either way; `text` is said in its middle."""
    parts = Parts()
    parts.update_layout(
        template=theme.template,
        height=height_px,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        xaxis={"visible": False, "constrain": "domain"},
        yaxis={"visible": False, "scaleanchor": "x", "scaleratio": 1, "constrain": "domain"},
    )
    if text:
        parts.add_annotation(x=0.5, y=0.5, xref="paper", yref="paper", text=text, showarrow=False)
    return parts


def add_scale_and_north(parts: Parts, positions: pl.DataFrame, theme: Theme, units: Units = METRIC) -> None:
    """How long a way is on the picture and where north is, and the axes about it all."""
    east, north = positions["east_m"].to_numpy(), positions["north_m"].to_numpy()
    left, right, bottom, top = float(east.min()), float(east.max()), float(north.min()), float(north.max())
    extent = max(right - left, top - bottom, 50.0)
    length = max([m for m in units.scale_m if m <= 0.3 * extent], default=units.scale_m[0])
    y = bottom - 0.09 * extent
    parts.add_scatter(
        x=[left, left, left, left + length, left + length, left + length],
        y=[y - 0.01 * extent, y + 0.01 * extent, y, y, y + 0.01 * extent, y - 0.01 * extent],
        mode="lines",
        line={"color": theme.muted, "width": 1.5},
        name="scale bar",
        hoverinfo="skip",
    )
    parts.add_annotation(
        x=left + length,
        y=y,
        xanchor="left",
        xshift=8,
        text=units.short(length),
        showarrow=False,
    )
    parts.add_annotation(
        x=1,
        y=1,
        xref="paper",
        yref="paper",
        xanchor="right",
        yanchor="top",
        text="▲<br>N",
        showarrow=False,
        font={"size": 13, "color": theme.muted},
    )
    margin = 0.06 * extent
    span = (
        np.array([left - margin, max(right, left + 1.5 * length) + margin]),
        np.array([y - margin, top + margin]),
    )
    parts.update_layout(xaxis_range=span[0].tolist(), yaxis_range=span[1].tolist())
