"""A plan that would answer sooner, drawn by lot and kept: blocks of weeks with and without balance work for
one athlete, a start in a week of one's own for each athlete of a roster."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.errors import SurefootError
from pipeline.schedule import count_schedules, draw_schedules, is_one_start, staggered_schedules
from pipeline.tables import DataFrame, Plans

MAX_WEEKS = 104
MIN_WEEKS_STAGGERED = 16
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
    _check_start(start, drawn_at)
    (schedule,) = draw_schedules(weeks // block_weeks, 1, np.random.default_rng(seed))
    return _as_plans([athlete_id], [schedule], block_weeks, start, drawn_at, seed)


def draw_staggered(
    athlete_ids: Sequence[str], *, weeks: int, start: date, drawn_at: datetime, seed: int
) -> DataFrame[Plans]:
    """One plan for each athlete of a roster: the weeks in which balance work starts are dealt out by lot.

    Raises SurefootError with fewer than two athletes, outside 16 to 104 weeks, or where the plan would begin
    before it is drawn.
    """
    if len(athlete_ids) < 2:
        raise SurefootError(
            "staggered starts need two athletes or more", "draw blocks for one with --athlete and --choose"
        )
    if not MIN_WEEKS_STAGGERED <= weeks <= MAX_WEEKS:
        raise SurefootError(
            f"{weeks} weeks are too few or too many for staggered starts",
            f"choose {MIN_WEEKS_STAGGERED} to {MAX_WEEKS}",
        )
    _check_start(start, drawn_at)
    dealt = np.random.default_rng(seed).permutation(staggered_schedules(len(athlete_ids), weeks))
    return _as_plans(athlete_ids, dealt, 1, start, drawn_at, seed)


def _check_start(start: date, drawn_at: datetime) -> None:
    if start < drawn_at.date():
        raise SurefootError(f"a plan is drawn before it begins, and {start} is over", "choose a later start")


def _as_plans(
    athlete_ids: Sequence[str],
    schedules: Iterable[NDArray[np.bool_]],
    block_weeks: int,
    start: date,
    drawn_at: datetime,
    seed: int,
) -> DataFrame[Plans]:
    rows = [
        {
            "athlete_id": athlete_id,
            "start": start,
            "block_weeks": block_weeks,
            "schedule": "".join("1" if on else "0" for on in schedule),
            "seed": seed,
            "drawn_at": drawn_at,
        }
        for athlete_id, schedule in zip(athlete_ids, schedules, strict=True)
    ]
    return Plans.validate(pl.DataFrame(rows, schema=Plans.create_empty().schema))


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
    """The blocks of a row of Plans; a staggered start has two, before and after it."""
    length = timedelta(weeks=plan["block_weeks"])
    start, schedule = plan["start"], plan["schedule"]
    if is_one_start(schedule):
        change, end = (start + n * length for n in (schedule.index("1"), len(schedule)))
        return [Block(start, change, False), Block(change, end, True)]
    return [
        Block(start + n * length, start + (n + 1) * length, letter == "1")
        for n, letter in enumerate(schedule)
    ]


def days_without_work(plans: DataFrame[Plans]) -> frozenset[date]:
    """The days on which these plans have no balance work."""
    blocks = [block for row in plans.iter_rows(named=True) for block in blocks_of(row) if not block.has_work]
    return frozenset(
        block.start + timedelta(days=day) for block in blocks for day in range((block.end - block.start).days)
    )


def smallest_p(plan: Mapping[str, Any]) -> float:
    """About the smallest p that the plan's own test can have: a schedule and its mirror image tie."""
    return 2 / count_schedules(len(plan["schedule"]))


def write_csv(plan: Mapping[str, Any]) -> bytes:
    """One line a week: its first day, its last day, whether there is balance work."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["week", "first_day", "last_day", "balance_work"])
    for block in blocks_of(plan):
        for n in range((block.end - block.start).days // 7):
            first = block.start + timedelta(weeks=n)
            week = (first - plan["start"]).days // 7 + 1
            lines.writerow([week, first, first + timedelta(days=6), "yes" if block.has_work else "no"])
    return text.getvalue().encode()


def write_ics(plan: Mapping[str, Any]) -> bytes:
    """An iCalendar (RFC 5545) of all-day events, one a block; whole days have no time zone to go wrong."""
    stamp = f"{plan['drawn_at']:%Y%m%dT%H%M%SZ}"
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Surefoot//plan//EN", "CALSCALE:GREGORIAN"]
    # Athletes of a roster share start and seed, and their calendars may end up in one.
    whose = f"{zlib.crc32(plan['athlete_id'].encode()):08x}"
    blocks = blocks_of(plan)
    for n, block in enumerate(blocks, start=1):
        lines += [
            "BEGIN:VEVENT",
            f"UID:{plan['start']:%Y%m%d}-{plan['seed']}-{whose}-{n}@surefoot.invalid",
            f"DTSTAMP:{stamp}",
            f"DTSTART;VALUE=DATE:{block.start:%Y%m%d}",
            f"DTEND;VALUE=DATE:{block.end:%Y%m%d}",
            f"SUMMARY:{WITH_WORK if block.has_work else WITHOUT_WORK}",
            f"DESCRIPTION:Block {n} of {len(blocks)}\\, drawn by lot on "
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
