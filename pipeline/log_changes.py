"""Changes of the balance log, each of which brings dose and answer along.

texts -> the words of the log reader, or a change -> Workspace -> batch.refresh_answer

The command and the dashboard share them.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

import polars as pl

from pipeline import batch
from pipeline.drills import UNKNOWN_CATEGORY, Drill, drills, find_drill, is_known, normalise
from pipeline.errors import SurefootError
from pipeline.ingest.balance_log import (
    OPTIONAL,
    REQUIRED,
    BalanceLog,
    RowError,
    make_session_id,
    read_session,
)
from pipeline.tables import BalanceSessions, DataFrame, ProposedSessions
from pipeline.workspace import Workspace

COLUMNS = (*REQUIRED, *OPTIONAL)
_IDENTITY = ("date", "drill", "side")


@dataclass(frozen=True, slots=True)
class Change:
    """Sessions to take out by their ids, and sessions to put in as the texts that a log would hold.

    What is put under the id of a stored session changes the columns that it names; under another id, or
    none, it is a session of its own.
    """

    remove: tuple[str, ...] = ()
    put: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """What takes a change back, or what is wrong with its cells: then nothing was changed.

    The line of an error is the place in `Change.put`, from 1.
    """

    undo: Change
    errors: tuple[RowError, ...] = ()


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of a log: its rows, and how many of them were new, updated, there already."""

    log: BalanceLog
    new: int
    updated: int
    unchanged: int


def take_in_log(workspace: Workspace, athlete_id: str, log: BalanceLog) -> TakenIn:
    """Add the sessions of a log that was read for this athlete."""
    with workspace.writer_lock():
        counts = workspace.save_balance_sessions(athlete_id, log.sessions)
        batch.refresh_answer(workspace, athlete_id)
    return TakenIn(log, *counts)


def change_log(
    workspace: Workspace, athlete_id: str, change: Change, *, today: date | None = None
) -> Changed:
    """Carry a change out whole, or not at all where a cell of it cannot be read."""
    with workspace.writer_lock():
        stored = {row["session_id"]: row for row in workspace.load_logged(athlete_id).iter_rows(named=True)}
        taken = {session_id: stored.pop(session_id) for session_id in change.remove if session_id in stored}
        put: dict[str, dict[str, Any]] = {}
        errors: list[RowError] = []
        for line, texts in enumerate(change.put, start=1):
            before = stored.pop(texts.get("session_id", ""), None)
            session, wrong = _read(line, texts, before, today)
            errors += wrong
            if not wrong:
                session["session_id"] = _identify(athlete_id, session, before, {*stored, *put})
                put[session["session_id"]] = session
            if before is not None:
                taken[before["session_id"]] = before
        if errors:
            return Changed(Change(), tuple(errors))
        rows = [{**session, "athlete_id": athlete_id} for session in put.values()]
        frame = pl.DataFrame(rows, schema=BalanceSessions.create_empty().schema)
        workspace.replace_sessions(athlete_id, list(taken), BalanceSessions.validate(frame))
        batch.refresh_answer(workspace, athlete_id)
    return Changed(Change(tuple(put), tuple(as_texts(row) for row in taken.values())))


def _read(
    line: int, texts: Mapping[str, str], before: Mapping[str, Any] | None, today: date | None
) -> tuple[dict[str, Any], list[RowError]]:
    """The session that the texts make, over the one that is stored under its id."""
    given = {column: texts[column] for column in COLUMNS if column in texts}
    counted = {} if before is None else as_texts(before)
    # An error between columns needs both of them; a new session needs all that a log must have.
    needed = ("sets", "clean_sets") if before is not None else REQUIRED
    whole = {column: counted.get(column, "") for column in needed} | given
    session, errors = read_session(line, whole, today=today)
    if errors:
        return {}, errors
    session = {**(before or {}), "session_id": texts.get("session_id", ""), **session}
    known = find_drill(session["drill"])
    return {**session, "drill": known.name, "category": known.category}, []


def _identify(
    athlete_id: str, session: Mapping[str, Any], before: Mapping[str, Any] | None, used: Set[str]
) -> str:
    """The id it had where it is the same exercise of the same day; else the first that is free."""
    given: str = session["session_id"]
    same = before is None or all(before[name] == session.get(name) for name in _IDENTITY)
    if given and same and given not in used:
        return given
    number = 1
    while (made := make_session_id(athlete_id, session, number)) in used:
        number += 1
    return made


def as_texts(session: Mapping[str, Any]) -> dict[str, str]:
    """A session with its id as the texts that a log would hold, empty where it has no value."""
    return {
        name: "" if session[name] is None else _as_text(session[name]) for name in ("session_id", *COLUMNS)
    }


def _as_text(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def decide_proposals(
    workspace: Workspace, athlete_id: str, proposed: DataFrame[ProposedSessions], status: str
) -> dict[str, str]:
    """Accept or decline proposals, those apart that would do harm: their ids and why they are left."""
    with workspace.writer_lock():
        left: dict[str, str] = {}
        if status == "accepted":
            left = _not_acceptable(proposed, workspace.load_balance_sessions(athlete_id))
        chosen = [session_id for session_id in proposed["session_id"] if session_id not in left]
        workspace.decide_proposals(athlete_id, chosen, status)
        batch.refresh_answer(workspace, athlete_id)
    return left


def _not_acceptable(
    proposed: DataFrame[ProposedSessions], logged: DataFrame[BalanceSessions]
) -> dict[str, str]:
    """Proposals that would count twice, or what is perhaps no balance work: id → why."""
    by_hand = set(logged.select("date", "drill").iter_rows())
    left = {}
    for row in proposed.iter_rows(named=True):
        if (row["date"], row["drill"]) in by_hand:
            left[row["session_id"]] = "the log has this drill on that day already"
        elif row["category"] == UNKNOWN_CATEGORY:
            left[row["session_id"]] = "nobody knows it as balance work: name the drill first"
    return left


def name_drill(workspace: Workspace, athlete_id: str, logged: str, meant: str) -> Drill:
    """Let a drill of the log mean another one of the catalogue, in stored sessions and later ones.

    Named as itself it has its own name again. Raises SurefootError where the catalogue has no such drill.
    """
    logged = find_drill(logged).name
    if not is_known(meant) and normalise(meant) != normalise(logged):
        close = get_close_matches(normalise(meant), [drill.name for drill in drills()], 3, 0.5)
        advice = f"did you mean {' or '.join(close)}?" if close else "pipeline/drills.csv lists the drills"
        raise SurefootError(f"no drill {meant!r} is known", advice)
    drill = find_drill(meant)
    with workspace.writer_lock():
        workspace.name_drill(athlete_id, logged, drill.name)
        batch.refresh_answer(workspace, athlete_id)
    return drill


def unnamed_drills(sessions: DataFrame[BalanceSessions]) -> pl.DataFrame:
    """The drills that nobody knows: drill, entries, minutes, last; most minutes first."""
    unknown = sessions.filter(category=UNKNOWN_CATEGORY)
    return (
        unknown.with_columns(pl.Series("drill", map(normalise, unknown["drill"]), dtype=pl.String))
        .group_by("drill")
        .agg(pl.len().alias("entries"), pl.sum("minutes"), pl.max("date").alias("last"))
        .sort("minutes", "drill", descending=[True, False])
    )
