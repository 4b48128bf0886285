"""The same stretch of trail, each time that it was run: of one run beside the others, and over time."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from dashboard import words
from dashboard.charts.parts import Parts
from dashboard.charts.trend import add_breaks, reach, tick_format
from dashboard.theme import LIGHT, SYMBOLS, Theme, rgba

OVER_TIME_PX = 380
ROW_PX = 34
FRAME_PX = 76


def beside_others(shared: pl.DataFrame, theme: Theme = LIGHT) -> go.Figure:
    """One row per stretch of a run: a tick for every other pass, and the run's own with its interval.

    Parameters
    ----------
    shared : stretch_id, where, mine, terrain, cadence_cv, low, high (fractions), n_windows, local_date.
    """
    parts = Parts()
    places = shared["where"].unique(maintain_order=True).to_list()
    others, mine = shared.filter(~pl.col("mine")), shared.filter(pl.col("mine"))
    parts.add_scatter(
        x=(100 * others["cadence_cv"]).to_list(),
        y=others["where"].to_list(),
        mode="markers",
        marker={"symbol": "line-ns", "size": 13, "line": {"width": 1.6, "color": rgba(theme.muted, 0.55)}},
        text=_hover(others),
        hovertemplate="%{text}<extra></extra>",
        name="other passes",
    )
    for terrain in ("technical", "smooth"):
        _add_passes(parts, mine.filter(pl.col("terrain") == terrain), terrain, theme, across=True)
    parts.update_layout(
        template=theme.template,
        height=height_px(shared),
        margin={"l": 92, "r": 16, "t": 8, "b": 46},
        xaxis={"title": {"text": "Cadence variability, %"}, "rangemode": "tozero", "showgrid": True},
        yaxis={"categoryorder": "array", "categoryarray": places[::-1], "showgrid": False},
    )
    return parts.figure()


def height_px(shared: pl.DataFrame) -> int:
    """As high as its rows."""
    return FRAME_PX + ROW_PX * max(shared["stretch_id"].n_unique(), 1)


def over_time(passes: pl.DataFrame, breaks: pl.DataFrame, theme: Theme = LIGHT) -> go.Figure:
    """Every pass of one stretch with its interval, by day.

    Parameters
    ----------
    passes : local_date, terrain, cadence_cv, low, high (fractions), n_windows, run_id.
    breaks : local_date, words: where a device, and so the level of the figures, changed.
    """
    parts = Parts()
    for terrain in ("technical", "smooth"):
        _add_passes(parts, passes.filter(pl.col("terrain") == terrain), terrain, theme, across=False)
    days = passes["local_date"].to_list()
    inside = breaks.filter(pl.col("local_date").is_between(min(days), max(days))) if days else breaks.clear()
    top_px = add_breaks(parts, inside, days, theme)
    highest = pl.max_horizontal("cadence_cv", "high").quantile(0.9)
    top = 115 * float(passes.select(highest).item() or 0.04)
    parts.update_layout(
        template=theme.template,
        height=OVER_TIME_PX,
        margin={"l": 58, "r": 20, "t": top_px, "b": 46},
        xaxis={"type": "date", "tickformat": tick_format(days), "nticks": 8, "range": reach(days)},
        yaxis={"title": {"text": "Cadence variability, %"}, "range": [0, top], "nticks": 6},
    )
    return parts.figure()


def _add_passes(parts: Parts, passes: pl.DataFrame, terrain: str, theme: Theme, *, across: bool) -> None:
    """Marks with their intervals; `across` draws values to the right and places upwards."""
    colour = theme.terrain(terrain)
    value = 100 * passes["cadence_cv"]
    bars = {
        "type": "data",
        "array": _beyond(100 * passes["high"].cast(pl.Float64) - value),
        "arrayminus": _beyond(value - 100 * passes["low"].cast(pl.Float64)),
        "color": rgba(colour, 0.75 if across else 0.25),
        "thickness": 2 if across else 1.2,
        "width": 0,
    }
    drawn = (
        {"x": value.to_list(), "y": passes["where"].to_list(), "error_x": bars}
        if across
        else {"x": passes["local_date"].to_list(), "y": value.to_list(), "error_y": bars}
    )
    parts.add_scatter(
        **drawn,
        mode="markers",
        name=terrain,
        marker={"symbol": SYMBOLS[terrain], "size": 11 if across else 8, "color": colour},
        customdata=passes["run_id"].to_list(),
        text=_hover(passes),
        hovertemplate="%{text}<extra></extra>",
    )


def _beyond(reach: pl.Series) -> list[float]:
    return reach.fill_null(0.0).to_list()


def _hover(passes: pl.DataFrame) -> list[str]:
    return [
        f"{words.day(day)}: {words.percent(value)}"
        + ("" if low is None else f"<br>95{words.NBSP}% interval {words.percent_range(low, high)}")
        + f"<br>n = {words.count(n, 'window')}"
        for day, value, low, high, n in passes.select(
            "local_date", "cadence_cv", "low", "high", "n_windows"
        ).iter_rows()
    ]
