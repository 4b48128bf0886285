"""Where steadiness is going just now."""

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pipeline.effect import measure_recent_trends
from pipeline.tables import DataFrame, Runs, Stability
from tests.simulate import SCENARIOS, simulate_season

LAST = date(2026, 6, 1)


def _made(values: dict[int, float], epoch: str = "watch") -> tuple[DataFrame[Runs], DataFrame[Stability]]:
    """Runs so many days before the last one, each with its technical unsteadiness."""
    season = simulate_season(SCENARIOS["N1"], np.random.default_rng(2))
    runs = season.runs.filter(pl.col("counts")).head(len(values)).sort("start_time")
    days = [LAST - timedelta(days=before) for before in values]
    runs = runs.with_columns(
        pl.Series("local_date", days),
        pl.Series("start_time", [datetime(d.year, d.month, d.day, tzinfo=UTC) for d in days]),
        pl.lit(epoch).alias("device_epoch"),
    )
    technical = season.stability.filter(
        (pl.col("metric") == "cadence_cv")
        & (pl.col("direction") == "all")
        & (pl.col("terrain") == "technical")
    )
    value = pl.DataFrame({"run_id": runs["run_id"], "new": list(values.values())})
    rows = technical.join(value, on="run_id").with_columns(value=pl.col("new")).drop("new")
    return Runs.cast(runs), Stability.cast(rows)


def test_a_steady_fall_is_given_back() -> None:
    """Unsteadiness that falls by 10 % in four weeks, runs wobbling a little about it, is a trend of -10 %."""
    wobble = np.random.default_rng(1).normal(0, 0.01, 20)
    values = {4 * n: 0.04 * math.exp(-math.log(0.9) * 4 * n / 28 + wobble[n]) for n in range(20)}
    row = measure_recent_trends(*_made(values)).row(0, named=True)
    assert row["change"] == pytest.approx(-0.1, abs=0.01)
    assert row["low"] < -0.1 < row["high"]
    assert row["n_runs"] == 20


def test_few_runs_have_no_trend() -> None:
    """Seven runs of the last 12 weeks say nothing, however many there were before."""
    values = {4 * n: 0.04 + 0.001 * (n % 3) for n in range(7)} | {100 + n: 0.04 for n in range(7)}
    runs, stability = _made(values)
    assert measure_recent_trends(runs, stability).is_empty()
    of_two = Stability.cast(pl.concat([stability, stability]))
    assert measure_recent_trends(runs, of_two).is_empty(), "recordings that two athletes have"


def test_nobody_has_no_trend() -> None:
    """Empty tables give an empty one."""
    assert measure_recent_trends(Runs.create_empty(), Stability.create_empty()).is_empty()
