"""What the commands of the balance log print: tables in, lines out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.cli.words import plural
from pipeline.drills import Drill
from pipeline.log_changes import TakenIn, unnamed_drills
from pipeline.tables import BalanceSessions, DataFrame, ProposedSessions

WEEKS_SHOWN = 8
SIDES_RULE = (
    "minutes per side: {} doubled; as they are, those that name one side and those of drills without sides"
)


def log_lines(name: str, taken: TakenIn, stored: DataFrame[BalanceSessions]) -> list[str]:
    """What became of a balance log, bad rows first, then drills of the stored log that nobody knows."""
    log = taken.log
    lines = [f"{name}, line {e.line}, {e.column}: {e.message}" for e in log.errors]
    lines += [f"{name}: the column {column!r} is not used" for column in log.ignored_columns]
    if log.doubled is not None:
        lines.append(SIDES_RULE.format(plural(log.doubled, "row")))
    if unnamed := len(unnamed_drills(stored)):
        lines.append(f"please name {plural(unnamed, 'drill')} that nobody knows: `surefoot log --unnamed`")
    lines.append(
        f"{plural(taken.new, 'new session')}, {taken.updated:,} updated, {taken.unchanged:,} already there, "
        f"{plural(len({e.line for e in log.errors}), 'row')} left out"
    )
    return lines


def unnamed_lines(sessions: DataFrame[BalanceSessions]) -> list[str]:
    """Each drill that nobody knows, and how to name it."""
    unnamed = unnamed_drills(sessions)
    if unnamed.is_empty():
        return ["Every drill of the log is known"]
    lines = [
        f"{row['drill']}: {plural(row['entries'], 'entry', 'entries')}, {row['minutes']:g} minutes, "
        f"last on {row['last']}"
        for row in unnamed.iter_rows(named=True)
    ]
    return [*lines, 'They count. `surefoot log --name DRILL --as "quick taps" --athlete ID` names one.']


def named_line(logged: str, drill: Drill, sessions: DataFrame[BalanceSessions]) -> str:
    """What a drill means from now on."""
    same = plural(len(sessions.filter(drill=drill.name)), "entry", "entries")
    counts = "counts towards the dose" if drill.counts else "does not count towards the dose"
    return f"{logged!r} is {drill.name} ({drill.category}) from now on, which {counts}; {same} of it in all"


def adherence_lines(
    athlete_id: str, weeks: pl.DataFrame, parts: pl.DataFrame, half_life_days: float
) -> list[str]:
    """The last eight weeks beside the plan, one line each, what still counts of them, and the next step.

    `weeks` and `parts` are the athlete's rows of tables.Adherence and tables.DoseByCategory.
    """
    if weeks.is_empty():
        return [f"{athlete_id}: nothing that counts is logged yet: `surefoot log --template` shows a log"]
    lines = [f"{athlete_id}:", "  week from   sessions  minutes  beside the plan"]
    for row in weeks.tail(WEEKS_SHOWN).iter_rows(named=True):
        verdict = row["reasons"] or ("in plan" if row["sessions_in_plan"] else "not over yet")
        lines.append(f"  {row['week']}  {row['n_sessions']:>8}  {row['minutes']:>7.0f}  {verdict}")
    return [*lines, *_dose_lines(parts, half_life_days), f"Next: {weeks['next_step'][-1]}"]


def _dose_lines(parts: pl.DataFrame, half_life_days: float) -> list[str]:
    """The dose on the last day known, in all and by category, the largest first."""
    if parts.is_empty():
        return []
    last = parts.filter(pl.col("date") == pl.col("date").max()).sort("dose", descending=True)
    whole = f"{last['dose'].sum():.0f} min/week"
    lines = [f"  dose on {last['date'][0]} (half-life {half_life_days:g} days): {whole}, of which"]
    return lines + [f"    {row['category']:<24}{row['dose']:>4.0f}" for row in last.iter_rows(named=True)]


def proposal_lines(proposed: DataFrame[ProposedSessions]) -> list[str]:
    """Each proposal, and how to take it in."""
    if proposed.is_empty():
        return ["No strength workout of the watch waits for an answer"]
    return [
        *(_proposal(row) for row in proposed.iter_rows(named=True)),
        "`surefoot log --accept all --athlete ID` puts them into the log, --decline all lets them go; a date "
        "in place of all takes one day.",
    ]


def _proposal(row: Mapping[str, Any]) -> str:
    how = f" of {row['reps']}" if row["reps"] else f" of {row['hold_s']:.0f} s" if row["hold_s"] else ""
    return (
        f"{row['date']}  {row['drill']} ({row['category']}): {row['minutes']:.1f} minutes, "
        f"{plural(row['sets'], 'set')}{how}, from {row['source_name']}"
    )


def decided_lines(proposed: DataFrame[ProposedSessions], left: Mapping[str, str], status: str) -> list[str]:
    """What became of proposals; those that were left, with the reason."""
    lines = [
        f"{row['date']}  {row['drill']}: left, since {left[row['session_id']]}"
        for row in proposed.iter_rows(named=True)
        if row["session_id"] in left
    ]
    return [*lines, f"{plural(len(proposed) - len(left), 'proposal')} {status}, {len(left):,} left"]
