"""Altitude, cadence and where cadence was unsteady along one run: a row for each that it has."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl
from numpy.typing import NDArray
from tsdownsample import MinMaxLTTBDownsampler

from dashboard.charts.parts import Parts
from dashboard.charts.stretches import stretches
from dashboard.theme import LIGHT, LINE_WIDTHS, SYMBOLS, Theme, rgba
from dashboard.units import METRIC, Units

N_POINTS = 2500
N_MARKERS = 120  # of one ground: more of them lie on each other, and are most of the time it takes to draw
PAUSE_S = 10
USABLE = (pl.col("gait") == "run") & (pl.col("cadence_flag") == "ok")
AXES = {"altitude": "yaxis", "cadence": "yaxis2", "variability": "yaxis3"}
DOMAINS = {
    0: (),
    1: ((0.0, 1.0),),
    2: ((0.54, 1.0), (0.0, 0.44)),
    3: ((0.66, 1.0), (0.33, 0.61), (0.0, 0.27)),
}


def rows_of(track: pl.DataFrame, windows: pl.DataFrame) -> list[str]:
    """Which of altitude, (usable) cadence and variability a run has anything of, from the top.

    Parameters
    ----------
    track, windows : as `profile` takes them.
    """
    known = track.drop_nulls("distance_m")
    there = {
        "altitude": known["altitude_m"].count(),
        "cadence": known.filter(USABLE)["cadence_spm"].count(),
        "variability": windows["distance_m"].count(),
    }
    return [name for name in AXES if there[name]]


def height_px(n_rows: int) -> int:
    """How high the chart is with so many rows."""
    return 48 + 144 * n_rows


def profile(
    track: pl.DataFrame,
    windows: pl.DataFrame,
    theme: Theme = LIGHT,
    *,
    part_km: tuple[float, float] | None = None,
    units: Units = METRIC,
) -> go.Figure:
    """Up to three rows on one x axis; technical ground is shaded, seconds of unusable cadence are left out.

    The whole run is thinned for the screen; of a part, every second is drawn up to N_POINTS of them.

    Parameters
    ----------
    track : elapsed_s, distance_m, altitude_m, cadence_spm, gait, cadence_flag, terrain: one row per second.
    windows : distance_m, terrain, value (fraction), block: cadence variability of 20 s windows.
    part_km : from where to where of the run, all of it where it is None; kilometres, as in its address.
    """
    rows = rows_of(track, windows)
    known = track.drop_nulls("distance_m")
    if part_km is not None:
        inside = pl.col("distance_m").is_between(1000 * part_km[0], 1000 * part_km[1])
        known, windows = known.filter(inside), windows.filter(inside)
    along = known["distance_m"].to_numpy() / units.unit_m
    pause = np.diff(known["elapsed_s"].to_numpy(), append=np.inf) > PAUSE_S
    parts = Parts()
    altitude = known["altitude_m"].to_numpy() / units.height_m
    if "altitude" in rows:
        parts.add_scatter(
            **_thinned(along, altitude, pause, digits=0),
            mode="lines",
            line={"color": theme.muted, "width": 1.6},
            name="altitude",
            hovertemplate=f"%{{y:.0f}} {units.height_unit}<extra></extra>",
        )
    usable = known.select(USABLE).to_series().to_numpy()
    cadence = np.where(usable, known["cadence_spm"].to_numpy(), np.nan)
    if "cadence" in rows:
        parts.add_scatter(
            **_thinned(along, cadence, pause, digits=1),
            mode="lines",
            line={"color": rgba(theme.dose[0], 0.85), "width": 1},
            name="cadence",
            yaxis="y2",
            hovertemplate="%{y:.0f} steps/min<extra></extra>",
        )
    for terrain in ("technical", "smooth") if "variability" in rows else ():
        _add_windows(parts, windows.filter(pl.col("terrain") == terrain), terrain, theme, units)
    finite = altitude[np.isfinite(altitude)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 100.0)
    pad = max(10.0, 0.08 * (high - low))
    quick = cadence[np.isfinite(cadence)]
    span = np.quantile(quick, [0.002, 0.998]) if len(quick) else np.array([140.0, 190.0])
    axes: dict[str, dict[str, Any]] = {
        "altitude": {"title": {"text": f"Altitude, {units.height_unit}"}, "range": [low - pad, high + pad]},
        "cadence": {"title": {"text": "Steps/min"}, "range": [float(span[0]) - 4, float(span[1]) + 4]},
        "variability": {"title": {"text": "Variability, %"}, "rangemode": "tozero"},
    }
    drawn = {
        AXES[name]: axes[name] | {"domain": domain, "nticks": 4}
        for name, domain in zip(rows, DOMAINS[len(rows)], strict=True)
    }
    parts.update_layout(
        template=theme.template,
        height=height_px(len(rows)),
        margin={"l": 62, "r": 14, "t": 8, "b": 40},
        hovermode="x",
        hoversubplots="axis",
        shapes=_shaded_technical(known, along, theme),
        xaxis={
            "anchor": list(drawn)[-1].replace("axis", "") if drawn else "y",
            "ticksuffix": f" {units.distance_unit}",
            "range": [float(along[0]), float(along[-1])] if len(along) else [0, 1],
            "nticks": 7,
            "tickangle": 0,
            "hoverformat": ".2f",
        },
        **drawn,
    )
    return parts.figure()


def _shaded_technical(track: pl.DataFrame, along: NDArray[np.float64], theme: Theme) -> list[dict[str, Any]]:
    """The bands behind technical ground, as one shape: each of its own costs as much as the chart's lines."""
    bands = [
        f"M{along[start]:.4f},0V1H{along[end - 1]:.4f}V0Z"
        for label, start, end in stretches(track["terrain"])
        if label == "technical"
    ]
    shape = {
        "type": "path",
        "path": "".join(bands),
        "yref": "paper",
        "fillcolor": rgba(theme.technical, 0.11),
        "line_width": 0,
        "layer": "below",
    }
    return [shape] if bands else []


