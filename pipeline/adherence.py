"""A log beside the plan that the training advice gives: week by week, and what is next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date, timedelta
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, Self

import numpy as np
import polars as pl

from pipeline.drills import uncounted
from pipeline.errors import SurefootError
from pipeline.tables import Adherence, BalanceSessions, DataFrame

WEEK = timedelta(days=7)
_COMPARED = 4 * WEEK


def setting(
    default: float, doc: str, *, least: float = 0.0, most: float = 1000.0, words: tuple[str, ...] = ()
) -> Any:
    """A setting with its bounds; one of `words` is kept as its place among them."""
    bounds = (0.0, len(words) - 1.0) if words else (least, most)
    return field(default=default, metadata={"doc": doc, "bounds": bounds, "words": words})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The plan: every value a setting of the athlete. A session is a day with minutes that count."""

    sessions_min: float = setting(2, "sessions a week, at least", most=7)
    sessions_max: float = setting(3, "sessions a week, at most", most=7)
    rest_days: float = setting(1, "days without intense work between two intense sessions", most=6)
    intense_rpe: float = setting(7, "a session is intense from this exertion (rpe) on", most=10)
    intense_minutes: float = setting(25, "a session is intense from these minutes on")
    first_minutes_min: float = setting(15, "minutes a session at first, at least")
    first_minutes_max: float = setting(20, "minutes a session at first, at most")
    later_minutes_min: float = setting(25, "minutes a session once grown, at least")
    later_minutes_max: float = setting(30, "minutes a session once grown, at most")
    grow_weeks: float = setting(8, "weeks in which sessions grow to that", most=520)
    clean_share: float = setting(0.8, "share of sets without a wobble from which on to go on", most=1)

    @classmethod
    def of(cls, settings: Mapping[str, float]) -> Self:
        """The defaults with the athlete's settings over them.

        Raises SurefootError where a name is none, a value is out of its bounds, or a range is upside down.
        """
        for key, value in settings.items():
            meta = cls._meta(key)
            least, most = meta["bounds"]
            if not least <= value <= most or (meta["words"] and value % 1):
                raise SurefootError(f"{key} cannot be {value:g}", f"give {least:g} to {most:g}")
        plan = cls(**settings)
        names = [entry.name for entry in fields(cls)]
        for low in (name for name in names if name.endswith("_min")):
            high = low.removesuffix("_min") + "_max"
            if getattr(plan, low) > getattr(plan, high):
                raise SurefootError(f"{low} would be above {high}", f"set {high} first")
        return plan

    @classmethod
    def read(cls, key: str, text: str) -> float | None:
        """What a person wrote for a setting as its value; None, which is its default, for nothing.

        Raises SurefootError where there is no such setting or value; `of` looks at its bounds.
        """
        words: tuple[str, ...] = cls._meta(key)["words"]
        if not (text := text.strip()):
            return None
        if words:
            if text.lower() not in words:
                raise SurefootError(f"{key} cannot be {text!r}", f"give {' or '.join(words)}")
            return float(words.index(text.lower()))
        try:
            return float(text.replace(",", "."))
        except ValueError:
            raise SurefootError(f"{key} cannot be {text!r}", "give a number") from None

    @classmethod
    def _meta(cls, key: str) -> Mapping[str, Any]:
        known = {entry.name: entry.metadata for entry in fields(cls)}
        if key not in known:
            close = get_close_matches(key, known, 1)
            advice = f"did you mean {close[0]}?" if close else f"the settings are {', '.join(known)}"
            raise SurefootError(f"there is no setting {key!r}", advice)
        return known[key]

    def with_docs(self) -> list[tuple[str, str, str]]:
        """Each setting: name, value as it is written, what it is."""
        values = asdict(self)
        return [
            (entry.name, words[int(value)] if (words := entry.metadata["words"]) else f"{value:g}", doc)
            for entry in fields(self)
            for value, doc in [(values[entry.name], entry.metadata["doc"])]
        ]

    def minutes_range(self, week: int) -> tuple[float, float]:
        """Minutes a session [min] that week `week` (from 0) asks for: growing evenly over `grow_weeks`."""
        grown = min(week / self.grow_weeks, 1.0) if self.grow_weeks else 1.0
        low = self.first_minutes_min + grown * (self.later_minutes_min - self.first_minutes_min)
        high = self.first_minutes_max + grown * (self.later_minutes_max - self.first_minutes_max)
        return low, high


