"""Tables of texts, as the pages and the report show them beside and under the charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from dashboard import words
from dashboard.queries import HEADLINE_METRIC, HEADLINE_OUTCOME
from dashboard.units import Units

OUTCOMES = {
    HEADLINE_OUTCOME: "Technical ground, smooth ground of the same run taken into account (the answer)",
    "difference": "Technical minus smooth ground",
    "cubic time": "With a curved trend over the season",
    "technical alone": "Technical ground alone",
    "smooth": "Smooth ground (should show nothing)",
}


ROBUSTNESS_NOTE = (
    "The answer should hold on technical ground however it is asked; smooth ground should show nothing."
)
RIGHT_ALIGNED = frozenset(
    {"p", "Runs", "Variability", "95 % interval", "Windows", "Minutes", "Dose", "Technical variability"}
    | {"Dose beyond", "Unsteadiness beyond", "Beyond what was expected"}
    | {"Technical", "Smooth", "Variability there", "Smooth ground", "Cadence used", "Mean grade"}
    | {"Sessions", "Minutes a session", "Distance", "Pace"}
    | {"Technicality, 0 to 1", "Mean altitude", "Mean running cadence", "On technical ground"}
)


def _texts(columns: list[str], rows: Sequence[tuple[str, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def robustness_table(effects: pl.DataFrame) -> pl.DataFrame:
    """The same question asked in other ways: one row per outcome of `effects`."""
    rows = [
        (
            OUTCOMES.get(row["outcome"], words.sentence_case(row["outcome"])),
            words.NONE if row["estimate"] is None else words.change(row["estimate"]),
            words.NONE
            if row["low"] is None or row["high"] is None
            else words.change_range(row["low"], row["high"]),
            words.p_value(row["p"]),
            str(row["n_runs"]),
        )
        for row in effects.iter_rows(named=True)
    ]
    return _texts(["Asked of", "Per +45 min/week", "95 % interval", "p", "Runs"], rows)


def trend_table(runs: pl.DataFrame) -> pl.DataFrame:
    """What the trend chart draws, newest first: one row per run and ground."""
    rows = [
        (
            words.day(row["local_date"]),
            row["terrain"],
            words.percent(row["value"]),
            words.percent_range(row["low"], row["high"]),
            str(row["n_windows"]),
            "yes" if row["counts"] else f"no: {row['counts_reason']}",
        )
        for row in runs.reverse().iter_rows(named=True)
    ]
    return _texts(["Day", "Ground", "Variability", "95 % interval", "Windows", "Counts"], rows)


def balance_table(weeks: pl.DataFrame) -> pl.DataFrame:
    """Balance minutes, newest week first: one row per week and category."""
    rows = [
        (words.day(week), category, words.number(minutes, "min"))
        for week, category, minutes in weeks.reverse().iter_rows()
    ]
    return _texts(["Week from", "Category", "Minutes"], rows)


def adherence_table(weeks: pl.DataFrame) -> pl.DataFrame:
    """The log beside the plan, newest week first."""
    rows = [
        (
            words.day(row["week"]),
            row["reasons"] or ("✓ in plan" if row["sessions_in_plan"] else "not over yet"),
            str(row["n_sessions"]),
            f"{row['minutes']:.0f}",
            words.NONE if row["minutes_per_session"] is None else f"{row['minutes_per_session']:.0f}",
        )
        for row in weeks.reverse().iter_rows(named=True)
    ]
    return _texts(["Week from", "Beside the plan", "Sessions", "Minutes", "Minutes a session"], rows)


def category_dose_table(parts: pl.DataFrame) -> pl.DataFrame:
    """What the chart of the dose by category draws, newest first, week by week."""
    weekly = parts.filter(pl.col("date").dt.weekday() == 1).reverse()
    rows = [
        (words.day(day), category, words.number(dose, "min/week"))
        for day, category, dose in weekly.iter_rows()
    ]
    return _texts(["Day", "Category", "Dose"], rows)


def dose_table(pairs: pl.DataFrame) -> pl.DataFrame:
    """What the dose chart draws, newest first."""
    rows = [
        (
            words.day(row["local_date"]),
            words.number(row["dose"], "min/week"),
            words.percent(row["value"]),
            "yes" if row["counts"] else "no",
        )
        for row in pairs.reverse().iter_rows(named=True)
    ]
    return _texts(["Day", "Dose", "Technical variability", "Counts"], rows)


def half_lives_table(sensitivity: pl.DataFrame) -> pl.DataFrame:
    """The change with each half-life, its interval, and its p corrected for the search."""
    rows = [
        (f"{days:g} days", words.change(estimate), words.change_range(low, high), words.p_value(p))
        for days, estimate, low, high, p in sensitivity.select(
            "half_life_days", "estimate", "low", "high", "p"
        ).iter_rows()
    ]
    return _texts(["Half-life", "Change", "95 % interval", "p"], rows)


def leftover_table(points: pl.DataFrame) -> pl.DataFrame:
    """What the chart of what is left draws, newest first."""
    rows = [
        (words.day(day), words.number(dose, "min/week"), words.signed_percent(change, 0))
        for day, dose, change in points.reverse().select("local_date", "dose_left", "change_left").iter_rows()
    ]
    return _texts(["Day", "Dose beyond", "Unsteadiness beyond"], rows)


def residuals_table(points: pl.DataFrame) -> pl.DataFrame:
    """What the chart of residuals draws, newest first."""
    known = points.drop_nulls("residual").reverse().select("local_date", "residual")
    rows = [
        (words.day(day), f"{residual:+z.1f} SD".replace("-", words.MINUS))
        for day, residual in known.iter_rows()
    ]
    return _texts(["Day", "Beyond what was expected"], rows)


def forest_table(athletes: pl.DataFrame, pooled: tuple[float, float, float] | None) -> pl.DataFrame:
    """What the forest plot draws: each athlete's own change, and all together."""
    rows = [
        (
            row["athlete_id"],
            words.change(row["estimate"]),
            words.change_range(row["low"], row["high"]),
            str(row["n_runs"]),
        )
        for row in athletes.iter_rows(named=True)
    ]
    if pooled is not None:
        rows.append(("together", words.change(pooled[0]), words.change_range(*pooled[1:]), ""))
    return _texts(["Athlete", "Per +45 min/week", "95 % interval", "Runs"], rows)


