"""The same stretch of trail over time, as the pages show it. Nothing here draws or knows a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import t

from dashboard import words
from dashboard.queries import Workspace
from dashboard.units import METRIC, Units

MIN_WINDOWS = 3
MIN_OTHERS = 4
MIN_STRETCHES = 3


@dataclass(frozen=True)
class AgainstUsual:
    """How much steadier or less steady a run was than usual on the stretches it shares with others."""

    change: float
    low: float
    high: float
    n_stretches: int


def passes(workspace: Workspace, athlete_id: str) -> pl.DataFrame:
    """Every pass that says something (3 windows or more), oldest first, with its run's `device_epoch`.

    `terrain` is the ground that most of it is on.
    """
    runs = workspace.load_runs(athlete_id).select("run_id", "start_time", "device", "device_epoch")
    ground = pl.when(pl.col("technicality_mean") >= 0.5).then(pl.lit("technical")).otherwise(pl.lit("smooth"))
    return (
        workspace.load_repeats(athlete_id)
        .filter(pl.col("n_windows") >= MIN_WINDOWS)
        .with_columns(ground.alias("terrain"))
        .join(runs, on="run_id")
        .sort("start_time", "start_s")
    )


def shared_with(every: pl.DataFrame, run_id: str, units: Units = METRIC) -> pl.DataFrame:
    """All passes, by the watch of this run, of the stretches that it passed, in the order of its way.

    `mine` marks its own first pass of each; later ones are left out. `where` says where it lies on its way.
    """
    mine = every.filter(pl.col("run_id") == run_id).unique("stretch_id", keep="first", maintain_order=True)
    where = mine.select(
        "stretch_id",
        "device_epoch",
        pl.col("start_m").alias("at_m"),
        pl.concat_str(
            (pl.col("start_m") / units.unit_m).round(1).cast(pl.String),
            pl.lit(" to "),
            (pl.col("end_m") / units.unit_m).round(1).cast(pl.String),
            pl.lit(f"{words.NBSP}{units.distance_unit}"),
        ).alias("where"),
    )
    others = every.filter(pl.col("run_id") != run_id)
    together = pl.concat([others.with_columns(mine=pl.lit(False)), mine.with_columns(mine=pl.lit(True))])
    shared = together.join(where, on=["stretch_id", "device_epoch"])
    enough = (~pl.col("mine")).sum().over("stretch_id") >= MIN_OTHERS
    return shared.filter(enough).sort("at_m", "mine", "start_time")


def shared_by_run(workspace: Workspace, run_id: str) -> pl.DataFrame:
    """`shared_with` of a run by its id. Raises SurefootError where there is no such run."""
    return shared_with(passes(workspace, workspace.load_run(run_id)["athlete_id"]), run_id)


def against_usual(shared: pl.DataFrame) -> AgainstUsual | None:
    """The mean over stretches of a run's log variability less the mean of the others' there.

    A 95 % t interval over stretches, as if they were independent; None below three stretches.
    """
    value = pl.col("cadence_cv").log()
    differences = shared.group_by("stretch_id", maintain_order=True).agg(
        (value.filter(pl.col("mine")).first() - value.filter(~pl.col("mine")).mean()).alias("d")
    )
    d = differences["d"].to_numpy()
    if len(d) < MIN_STRETCHES:
        return None
    reach = t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
    change, low, high = (float(np.expm1(x)) for x in (d.mean(), d.mean() - reach, d.mean() + reach))
    return AgainstUsual(change, low, high, len(d))


def stretch_names(every: pl.DataFrame, units: Units = METRIC) -> dict[str, str]:
    """Stretch → what to call it, those passed by most runs first."""
    told = (
        every.group_by("stretch_id", maintain_order=True)
        .agg(
            pl.col("run_id").n_unique().alias("runs"),
            pl.col("grade_mean").median(),
            pl.col("technicality_mean").median(),
            pl.col("start_m", "local_date").last(),
        )
        .sort("runs", "stretch_id", descending=[True, False])
    )
    return {row["stretch_id"]: _name(row, units) for row in told.iter_rows(named=True)}


def _name(row: dict[str, Any], units: Units) -> str:
    ground = "Technical" if (row["technicality_mean"] or 0.0) >= 0.5 else "Smooth"
    grade = words.signed_percent(row["grade_mean"], 0)
    return (
        f"{ground}, grade {grade}, {words.count(row['runs'], 'run')}: from"
        f" {units.distance(row['start_m'])} of the run of {words.day(row['local_date'])}"
    )
