"""A file may hold several recordings, one after the other or of several sports: each running one is a run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from pipeline.errors import NotARun
from pipeline.ingest.activity import Activity
from pipeline.ingest.points import first_time
from pipeline.ingest.sports import UNSAID, is_run, why_not_a_runner, with_sport_from_evidence
from pipeline.recorded import Recorded
from pipeline.tables import TimerEvents

MAX_SESSIONS = 1000
"""Histories of a whole watch in one TCX file have some hundreds."""
SHORT_S = 60.0
"""A session below this, beside a longer one, is a button pressed twice."""


def check_run(activity: Activity) -> None:
    """Raise `NotARun` unless the activity is a run, or holds one (on a trail, road, track or treadmill)."""
    if running_sessions(activity):
        return
    sport, sub_sport = activity.run.sport, activity.run.sub_sport
    sports = _sports(activity.sessions)
    if len(sports) > 1:
        raise NotARun(f"it holds {' and '.join(sports)}, but no run of two records or more")
    if sport in UNSAID:
        raise NotARun(f"its sport is not given, and {why_not_a_runner(activity.records)}")
    words = f"{sport} ({sub_sport})" if sub_sport not in ("", "generic") else sport
    words = f"the file's number {words}" if words.isdigit() else words.replace("_", " ")
    raise NotARun(f"the sport is {words}, not running")


def running_sessions(activity: Activity) -> list[Activity]:
    """The runs of a recording in order of time: itself where it is one session, none where nothing is a run.

    A session lasts from its start for its elapsed time, at most to the next one's start; records outside
    the running sessions belong to none. A session told twice counts once, one below `SHORT_S` beside a
    longer one is left out with a warning. Distance counts from the session's start.
    """
    spans = _spans(activity.sessions)
    if len(spans) < 2:
        return [activity] if is_run(activity.run.sport, activity.run.sub_sport) else []
    found = [piece for piece in _pieces(activity, spans) if is_run(piece.run.sport, piece.run.sub_sport)]
    long = [piece for piece in found if _seconds(piece) >= SHORT_S]
    if not long or len(long) == len(found):
        return found
    warning = f"of its running sessions {len(found) - len(long)} of less than a minute were left out"
    first = replace(long[0], run=replace(long[0].run, warnings=(*long[0].run.warnings, warning)))
    return [first, *long[1:]]


def _sports(sessions: pl.DataFrame) -> list[str]:
    if "sport" not in sessions.columns:
        return []
    return [
        str(sport).replace("_", " ") for sport in sessions["sport"].drop_nulls().unique(maintain_order=True)
    ]


def _spans(sessions: pl.DataFrame) -> list[dict[str, Any]]:
    """Of several sessions each one's row with its `end`, in order of start, one for each start and sport."""
    if len(sessions) < 2 or not {"start_time", "sport"} <= set(sessions.columns):
        return []
    known = sessions.drop_nulls("start_time").unique(
        ["start_time", "sport"], keep="first", maintain_order=True
    )
    rows = known.sort("start_time", maintain_order=True).head(MAX_SESSIONS).to_dicts()
    starts: list[datetime | None] = sorted({row["start_time"] for row in rows})
    following = dict(zip(starts, [*starts, None][1:], strict=True))
    for row in rows:
        ends = [following[row["start_time"]], _own_end(row)]
        row["end"] = min((end for end in ends if end is not None), default=None)
    return rows


def _own_end(row: dict[str, Any]) -> datetime | None:
    """The session's end as it says itself, by a clock of whole seconds, not included."""
    told = (row.get("total_elapsed_time_s"), row.get("total_timer_time_s"))
    elapsed_s = max((seconds for seconds in told if isinstance(seconds, float)), default=0.0)
    start: datetime = row["start_time"]
    return start + timedelta(seconds=math.ceil(elapsed_s) + 1) if elapsed_s else None


def _pieces(activity: Activity, spans: list[dict[str, Any]]) -> Iterator[Activity]:
    """The sessions that have records, each as an activity of its own."""
    for span in spans:
        start, end = span["start_time"], span["end"]
        records = _within(activity.records, start, end)
        if len(records) < 2:
            continue
        metres = records["distance_m"].drop_nulls()
        if len(metres):
            records = records.with_columns(pl.col("distance_m") - metres[0])
        run = replace(
            activity.run,
            sport=span["sport"] or "",
            sub_sport=(span.get("sub_sport") or "").replace("generic", ""),
            start_time=first_time(records["timestamp"]),
            local_date=(start + timedelta(seconds=activity.run.utc_offset_s or 0)).date(),
        )
        events = activity.timer_events.filter(_is_within("timestamp", start, end, closed="both"))
        yield with_sport_from_evidence(
            replace(
                activity,
                run=run,
                recorded=Recorded(records),
                timer_events=TimerEvents.validate(events),
                laps=_within(activity.laps, start, end, "start_time"),
                sessions=pl.DataFrame([span], schema_overrides=activity.sessions.schema).drop("end"),
            )
        )


def _within(
    table: pl.DataFrame, start: datetime, end: datetime | None, name: str = "timestamp"
) -> pl.DataFrame:
    return table.filter(_is_within(name, start, end)) if name in table.columns else table


def _is_within(name: str, start: datetime, end: datetime | None, *, closed: Any = "left") -> pl.Expr:
    return pl.col(name) >= start if end is None else pl.col(name).is_between(start, end, closed=closed)


def _seconds(activity: Activity) -> float:
    times = activity.records["timestamp"]
    first, last = times.min(), times.max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    return (last - first).total_seconds()
