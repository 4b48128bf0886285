"""Strength workouts that a watch recorded → sessions of the balance log, proposed, not yet accepted."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import date
from typing import Any

import polars as pl

from pipeline.drills import find_drill
from pipeline.errors import Rejected
from pipeline.ingest.activity import Activity
from pipeline.ingest.fit import parse_fit

# A definition of the message `set` (225) in either byte order: files without one need not be decoded again.
_DEFINITIONS = (b"\x00\x00\xe1\x00", b"\x00\x01\x00\xe1")
# Categories of the FIT profile that are a drill by themselves, where the watch says no more.
_KINDS = frozenset({"plank", "calf_raise"})
_MAX_MINUTES = 600.0


def propose_sessions(source_name: str, content_sha256: str, content: bytes) -> tuple[dict[str, Any], ...]:
    """The active sets of a FIT file, one row of tables.ProposedSessions for each drill, without athlete.

    Minutes are those of the sets, rests left out. An exercise that the catalogue has not keeps its name
    and is 'other'. Empty where the content has no sets with an exercise, or no day.
    """
    if content[8:12] != b".FIT" or not any(mark in content for mark in _DEFINITIONS):
        return ()
    with suppress(Rejected):
        activity = parse_fit(content)
        day = _day(activity)
        if day is not None and len(activity.sets):
            return tuple(
                {
                    "session_id": _identity(content_sha256, row["drill"]),
                    "date": day,
                    "category": find_drill(row["drill"]).category,
                    "source_name": source_name,
                    **row,
                }
                for row in _drills(activity.sets)
            )
    return ()


def _identity(content_sha256: str, drill: str) -> str:
    return hashlib.sha256(f"{content_sha256}\x1f{drill}".encode()).hexdigest()[:16]


def _day(activity: Activity) -> date | None:
    run = activity.run
    return run.local_date or (run.start_time.date() if run.start_time else None)


def _drills(sets: pl.DataFrame) -> list[dict[str, Any]]:
    """Sets, minutes, repetitions and hold of each drill, in the order of the workout."""
    kinds = {"duration_s": pl.Float64, "repetitions": pl.Float64, "set_type": pl.String}
    known = [
        # A damaged definition turns numbers into lists.
        pl.col(name) if sets.schema.get(name) == kind else pl.lit(None, dtype=kind()).alias(name)
        for name, kind in kinds.items()
    ]
    is_active = pl.col("set_type").fill_null("active") != "rest"
    named = (
        sets.with_columns(known)
        .filter(is_active & (pl.col("category") != "run") & (pl.col("duration_s") > 0))
        .with_columns(repetitions=pl.when(pl.col("repetitions") > 0).then("repetitions"))
    )
    names = [_name(*pair) for pair in named.select("category", "exercise").rows()]
    held = pl.col("duration_s").filter(pl.col("repetitions").is_null())
    return (
        named.with_columns(pl.Series("drill", names, dtype=pl.String))
        .group_by("drill", maintain_order=True)
        .agg(
            minutes=(pl.col("duration_s").sum() / 60).clip(upper_bound=_MAX_MINUTES),
            sets=pl.len().cast(pl.Int64),
            reps=pl.col("repetitions").median().round().cast(pl.Int64),
            hold_s=held.median(),
        )
        .to_dicts()
    )


def _name(category: str, exercise: str | None) -> str:
    """The drill of the catalogue, or else the exercise in words."""
    words = exercise or (category if category in _KINDS else f"{category}_exercise")
    return find_drill(words.replace("_", " ")).name
