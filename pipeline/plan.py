"""A plan that would answer sooner: blocks of weeks with and without balance work, drawn by lot and kept."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from pipeline.errors import SurefootError
from pipeline.schedule import count_schedules, draw_schedules
from pipeline.tables import DataFrame, Plans

MAX_WEEKS = 104
WITH_WORK, WITHOUT_WORK = "Balance work this block", "No balance work this block"


@dataclass(frozen=True, slots=True)
class Block:
    """Weeks of one kind: [start, end)."""

    start: date
    end: date
    has_work: bool


def draw_plan(
    athlete_id: str, *, block_weeks: int, weeks: int, start: date, drawn_at: datetime, seed: int
) -> DataFrame[Plans]:
    """One plan, its blocks drawn by `schedule.draw_schedules` with `seed`.

    Raises SurefootError where the weeks do not hold as many blocks with balance work as without, or where
    the plan would begin before it is drawn.
    """
    pair = 2 * block_weeks
    if weeks % pair or not 2 * pair <= weeks <= MAX_WEEKS:
        fitting = [str(w) for w in range(2 * pair, MAX_WEEKS + 1, pair)]
        raise SurefootError(
            f"{weeks} weeks do not hold as many blocks of {block_weeks} weeks with balance work as without",
            f"choose {', '.join(fitting)} weeks" if fitting else "choose shorter blocks",
        )
    if start < drawn_at.date():
        raise SurefootError(f"a plan is drawn before it begins, and {start} is over", "choose a later start")
    (schedule,) = draw_schedules(weeks // block_weeks, 1, np.random.default_rng(seed))
    row = {
        "athlete_id": athlete_id,
        "start": start,
        "block_weeks": block_weeks,
        "schedule": "".join("1" if on else "0" for on in schedule),
        "seed": seed,
        "drawn_at": drawn_at,
    }
    return Plans.validate(pl.DataFrame([row], schema=Plans.create_empty().schema))


def add_plan(plans: DataFrame[Plans], plan: DataFrame[Plans]) -> DataFrame[Plans]:
    """The athlete's plans with a new one; one that had not begun when the new one was drawn gives way.

    Raises SurefootError where one that had begun is not over by the new one's start: a plan that could be
    drawn again half way would not be by lot.
    """
    new = plan.row(0, named=True)
    begun = plans.filter(pl.col("start") <= new["drawn_at"].date())
    for row in begun.iter_rows(named=True):
        end = blocks_of(row)[-1].end
        if end > new["start"]:
            raise SurefootError(
                f"the plan that began on {row['start']} runs until {end - timedelta(days=1)}",
                "keep to it, or choose a start after it",
            )
    return Plans.validate(pl.concat([begun, plan]))


def blocks_of(plan: Mapping[str, Any]) -> list[Block]:
    """The blocks of a row of Plans."""
    length = timedelta(weeks=plan["block_weeks"])
    return [
        Block(plan["start"] + n * length, plan["start"] + (n + 1) * length, letter == "1")
        for n, letter in enumerate(plan["schedule"])
    ]


def smallest_p(plan: Mapping[str, Any]) -> float:
    """About the smallest p that the plan's own test can have: a schedule and its mirror image tie."""
    return 2 / count_schedules(len(plan["schedule"]))


def write_csv(plan: Mapping[str, Any]) -> bytes:
    """One line a week: its first day, its last day, whether there is balance work."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["week", "first_day", "last_day", "balance_work"])
    for block in blocks_of(plan):
        for n in range(plan["block_weeks"]):
            first = block.start + timedelta(weeks=n)
            week = (first - plan["start"]).days // 7 + 1
            lines.writerow([week, first, first + timedelta(days=6), "yes" if block.has_work else "no"])
    return text.getvalue().encode()


def write_ics(plan: Mapping[str, Any]) -> bytes:
    """An iCalendar (RFC 5545) of all-day events, one a block; whole days have no time zone to go wrong."""
    stamp = f"{plan['drawn_at']:%Y%m%dT%H%M%SZ}"
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Surefoot//plan//EN", "CALSCALE:GREGORIAN"]
    for n, block in enumerate(blocks_of(plan), start=1):
        lines += [
            "BEGIN:VEVENT",
            f"UID:{plan['start']:%Y%m%d}-{plan['seed']}-{n}@surefoot.invalid",
            f"DTSTAMP:{stamp}",
            f"DTSTART;VALUE=DATE:{block.start:%Y%m%d}",
            f"DTEND;VALUE=DATE:{block.end:%Y%m%d}",
            f"SUMMARY:{WITH_WORK if block.has_work else WITHOUT_WORK}",
            f"DESCRIPTION:Block {n} of {len(plan['schedule'])}\\, drawn by lot on "
            f"{plan['drawn_at']:%Y-%m-%d} with seed {plan['seed']}. Log every session and run as usual.",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return b"".join(_fold(line) for line in lines)


def _fold(line: str) -> bytes:
    """At most 75 octets a line, those after the first led by a space; the text is ASCII throughout."""
    octets = line.encode("ascii")
    parts = [octets[:75], *(b" " + octets[at : at + 74] for at in range(75, len(octets), 74))]
    return b"".join(part + b"\r\n" for part in parts)