def derive_adherence(
    sessions: DataFrame[BalanceSessions],
    *,
    until: date,
    thresholds: Thresholds = Thresholds(),
    without: Collection[date] = (),
) -> DataFrame[Adherence]:
    """One row for each athlete and week, from the week of the first logged day to that of `until`.

    A flag is null where the log does not say (no sets, no holds in both spans) or the week is not over.
    Drills that do not count towards the dose are left out; a day of them alone is no session. `without` are
    the days on which a plan drawn by lot has no balance work: in a week of them none is what is in plan.
    """
    rows = []
    counted = sessions.filter((pl.col("date") <= until) & ~pl.col("drill").is_in(uncounted()))
    for (athlete_id,), log in counted.filter(pl.col("minutes") > 0).group_by("athlete_id"):
        rows += _weeks(str(athlete_id), log, until, thresholds, without)
    table = pl.DataFrame(rows, schema=Adherence.create_empty().schema)
    return Adherence.validate(table.sort("athlete_id", "week"))


def count_weeks_in_plan(
    sessions: DataFrame[BalanceSessions],
    *,
    until: date,
    thresholds: Thresholds,
    without: Collection[date] = (),
    weeks: int = 4,
) -> tuple[int, int]:
    """How many of an athlete's last whole weeks had as many sessions as planned, and how many there are.

    At most `weeks` of them, none from before the week of the first logged day; `without` as in
    `derive_adherence`.
    """
    counted = sessions.filter((pl.col("date") <= until) & ~pl.col("drill").is_in(uncounted()))
    days = counted.filter(pl.col("minutes") > 0)["date"].unique().sort()
    if days.is_empty():
        return 0, 0
    this_week = until - timedelta(days=until.weekday())
    end = this_week + WEEK if until.weekday() == 6 else this_week
    first: date = days[0] - timedelta(days=days[0].weekday())
    begins = [begin for n in range(1, weeks + 1) if (begin := end - n * WEEK) >= first]
    per_week = [int(days.is_between(begin, begin + WEEK, closed="left").sum() or 0) for begin in begins]
    kept = (
        not n if _is_off(begin, without) else _within(n, thresholds)
        for begin, n in zip(begins, per_week, strict=True)
    )
    return sum(kept), len(begins)


def _weeks(
    athlete_id: str, log: pl.DataFrame, until: date, plan: Thresholds, without: Collection[date]
) -> list[dict[str, Any]]:
    days = log.group_by("date").agg(pl.sum("minutes"), pl.max("rpe")).sort("date")
    is_long, is_hard = pl.col("minutes") >= plan.intense_minutes, pl.col("rpe") >= plan.intense_rpe
    intense: list[date] = days.filter(is_long | is_hard.fill_null(False))["date"].to_list()
    first: date = days["date"][0]
    week = first - timedelta(days=first.weekday())
    rows: list[dict[str, Any]] = []
    while week <= until:
        number = len(rows)
        of_week = days.filter(pl.col("date").is_between(week, week + WEEK, closed="left"))
        entries = log.filter(pl.col("date").is_between(week, week + WEEK, closed="left"))
        n, is_over = len(of_week), until >= week + WEEK - timedelta(days=1)
        minutes = float(of_week["minutes"].sum())
        mean = minutes / n if n else None
        clean_share = _clean_share(entries)
        low, _ = plan.minutes_range(number)
        is_off = _is_off(week, without)
        most = 0 if is_off else plan.sessions_max
        flags: dict[str, bool | None] = {
            "sessions_in_plan": (not n if is_off else _within(n, plan)) if is_over or n > most else None,
            "rest_in_plan": _is_rested(intense, week, plan),
            "minutes_in_plan": None if mean is None or is_off else low <= mean <= plan.later_minutes_max,
            "progress_in_plan": _progresses(log, week) if n and not is_off else None,
            "clean_in_plan": None if clean_share is None or is_off else clean_share >= plan.clean_share,
        }
        facts = {"n_sessions": n, "minutes": minutes, "minutes_per_session": mean, "clean_share": clean_share}
        rows.append(
            {
                "athlete_id": athlete_id,
                "week": week,
                **facts,
                **flags,
                "reasons": "; ".join(_reasons(facts, flags, plan, number, is_off=is_off)),
                "next_step": _pause(week + WEEK if is_over else week, without)
                or _next_step(facts, flags, plan, number, is_over=is_over),
            }
        )
        week += WEEK
    return rows


def _is_off(week: date, without: Collection[date]) -> bool:
    """Whether a plan drawn by lot has no balance work on any day of the week."""
    return all(week + timedelta(days=day) in without for day in range(7))


