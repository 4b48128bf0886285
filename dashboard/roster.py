"""Workspace → one row an athlete for coaches: who needs a look, and what all say together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from dashboard.queries import HEADLINE_OUTCOME, Workspace
from pipeline.effect import measure_recent_trends, swap_logs
from pipeline.groups import find_members
from pipeline.roster import MIN_ATHLETES, RosterAnswer, relate_roster
from pipeline.tables import BalanceSessions, DataFrame, Effects, Groups, Runs, Stability
from pipeline.triage import rank_athletes

CALM = 9
RECENT_DAYS = 28
QUALITY_DAYS = 56


def choose(workspace: Workspace, group: str) -> list[str]:
    """The athletes of the group, which may be nobody; all where it has no name."""
    athletes = workspace.athletes()
    return find_members(workspace.load_groups(), group, athletes) if group else athletes


def roster_table(workspace: Workspace, athletes: Sequence[str], today: date) -> pl.DataFrame:
    """One row an athlete, the most urgent first and then by name: they are not ranked by their figures.

    athlete_id, urgency (tables.Triage, CALM without any), why, technical_min (28 days), change, low, high
    (technical unsteadiness in four weeks, fractions), weeks_in_plan of weeks_planned, cadence_used (median
    share), n_counting of n_runs (56 days), last_run, verdict.
    """
    runs = Runs.cast(pl.concat([Runs.create_empty(), *map(workspace.load_runs, athletes)]))
    measured = map(workspace.load_stability, athletes)
    stability = Stability.cast(pl.concat([Stability.create_empty(), *measured]))
    effects = Effects.cast(pl.concat([Effects.create_empty(), *map(workspace.load_effects, athletes)]))
    logged = map(workspace.load_balance_sessions, athletes)
    sessions = BalanceSessions.cast(pl.concat([BalanceSessions.create_empty(), *logged]))
    kept = {athlete_id: workspace.count_weeks_in_plan(athlete_id, today) for athlete_id in athletes}
    looks = (
        rank_athletes(runs, stability, sessions, effects, kept, today=today)
        .group_by("athlete_id", maintain_order=True)
        .agg(pl.col("urgency").first(), pl.col("reason").str.join("; ").alias("why"))
    )
    age = pl.lit(today) - pl.col("local_date")
    recent, lately = age <= timedelta(days=RECENT_DAYS), age <= timedelta(days=QUALITY_DAYS)
    facts = runs.group_by("athlete_id").agg(
        (pl.col("technical_s").filter(recent).sum() / 60).alias("technical_min"),
        pl.col("quality").filter(lately).median().alias("cadence_used"),
        pl.col("counts").filter(lately).sum().cast(pl.Int64).alias("n_counting"),
        lately.sum().cast(pl.Int64).alias("n_runs"),
        pl.col("local_date").max().alias("last_run"),
    )
    columns = {"athlete_id": pl.String, "weeks_in_plan": pl.Int64, "weeks_planned": pl.Int64}
    verdicts = effects.filter(pl.col("outcome") == HEADLINE_OUTCOME).select(
        "athlete_id", pl.col("verdict").cast(pl.String)
    )
    weeks = [(athlete_id, *counted) for athlete_id, counted in kept.items()]
    table = pl.DataFrame(weeks, schema=columns, orient="row")
    trends = measure_recent_trends(runs, stability).drop("n_runs")
    for more in (looks, facts, trends, verdicts):
        table = table.join(more, on="athlete_id", how="left")
    filled = table.with_columns(pl.col("urgency").fill_null(CALM), pl.col("why").fill_null(""))
    return filled.sort("urgency", "athlete_id")


def with_groups(table: pl.DataFrame, groups: DataFrame[Groups]) -> pl.DataFrame:
    """The rows with the names of each athlete's `groups`, commas between."""
    named = groups.sort("name").group_by("athlete_id").agg(groups=pl.col("name").str.join(", "))
    return table.join(named, on="athlete_id", how="left").with_columns(pl.col("groups").fill_null(""))


def roster_answer(workspace: Workspace, athletes: Sequence[str]) -> tuple[pl.DataFrame, RosterAnswer]:
    """Each one's own estimate (athlete_id, estimate, low, high, n_runs), and what they say together."""
    effects = Effects.cast(pl.concat([Effects.create_empty(), *map(workspace.load_effects, athletes)]))
    own = effects.filter(
        (pl.col("outcome") == HEADLINE_OUTCOME) & pl.col("estimate").is_not_null() & (pl.col("se") > 0)
    ).sort("athlete_id")
    swap_p = None
    if own.height >= MIN_ATHLETES:
        tables = (workspace.load_runs, workspace.load_stability, workspace.load_balance_sessions)
        runs, stability, sessions = (pl.concat([load(name) for name in athletes]) for load in tables)
        swap_p = swap_logs(Runs.cast(runs), Stability.cast(stability), BalanceSessions.cast(sessions))
    return own.select("athlete_id", "estimate", "low", "high", "n_runs"), relate_roster(effects, swap_p)
