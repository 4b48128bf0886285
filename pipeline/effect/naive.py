"""The obvious analysis, computed to be shown beside the answer and not to be believed."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from pipeline.exposure import daily_minutes

NAIVE_METRIC = "cadence_cv_raw"
NAIVE_DAYS = 28
# Of the seasons of docs/calibration.md in which balance work does nothing, those without drift apart.
NAIVE_REASON = (
    "both drift over months and runs near in time are alike, so it calls work that does nothing significant "
    "in 14 to 77 % of simulated seasons; fitness, heat, shoes and the watch are in it as well"
)


def correlate_naively(
    runs: pl.DataFrame, stability: pl.DataFrame, sessions: pl.DataFrame
) -> tuple[float, float] | None:
    """Pearson's r, and its p as if runs were independent, of one athlete's raw cadence variability on
    technical ground with the balance minutes of the 28 days before, over the runs since the log began.

    None where there are fewer than 3 such runs, or one of the two is the same for all of them.
    """
    if sessions.is_empty():
        return None
    log_start = min(sessions["date"].to_list())
    raw = stability.filter(
        (pl.col("metric") == NAIVE_METRIC)
        & (pl.col("terrain") == "technical")
        & (pl.col("direction") == "all")
        & pl.col("value").is_finite()
    ).unique("run_id", keep="first", maintain_order=True)  # once also where several athletes have it
    table = runs.filter(pl.col("counts"), pl.col("local_date") >= log_start).join(
        raw.select("run_id", "value"), on="run_id"
    )
    if table.height < 3:
        return None
    first = log_start - timedelta(days=NAIVE_DAYS)
    total = np.cumsum(np.append(0.0, daily_minutes(sessions, first, max(table["local_date"].to_list()))))
    day = (table["local_date"] - first).dt.total_days().to_numpy()
    minutes, value = total[day] - total[day - NAIVE_DAYS], table["value"].to_numpy()
    if np.ptp(minutes) < 1e-9 or np.ptp(value) < 1e-12:
        return None
    from scipy.stats import pearsonr  # costs a second, which most commands can save

    result = pearsonr(minutes, value)
    return float(result.statistic), float(result.pvalue)