def _pause(week: date, without: Collection[date]) -> str:
    """What is next where a plan drawn by lot has no balance work in the week; empty where it has."""
    if not _is_off(week, without):
        return ""
    end = week
    while end in without:
        end += timedelta(days=1)
    return f"Do no balance work before {end}, as the plan drawn by lot says, and run as usual."


def _within(n: int, plan: Thresholds) -> bool:
    return plan.sessions_min <= n <= plan.sessions_max


def _is_rested(intense: Sequence[date], week: date, plan: Thresholds) -> bool:
    """Whether each intense day of the week comes after enough days without one, the week before included."""
    return not any(
        week <= later < week + WEEK and (later - earlier).days <= plan.rest_days
        for earlier, later in pairwise(intense)
    )


def _clean_share(entries: pl.DataFrame) -> float | None:
    """Share of the sets that were without a wobble, of the entries that say it; no wobbles: all of them."""
    clean = pl.coalesce("clean_sets", pl.when(pl.col("wobbles") == 0).then(pl.col("sets")))
    told = entries.select("sets", clean=clean).drop_nulls().filter(pl.col("sets") > 0)
    return float(told["clean"].sum()) / float(told["sets"].sum()) if len(told) else None


def _progresses(log: pl.DataFrame, week: date) -> bool | None:
    """Whether holds and repetitions grew: four weeks to this one against the four before, drill by drill.

    The geometric mean of the drills' ratios is above 1; None where no drill has both.
    """
    end = week + WEEK
    age = pl.lit(end) - pl.col("date")
    recent, before = (
        log.filter((age > low) & (age <= low + _COMPARED))
        .unpivot(["hold_s", "reps"], index="drill")
        .filter(pl.col("value") > 0)
        .group_by("drill", "variable")
        .agg(pl.mean("value"))
        for low in (timedelta(0), _COMPARED)
    )
    both = recent.join(before, on=["drill", "variable"], suffix="_before")
    if both.is_empty():
        return None
    grown = np.log(both["value"].to_numpy()) - np.log(both["value_before"].to_numpy())
    return float(grown.mean()) > 1e-9


def _reasons(
    facts: Mapping[str, Any],
    flags: Mapping[str, bool | None],
    plan: Thresholds,
    number: int,
    *,
    is_off: bool,
) -> list[str]:
    planned, minutes = _range(plan.sessions_min, plan.sessions_max), _range(*plan.minutes_range(number))
    mean, clean = facts["minutes_per_session"] or 0.0, facts["clean_share"] or 0.0
    words = {
        "sessions_in_plan": f"{facts['n_sessions']} of {'no' if is_off else planned} sessions",
        "rest_in_plan": "intense sessions without rest between them",
        "minutes_in_plan": f"{mean:.0f} of {minutes} minutes a session",
        "progress_in_plan": "holds and repetitions did not grow in four weeks",
        "clean_in_plan": f"{clean:.0%} of {plan.clean_share:.0%} of the sets without a wobble",
    }
    return [words[name] for name, flag in flags.items() if flag is False]


def _next_step(
    facts: Mapping[str, Any],
    flags: Mapping[str, bool | None],
    plan: Thresholds,
    number: int,
    *,
    is_over: bool,
) -> str:
    """What is next: the first thing missing, rest before more work, clean sets before longer ones."""
    minutes = f"{_range(*plan.minutes_range(number + is_over))} minutes"
    missing = int(np.ceil(plan.sessions_min - facts["n_sessions"]))
    if flags["rest_in_plan"] is False:
        days = "day" if plan.rest_days == 1 else "days"
        return f"Leave {plan.rest_days:g} {days} of rest before the next intense session."
    if not is_over and missing > 0:
        return f"Do {missing} more session{'s' * (missing > 1)} of {minutes} this week."
    if flags["sessions_in_plan"] is False:
        return f"Do {_range(plan.sessions_min, plan.sessions_max)} sessions of {minutes} next week."
    if flags["clean_in_plan"] is False:
        return f"Stay with these drills until {plan.clean_share:.0%} of the sets are without a wobble."
    if flags["minutes_in_plan"] is False:
        return f"Make each session {minutes} long."
    if flags["progress_in_plan"] is False:
        return "Hold longer, do more repetitions, or take a harder drill."
    return f"Go on like this: {_range(plan.sessions_min, plan.sessions_max)} sessions of {minutes} a week."


def _range(low: float, high: float) -> str:
    return f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"
