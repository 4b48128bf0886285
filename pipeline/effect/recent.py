"""Where steadiness is going just now: a view for coaches, which says nothing of balance work."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from pipeline.effect.gls import fit_gls
from pipeline.effect.season import METRIC
from pipeline.effect.verdict import as_change
from pipeline.tables import DataFrame, Runs, Stability

RECENT_WEEKS = 12
MIN_RUNS = 8
_COLUMNS = {
    "athlete_id": pl.String,
    "change": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n_runs": pl.Int64,
}


def measure_recent_trends(runs: DataFrame[Runs], stability: DataFrame[Stability]) -> pl.DataFrame:
    """Change of technical unsteadiness in four weeks with its 95 % interval, one row per athlete.

    A straight line by generalised least squares with drifting errors (see `gls`) through log `cadence_cv` of
    the runs that count of the last 12 weeks before the latest one, of its device epoch, at least 8 of them.
    `change`, `low` and `high` are fractions, below 0 is steadier; athletes with fewer runs have no row.
    """
    values = stability.filter(
        (pl.col("metric") == METRIC)
        & (pl.col("direction") == "all")
        & (pl.col("terrain") == "technical")
        & (pl.col("value") > 0)
    ).select("run_id", "value")
    # A recording that several athletes have is in the table once for each of them.
    values = values.unique("run_id", keep="first", maintain_order=True)
    counting = runs.filter(pl.col("counts")).join(values, on="run_id").sort("start_time", "run_id")
    rows = []
    for (athlete_id,), own in sorted(counting.group_by("athlete_id"), key=lambda group: str(group[0])):
        latest = own.row(-1, named=True)
        recent = own.filter(
            pl.col("device_epoch") == latest["device_epoch"],
            pl.col("local_date") > latest["local_date"] - timedelta(weeks=RECENT_WEEKS),
        )
        days = (recent["local_date"] - latest["local_date"]).dt.total_days().to_numpy().astype(float)
        fit = None
        if recent.height >= MIN_RUNS:
            level = np.ones((len(days), 1))
            fit = fit_gls(days - days[0], np.log(recent["value"].to_numpy()), days / 28, level)
        if fit is not None:
            low, high = fit.interval()
            changes = (as_change(fit.estimate), as_change(low), as_change(high))
            rows.append((athlete_id, *changes, recent.height))
    return pl.DataFrame(rows, schema=_COLUMNS, orient="row")