def _thinned(
    x: NDArray[np.float64], y: NDArray[np.float64], pause: NDArray[np.bool_], digits: int
) -> dict[str, NDArray[np.float32]]:
    """About N_POINTS of a line at most, peaks kept (MinMaxLTTB, Van Der Donckt et al. 2023), gaps as NaN.

    `pause` marks the points after which the recording stopped for a while.
    """
    finite = np.isfinite(y)
    rows = np.flatnonzero(finite)
    if len(rows) > N_POINTS:
        downsampler: Any = MinMaxLTTBDownsampler
        rows = rows[downsampler().downsample(np.ascontiguousarray(y[rows]), n_out=N_POINTS)]
    breaks = np.flatnonzero(pause | (finite & ~np.append(finite[1:], True)))
    every = np.union1d(rows.astype(np.int64), breaks[finite[breaks]])
    gaps = 1 + np.flatnonzero(np.isin(every, breaks))
    return {
        "x": np.insert(x[every], gaps, x[every[gaps - 1]]).round(4).astype(np.float32),
        "y": np.insert(y[every], gaps, np.nan).round(digits).astype(np.float32),
    }


def _add_windows(parts: Parts, windows: pl.DataFrame, terrain: str, theme: Theme, units: Units) -> None:
    ends = 1 + np.flatnonzero(np.diff(windows["block"].to_numpy()))
    parts.add_scatter(
        x=np.insert(windows["distance_m"].to_numpy() / units.unit_m, ends, np.nan)
        .round(4)
        .astype(np.float32),
        y=np.insert(100 * windows["value"].to_numpy(), ends, np.nan).round(2).astype(np.float32),
        mode="lines+markers",
        line={"color": theme.terrain(terrain), "width": LINE_WIDTHS[terrain] / 2},
        marker={
            "symbol": SYMBOLS[terrain],
            "size": 5,
            "color": theme.terrain(terrain),
            "maxdisplayed": N_MARKERS,
        },
        name=terrain,
        yaxis="y3",
        hovertemplate="%{y:.1f} % " + terrain + "<extra></extra>",
    )
