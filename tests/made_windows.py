"""Labelled tracks and windows made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from pipeline.metrics import MIDDLE, Windows
from pipeline.tables import DIRECTIONS, TERRAINS, DataFrame, Track

TECHNICAL, SMOOTH = TERRAINS.index("technical"), TERRAINS.index("smooth")
UP, LEVEL, DOWN = (DIRECTIONS.index(name) for name in ("up", "level", "down"))
NO_MODEL = np.zeros(5)


def track(cadence_spm: Any, **columns: Any) -> DataFrame[Track]:
    """A labelled track of one row a second on level technical ground; NaN is missing cadence."""
    cadence = np.asarray(cadence_spm, dtype=float)
    n = len(cadence)
    frame = pl.DataFrame(
        {
            "run_id": ["a run"] * n,
            "elapsed_s": np.arange(n),
            "timestamp": [datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=i) for i in range(n)],
            "cadence_spm": cadence,
        }
    ).with_columns(pl.col("cadence_spm").fill_nan(None))
    defaults = {
        "lat_deg": None,
        "lon_deg": None,
        "altitude_m": None,
        "distance_m": None,
        "speed_mps": 2.5,
        "heart_rate_bpm": None,
        "grade": 0.0,
        "gap_speed_mps": None,
        "gait": "run",
        "cadence_flag": pl.when(pl.col("cadence_spm").is_null())
        .then(pl.lit("missing"))
        .otherwise(pl.lit("ok")),
        "technicality": None,
        "terrain": "technical",
        "segment_id": None,
    } | columns
    values = {
        name: value
        if isinstance(value, pl.Expr)
        else pl.Series(name, value)
        if isinstance(value, (list, np.ndarray))
        else pl.lit(value)
        for name, value in defaults.items()
    }
    return Track.cast(frame.with_columns(**values))


def windows(n: int = 1, **columns: Any) -> Windows:
    """`n` windows that are all the same unless said otherwise."""
    values: dict[str, Any] = {
        "start_s": np.arange(n) * 20.0,
        "terrain": np.full(n, TECHNICAL),
        "direction": np.full(n, LEVEL),
        "third": np.full(n, MIDDLE),
        "residual_sd_spm": np.full(n, 2.0),
        "cadence_mean_spm": np.full(n, 170.0),
        "cadence_sd_spm": np.full(n, 3.0),
        **dict.fromkeys(("stance_sd_ms", "stance_mean_ms", "balance_sd", "balance_mean"), np.full(n, np.nan)),
    } | columns
    return Windows(**values)
