"""Who needs a look this week, and why; and whether the latest run lies within the athlete's own range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from scipy import special

from pipeline.tables import (
    TERRAINS,
    BalanceSessions,
    DataFrame,
    Effects,
    NormalRanges,
    Runs,
    Stability,
    Triage,
)

METRIC = "cadence_cv"
RANGE_WEEKS = 8
MIN_RUNS = 6
NO_RUN_DAYS = 14
SILENT_LOG_DAYS = 14
PLAN_WEEKS = 4
ANSWERS = (
    "steadier with more balance work",
    "less steady with more balance work",
    "no effect of 10 % or more",
)
# Factors that make the median absolute deviation of few normal values right on average (Croux & Rousseeuw
# 1992, doi 10.1007/978-3-662-26811-7_58); n / (n - 0.8) beyond.
_SMALL_SAMPLE = {6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}


def derive_normal_ranges(runs: DataFrame[Runs], stability: DataFrame[Stability]) -> DataFrame[NormalRanges]:
    """Per athlete and terrain the range in which a run is expected, and where the latest run lies.

    From the runs that count of the 8 weeks before the latest one, of its device epoch, at least 6 of them:
    median and scaled median absolute deviation of log `cadence_cv`, widened as a 95 % range for one further
    run (of normal values it holds 92 to 94 %). Athletes with fewer have no row.
    """
    values = stability.filter(
        (pl.col("metric") == METRIC) & (pl.col("direction") == "all") & (pl.col("value") > 0)
    ).select("run_id", "terrain", "value")
    # A recording that several athletes have is in the table once for each of them.
    values = values.unique(["run_id", "terrain"], keep="first", maintain_order=True)
    counting = runs.filter(pl.col("counts")).join(values, on="run_id").sort("start_time", "run_id")
    rows: list[dict[str, Any]] = []
    for athlete_id in sorted(counting["athlete_id"].unique()):
        for terrain in TERRAINS:
            own = counting.filter((pl.col("athlete_id") == athlete_id) & (pl.col("terrain") == terrain))
            if own.is_empty():
                continue
            latest = own.row(-1, named=True)
            before = own.head(-1).filter(
                pl.col("device_epoch") == latest["device_epoch"],
                pl.col("local_date") >= latest["local_date"] - timedelta(weeks=RANGE_WEEKS),
            )
            if before.height >= MIN_RUNS:
                low, high = _range(np.log(before["value"].to_numpy()))
                rows.append(
                    {
                        "athlete_id": athlete_id,
                        "terrain": terrain,
                        "low": low,
                        "high": high,
                        "n_runs": before.height,
                        "run_id": latest["run_id"],
                        "local_date": latest["local_date"],
                        "value": latest["value"],
                    }
                )
    return NormalRanges.validate(pl.DataFrame(rows, schema=NormalRanges.create_empty().schema))


def _range(logs: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    """Where 95 % of further values are expected, from log values: both ends on the plain scale."""
    n = len(logs)
    middle = float(np.median(logs))
    sd = 1.4826 * _SMALL_SAMPLE.get(n, n / (n - 0.8)) * float(np.median(np.abs(logs - middle)))
    # A median of n normal values has pi/2 times the variance of their mean.
    half = float(special.stdtrit(n - 1, 0.975)) * sd * math.sqrt(1 + math.pi / (2 * n))
    return math.exp(middle - half), math.exp(middle + half)


@dataclass(frozen=True, slots=True)
class _Look:
    urgency: int
    reason: str


def rank_athletes(
    runs: DataFrame[Runs],
    stability: DataFrame[Stability],
    sessions: DataFrame[BalanceSessions],
    effects: DataFrame[Effects],
    weeks_in_plan: Mapping[str, tuple[int, int]],
    *,
    today: date,
) -> DataFrame[Triage]:
    """Every reason to look at an athlete, the most urgent first; athletes without one have no row.

    0 no runs for 14 days or none that count; 1 the log silent for the last 14 days with runs, or, of the last
    four weeks, fewer than half with as many sessions as planned (`weeks_in_plan`: athlete to how many of
    how many, as `adherence.count_weeks_in_plan` gives them); 2 the latest run unsteadier than the own normal
    range; 3 a new device or firmware within 4 weeks; 4 an answer reached.
    Order within one urgency is by name: athletes are not ranked by their figures.
    """
    ranges = derive_normal_ranges(runs, stability)
    rows = []
    for athlete_id in sorted({*runs["athlete_id"].unique(), *sessions["athlete_id"].unique()}):
        own = [
            table.filter(pl.col("athlete_id") == athlete_id) for table in (runs, sessions, ranges, effects)
        ]
        kept = weeks_in_plan.get(athlete_id, (0, 0))
        looks = [
            *_about_data(own[0], own[1], kept, today),
            *_about_runs(own[0], own[2], today),
            *_about_answer(own[3]),
        ]
        rows += [{"athlete_id": athlete_id, "urgency": look.urgency, "reason": look.reason} for look in looks]
    frame = pl.DataFrame(rows, schema=Triage.create_empty().schema)
    return Triage.validate(frame.sort("urgency", "athlete_id", "reason"))


def _about_data(
    runs: pl.DataFrame, sessions: pl.DataFrame, kept: tuple[int, int], today: date
) -> list[_Look]:
    if runs.is_empty():
        return [_Look(0, "there is a balance log but no run")]
    looks = []
    last = max(runs["local_date"].to_list())
    quiet = (today - last).days
    if quiet > NO_RUN_DAYS:
        looks.append(_Look(0, f"no run for {quiet} days"))
    recent = runs.filter(pl.col("local_date") > last - timedelta(days=28))
    if not recent["counts"].any():
        none = "the latest run does not count", f"none of the latest {recent.height} runs counts"
        looks.append(_Look(0, none[recent.height > 1]))
    logged = sessions.filter(pl.col("date") <= today)["date"].to_list()
    if not logged:
        looks.append(_Look(1, "there is no balance log"))
    elif (last - max(logged)).days > SILENT_LOG_DAYS:
        looks.append(_Look(1, f"the log is silent for the last {(last - max(logged)).days} days with runs"))
    elif kept[1] == PLAN_WEEKS and kept[0] < PLAN_WEEKS / 2:
        looks.append(_Look(1, f"as many sessions as planned in {kept[0]} of the last {PLAN_WEEKS} weeks"))
    return looks


def _about_runs(runs: pl.DataFrame, ranges: pl.DataFrame, today: date) -> list[_Look]:
    looks = [
        _Look(2, f"the run of {row['local_date']} was unsteadier on {row['terrain']} ground than usual")
        for row in ranges.iter_rows(named=True)
        if row["value"] > row["high"]
    ]
    if not runs.is_empty():
        ordered = runs.sort("start_time")
        last = ordered.row(-1, named=True)
        changed = _device_changed(ordered, last)
        if changed is not None and (today - changed).days < 28:
            looks.append(_Look(3, f"a new device or firmware since {changed}: {last['device_epoch']}"))
    return looks


def _device_changed(runs: pl.DataFrame, last: Mapping[str, Any]) -> date | None:
    """First day of the latest run's device epoch; None where there was no other."""
    if runs["device_epoch"].n_unique() < 2:
        return None
    days: list[date] = runs.filter(pl.col("device_epoch") == last["device_epoch"])["local_date"].to_list()
    return min(days)


def _about_answer(effects: pl.DataFrame) -> list[_Look]:
    return [
        _Look(4, f"an answer is reached: {verdict}")
        for verdict in effects.filter(pl.col("outcome") == "technical")["verdict"]
        if verdict in ANSWERS
    ]