def designs_table(changes: pl.DataFrame) -> pl.DataFrame:
    """The smallest change that each design could show, a column for each length."""
    lengths = changes["weeks"].unique().sort().to_list()
    found = {(design, weeks): change for design, weeks, change in changes.iter_rows()}
    rows = [
        (design, *(words.percent(found.get((design, weeks)), 0) for weeks in lengths))
        for design in changes["design"].unique(maintain_order=True)
    ]
    return _texts(["Design", *(f"{weeks} weeks" for weeks in lengths)], rows)


def last_runs_table(runs: pl.DataFrame, units: Units) -> pl.DataFrame:
    """The report's list of runs, in the order given."""
    rows = [
        (
            words.day(row["local_date"]),
            row["device"] or "unknown",
            units.distance(row["distance_m"]),
            units.pace(row["distance_m"], row["moving_s"]),
            words.duration(row["technical_s"]),
            words.percent(row["technical"]),
            words.percent(row["smooth"]),
            words.percent(row["quality"], 0),
            "yes" if row["counts"] else f"no: {row['counts_reason']}",
        )
        for row in runs.iter_rows(named=True)
    ]
    first = ["Day", "Device", "Distance", "Pace", "Technical", "Variability there"]
    return _texts([*first, "Smooth ground", "Cadence used", "Counts"], rows)


def split_table(split: pl.DataFrame, stability: pl.DataFrame, units: Units) -> pl.DataFrame:
    """The run on its two grounds side by side.

    Parameters
    ----------
    split : terrain, distance_m, moving_s, cadence_spm, grade, usable (pipeline.grounds).
    stability : terrain, direction, metric, value, low, high, n_windows.
    """
    ground = {row["terrain"]: row for row in split.iter_rows(named=True)}
    paces = {name: units.pace(row["distance_m"], row["moving_s"]) for name, row in ground.items()}
    headline = stability.filter(pl.col("metric") == HEADLINE_METRIC)
    steadiness = {(row["terrain"], row["direction"]): row for row in headline.iter_rows(named=True)}

    def of_ground(name: str, write: Any) -> tuple[str, ...]:
        return tuple(
            write(ground[terrain][name]) if terrain in ground else words.NONE
            for terrain in ("smooth", "technical")
        )

    def of_steadiness(direction: str, write: Any) -> tuple[str, ...]:
        found = [steadiness.get((terrain, direction)) for terrain in ("smooth", "technical")]
        return tuple(write(row) if row else words.NONE for row in found)

    rows = [
        ("Distance", *of_ground("distance_m", units.distance)),
        ("Moving time", *of_ground("moving_s", words.duration)),
        ("Mean pace", *(paces.get(terrain, words.NONE) for terrain in ("smooth", "technical"))),
        (
            "Mean cadence, steps/min",
            *of_ground("cadence_spm", lambda v: words.NONE if v is None else f"{v:.0f}"),
        ),
        ("Mean grade", *of_ground("grade", words.signed_percent)),
        ("Cadence variability", *of_steadiness("all", lambda row: words.percent(row["value"]))),
        ("95 % interval", *of_steadiness("all", lambda row: words.percent_range(row["low"], row["high"]))),
        ("20 s windows, n", *of_steadiness("all", lambda row: str(row["n_windows"]))),
        *(
            (f"Variability {name}", *of_steadiness(direction, lambda row: words.percent(row["value"])))
            for direction, name in (("up", "uphill"), ("level", "on the level"), ("down", "downhill"))
        ),
        ("Cadence used", *of_ground("usable", lambda v: words.percent(v, 0))),
    ]
    return _texts(["", "Smooth", "Technical"], rows)


def segments_table(segments: pl.DataFrame, units: Units) -> pl.DataFrame:
    """Every stretch of one ground and direction with the reasons for its label."""
    rows = [
        (
            units.span(row["start_m"], row["end_m"]),
            row["terrain"],
            row["direction"],
            words.signed_percent(row["grade_mean"]),
            words.NONE if row["technicality_mean"] is None else f"{row['technicality_mean']:.2f}",
            "marked by you" if row["edited"] else units.in_words(row["reasons"]),
            words.count(row["passes"], "pass") if row["passes"] == 1 else f"{row['passes']} passes",
        )
        for row in segments.iter_rows(named=True)
    ]
    columns = ["Where", "Ground", "Direction", "Mean grade", "Technicality, 0 to 1", "Why", "Rests on"]
    return _texts(columns, rows)


def distance_table(steps: pl.DataFrame, units: Units) -> pl.DataFrame:
    """What the profile draws, in steps of a kilometre or a mile."""
    rows = [
        (
            f"{n} to {n + 1} {units.distance_unit}",
            units.height(altitude),
            words.number(cadence, "steps/min"),
            words.percent(share, 0),
        )
        for n, altitude, cadence, share in steps.iter_rows()
    ]
    return _texts(["Where", "Mean altitude", "Mean running cadence", "On technical ground"], rows)
