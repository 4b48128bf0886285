"""What else is told of a run beside the headline, as tables of texts and sentences."""

from __future__ import annotations

from typing import Any

import polars as pl

from dashboard import words
from dashboard.like_for_like import AgainstUsual

EARLY, LATE, CHANGE = "cadence_cv_early", "cadence_cv_late", "cadence_cv_late_change"
GROUNDS = ("smooth", "technical")


def _with_interval(row: dict[str, Any], digits: int = 1) -> str:
    value = words.percent(row["value"], digits)
    return (
        value if row["low"] is None else f"{value} ({words.percent_range(row['low'], row['high'], digits)})"
    )


def _as_change(row: dict[str, Any]) -> str:
    value = words.change(row["value"])
    return value if row["low"] is None else f"{value} ({words.change_range(row['low'], row['high'])})"


ROWS = (
    (EARLY, "Variability, first third", _with_interval),
    (LATE, "Variability, last third", _with_interval),
    (CHANGE, "Late against early", _as_change),
    ("walking_share", "Walked, of the time in motion", lambda row: words.percent(row["value"], 0)),
    ("stance_time_cv", "Variability of stance time", _with_interval),
    ("stance_balance_sd", "Wobble of left against right", lambda row: _with_interval(row, 2)),
    ("stance_asymmetry", "Left off one half", lambda row: _with_interval(row, 2)),
)


def metrics_table(stability: pl.DataFrame) -> pl.DataFrame:
    """One row per metric that the run has beside the headline, the two grounds side by side.

    Parameters
    ----------
    stability : terrain, direction, metric, value, low, high of one run.
    """
    whole = stability.filter(pl.col("direction") == "all")
    found = {(row["metric"], row["terrain"]): row for row in whole.iter_rows(named=True)}
    rows = [
        (
            name,
            *(
                write(found[metric, ground]) if (metric, ground) in found else words.NONE
                for ground in GROUNDS
            ),
        )
        for metric, name, write in ROWS
        if any((metric, ground) in found for ground in GROUNDS)
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(("", "Smooth", "Technical"), pl.String), orient="row")


def late_sentence(stability: pl.DataFrame) -> str:
    """Whether cadence was steadier late in the run than early, as far as can be told."""
    change = stability.filter((pl.col("metric") == CHANGE) & pl.col("low").is_not_null())
    said = [
        f"on {ground} ground {_late(row)}"
        for ground in reversed(GROUNDS)
        for row in change.filter(pl.col("terrain") == ground).iter_rows(named=True)
    ]
    if not said:
        return "Too little of the same ground and slope was run both early and late to compare the two."
    return words.sentence_case("; ".join(said)) + "."


def _late(row: dict[str, Any]) -> str:
    interval = f"95{words.NBSP}% interval {words.change_range(row['low'], row['high'])}"
    if row["low"] <= 0 <= row["high"]:
        return f"no difference between early and late can be told ({interval})"
    return f"cadence was {words.change(row['value'])} late than early ({interval})"


def usual_sentence(found: AgainstUsual | None) -> str:
    """How a run compares with the others on the stretches that they share."""
    if found is None:
        return "Too few stretches are shared to say more than each of them shows."
    interval = f"95{words.NBSP}% interval {words.change_range(found.low, found.high)}"
    where = f"On {found.n_stretches} stretches"
    if found.low <= 0 <= found.high:
        return f"{where} cadence was about as steady as usual there ({interval})."
    return f"{where} cadence was {words.change(found.change)} than usual there ({interval})."


def shared_table(shared: pl.DataFrame) -> pl.DataFrame:
    """What the chart of shared stretches draws: one row per stretch."""
    mine = shared.filter(pl.col("mine"))
    others = (
        shared.filter(~pl.col("mine"))
        .group_by("stretch_id")
        .agg(pl.col("cadence_cv").median().alias("usual"), pl.col("run_id").n_unique().alias("others"))
    )
    rows = [
        (
            row["where"],
            row["terrain"],
            words.signed_percent(row["grade_mean"]),
            words.percent(row["cadence_cv"]),
            words.percent_range(row["low"], row["high"]),
            words.percent(row["usual"]),
            str(row["others"]),
        )
        for row in mine.join(others, on="stretch_id", maintain_order="left").iter_rows(named=True)
    ]
    columns = (
        "Where",
        "Ground",
        "Mean grade",
        "Variability",
        "95 % interval",
        "Median of the others",
        "Others",
    )
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def passes_table(passes: pl.DataFrame) -> pl.DataFrame:
    """Every pass of a stretch, newest first."""
    rows = [
        (
            words.day(row["local_date"]),
            words.percent(row["cadence_cv"]),
            words.percent_range(row["low"], row["high"]),
            str(row["n_windows"]),
            row["device"] or "unknown",
        )
        for row in passes.reverse().iter_rows(named=True)
    ]
    columns = ("Day", "Variability", "95 % interval", "Windows", "Device")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
