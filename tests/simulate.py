"""Seasons of one runner with a known truth, at the level of runs: what the method is calibrated on.

Unsteadiness of a run is measured as 0.75 of a latent log level (imprecise labels and the watch's own
smoothing swallow the rest) plus noise. The latent level has run-to-run noise and a slow drift, each partly
shared by both grounds and partly of technical ground alone, confounders, and the effect of the dose.
The true half-life differs from the assumed one, and the response flattens, unless the caller says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.exposure import decayed_weekly
from pipeline.tables import BalanceSessions, DataFrame, Runs, Stability

Array = NDArray[np.float64]

START = date(2024, 3, 4)
LOADING = 0.75
SHARED_SD = TECHNICAL_SD = 0.08
DRIFT_SD = 0.065
TECHNICAL_NOISE_SD, SMOOTH_NOISE_SD = 0.07, 0.05
# Windows on technical ground as in the longest real season; the noise of a run falls with their root.
MEDIAN_WINDOWS, WINDOWS_LOG_SD, NOISE_AT_WINDOWS = 34, 0.45, 30


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens in a season beside balance work. Sizes are log units over the season."""

    dose: str
    drift: bool = True
    fitness: str = "none"  # or "linear" or "sigmoid": shared by both grounds
    yearly: bool = False  # a yearly wave and tired weekends, shared
    technical_only: bool = False  # skill and a yearly wave on technical ground alone
    coincidence: bool = False  # technical ground 15 % steadier for another reason from the programme's start
    skips_bad_days: bool = False  # runs that would have been unsteady are cut short, more so in weeks without
    injury: bool = False  # five weeks without runs; unsteady afterwards, and balance work as rehabilitation
    trail_choice: bool = False  # harder trails in summer, and balance work more often in winter
    logs_good_weeks: bool = False  # unsteady weeks are logged half the time only


SCENARIOS = {
    "N0": Scenario("steady", drift=False),
    "N1": Scenario("self-selected"),
    "N2": Scenario("ramp", fitness="linear"),
    "N3": Scenario("ramp", fitness="sigmoid", yearly=True),
    "N3b": Scenario("self-selected", fitness="sigmoid", yearly=True),
    "N3c": Scenario("midway", fitness="sigmoid", yearly=True),
    "N4": Scenario("ramp", technical_only=True),
    "N4b": Scenario("self-selected", technical_only=True),
    "coincidence": Scenario("midway", fitness="sigmoid", yearly=True, coincidence=True),
    "missing runs": Scenario("self-selected", fitness="sigmoid", yearly=True, skips_bad_days=True),
    "injury": Scenario("self-selected", fitness="sigmoid", yearly=True, injury=True),
    "trail choice": Scenario("self-selected", fitness="sigmoid", yearly=True, trail_choice=True),
    "good weeks": Scenario("self-selected", fitness="sigmoid", yearly=True, logs_good_weeks=True),
    "blocks 4": Scenario("blocks 4", fitness="sigmoid", yearly=True),
    "blocks 6": Scenario("blocks 6", fitness="sigmoid", yearly=True),
    "blocks 8": Scenario("blocks 8", fitness="sigmoid", yearly=True),
}


@dataclass(frozen=True, slots=True)
class SimulatedRuns:
    """Per run (n_runs,) what is measured of it and the truth, and the minutes of each day of the log."""

    day: NDArray[np.int64]  # since START
    technical_cv: Array
    smooth_cv: Array
    windows: NDArray[np.int64]  # on technical ground
    effect: Array  # log change by balance work, as it is measured
    minutes: Array  # (n_days,) from START on
    beta: float  # of a steady 45 min/week against none


@dataclass(frozen=True, slots=True)
class SimulatedSeason:
    """The tables that the effect takes, and the truth: log changes by balance work, as they are measured."""

    runs: DataFrame[Runs]
    stability: DataFrame[Stability]
    sessions: DataFrame[BalanceSessions]
    beta: float  # of a steady 45 min/week against none
    effect: Array  # (n_runs,), at each run


def simulate_season(scenario: Scenario, rng: np.random.Generator, **options: Any) -> SimulatedSeason:
    """One season as tables; the options are those of `simulate_runs`."""
    runs = simulate_runs(scenario, rng, **options)
    tables = make_tables(runs.day, runs.technical_cv, runs.smooth_cv, runs.minutes, windows=runs.windows)
    return SimulatedSeason(*tables, beta=runs.beta, effect=runs.effect)


def simulate_runs(
    scenario: Scenario,
    rng: np.random.Generator,
    *,
    weeks: int = 26,
    beta: float = 0.0,
    runs_per_week: int = 4,
    weekly_minutes: float = 60.0,
    weeks_before: int = 8,
    exact: bool = False,
) -> SimulatedRuns:
    """One season; `beta` is the latent log change at a steady 45 min/week (-0.5 is a large effect).

    The log begins `weeks_before` the first run. With `exact` the response is linear and the half-life
    21 days, as the method assumes.
    """
    n_days = 7 * (weeks_before + weeks)
    minutes = _minutes(scenario.dose, weeks_before + weeks, weekly_minutes, weeks_before, rng)
    hurt = 7 * weeks_before + int(rng.uniform(0.3, 0.6) * 7 * weeks) if scenario.injury else n_days
    back = hurt + 35
    # Rehabilitation: four weeks of it, begun a week after the injury.
    minutes[hurt + 7 : back] = np.where(np.arange(n_days)[hurt + 7 : back] % 2, weekly_minutes / 3.5, 0.0)
    if scenario.trail_choice:
        winter = np.sin(2 * np.pi * np.arange(n_days) / 365 + (phase := 2 * np.pi * rng.random())) < 0
        minutes *= np.where(winter, 1.4, 0.4)
    half_life = 21.0 if exact else float(rng.choice([10.0, 21.0, 35.0]))
    dose = decayed_weekly(minutes, half_life) / 45
    response = dose if exact or rng.random() < 0.5 else (1 - np.exp(-dose)) / (1 - np.exp(-1))

    day = _run_days(weeks, runs_per_week, rng) + 7 * weeks_before
    day = day[(day < hurt) | (day >= back)]
    shared, technical = _confounders(scenario, day, 7 * weeks_before, n_days, rng)
    n = len(day)
    if scenario.coincidence:
        technical -= 0.20 * (day >= 7 * (weeks_before + weeks // 2))
    if scenario.injury:
        recovery = np.where(day >= back, np.exp(-(day - back) / rng.choice([14, 28, 56])), 0.0)
        technical, shared = technical + 0.15 * recovery, shared + 0.10 * recovery
    if scenario.trail_choice:
        technical += 0.08 * np.sin(2 * np.pi * day / 365 + phase)
    shared = shared + SHARED_SD * rng.standard_normal(n)
    technical = technical + TECHNICAL_SD * rng.standard_normal(n) + beta * response[day]
    windows = np.maximum(MEDIAN_WINDOWS * np.exp(WINDOWS_LOG_SD * rng.standard_normal(n)), 12).astype(
        np.int64
    )
    noise_sd = TECHNICAL_NOISE_SD * np.sqrt(NOISE_AT_WINDOWS / windows)
    y = LOADING * (shared + technical) + noise_sd * rng.standard_normal(n)
    s = LOADING * shared + SMOOTH_NOISE_SD * rng.standard_normal(n)
    if scenario.skips_bad_days:
        off = dose[day] < np.median(dose[day])
        lost = rng.random(n) < 0.5 / (1 + np.exp(-(technical - technical.mean()) / 0.05)) * np.where(
            off, 1, 0.5
        )
        day, y, s, windows = day[~lost], y[~lost], s[~lost], windows[~lost]
    if scenario.logs_good_weeks:
        minutes = _logged(minutes, day, y, rng)
    return SimulatedRuns(
        day=day,
        technical_cv=0.06 * np.exp(y),
        smooth_cv=0.045 * np.exp(s),
        windows=windows,
        effect=LOADING * beta * response[day],
        minutes=minutes,
        beta=LOADING * beta,
    )


def make_tables(
    day: NDArray[np.int64],
    technical_cv: Array,
    smooth_cv: Array,
    minutes: Array,
    athlete_id: str = "sim",
    windows: NDArray[np.int64] | None = None,
) -> tuple[DataFrame[Runs], DataFrame[Stability], DataFrame[BalanceSessions]]:
    """Runs, stability and log from days since START, both grounds' steadiness and the minutes of each day;
    `windows` of each run on technical ground, 40 where not given."""
    ids = [f"{athlete_id}{i:05d}" for i in range(len(day))]
    dates = [START + timedelta(days=int(d)) for d in day]
    constant = {
        name: pl.lit(value, dtype=kind)
        for name, value, kind in (
            ("sport", "running", pl.String),
            ("sub_sport", "trail", pl.String),
            ("title", "", pl.String),
            ("source_format", "fit", pl.String),
            ("device", "made up", pl.String),
            ("device_epoch", "made up 1", pl.String),
            ("cadence_unit", "strides_per_minute", pl.String),
            ("cadence_unit_reason", "", pl.String),
            ("sampling", "1 Hz", pl.String),
            ("altitude_class", "typical", pl.String),
            ("distance_m", 1e4, pl.Float64),
            ("elapsed_s", 3700.0, pl.Float64),
            ("moving_s", 4e3, pl.Float64),
            ("ascent_m", 400.0, pl.Float64),
            ("technical_s", 2e3, pl.Float64),
            ("technical_share", 0.5, pl.Float64),
            ("walking_share", 0.1, pl.Float64),
            ("cadence_identical_share", 0.7, pl.Float64),
            ("cadence_step_spm", 2.0, pl.Float64),
            ("quality", 1.0, pl.Float64),
            ("counts", True, pl.Boolean),
            ("counts_reason", "", pl.String),
            ("warnings", "", pl.String),
            ("content_sha256", "", pl.String),
            ("source_name", "", pl.String),
            ("analysis_version", 1, pl.Int64),
        )
    }
    runs = pl.DataFrame(
        {
            "run_id": ids,
            "athlete_id": [athlete_id] * len(ids),
            "start_time": [datetime(d.year, d.month, d.day, 8, tzinfo=UTC) for d in dates],
            "local_date": dates,
        },
        schema={
            "run_id": pl.String,
            "athlete_id": pl.String,
            "start_time": pl.Datetime("us", "UTC"),
            "local_date": pl.Date,
        },
    ).with_columns(**constant)
    many = np.full(len(ids), 40)
    stability = pl.concat(
        pl.DataFrame(
            {"run_id": ids, "value": np.asarray(values, dtype=float), "n_windows": n_windows},
            schema={"run_id": pl.String, "value": pl.Float64, "n_windows": pl.Int64},
        ).with_columns(
            terrain=pl.lit(terrain),
            direction=pl.lit("all"),
            metric=pl.lit(metric),
            low=pl.col("value") * 0.9,
            high=pl.col("value") * 1.1,
            seconds=pl.lit(800.0),
        )
        for terrain, values, metric, n_windows in (
            ("technical", technical_cv, "cadence_cv", many if windows is None else windows),
            ("smooth", smooth_cv, "cadence_cv", many),
            ("technical", technical_cv, "cadence_cv_raw", many),
        )
    )
    return (
        Runs.cast(runs),
        Stability.cast(stability),
        make_log(minutes, athlete_id),
    )


def make_log(minutes: Array, athlete_id: str = "sim") -> DataFrame[BalanceSessions]:
    """One session for each day with minutes, and one of 0 minutes on the first day: the log was kept."""
    logged = [d for d in range(len(minutes)) if minutes[d] > 0 or d == 0]
    log = pl.DataFrame(
        {
            "session_id": [f"{athlete_id}-{d}" for d in logged],
            "athlete_id": [athlete_id] * len(logged),
            "date": [START + timedelta(days=d) for d in logged],
            "drill": ["balance board"] * len(logged),
            "category": ["unstable surface"] * len(logged),
            "minutes": [float(minutes[d]) for d in logged],
        },
    )
    empty = BalanceSessions.create_empty()
    return BalanceSessions.cast(pl.concat([empty, log], how="diagonal_relaxed"))


def _minutes(kind: str, weeks: int, weekly: float, weeks_before: int, rng: np.random.Generator) -> Array:
    """Balance minutes of each day of the log."""
    week = np.arange(weeks)
    if kind == "steady":
        target = np.full(weeks, 45.0)
    elif kind == "self-selected":
        on = np.empty(weeks, dtype=bool)
        on[0] = rng.random() < 0.5
        for w in range(1, weeks):
            on[w] = on[w - 1] if rng.random() < 0.75 else not on[w - 1]
        target = np.where(on, weekly * rng.uniform(0.6, 1.4, weeks), 0.0)
    elif kind == "ramp":
        target = np.clip((week - weeks_before) / (weeks - weeks_before), 0, 1) * 90
    elif kind == "midway":
        target = np.where(week >= weeks_before + (weeks - weeks_before) // 2, weekly, 0.0)
    else:
        target = np.where((week - weeks_before) // int(kind.split()[1]) % 2 == 1, weekly, 0.0)
    minutes = np.zeros((weeks, 7))
    for w in range(weeks):
        days = rng.choice(7, size=3, replace=False)
        done = rng.random(3) < 0.9
        minutes[w, days] = np.round(target[w] / 2.7 * rng.uniform(0.8, 1.2, 3)) * done
    return minutes.ravel()


def _logged(minutes: Array, day: NDArray[np.int64], y: Array, rng: np.random.Generator) -> Array:
    """The minutes that reach the log where a week with unsteady runs is forgotten half the time."""
    week = day // 7
    logged = minutes.copy()
    for w in np.unique(week):
        if y[week == w].mean() > y.mean() and rng.random() < 0.5:
            logged[7 * w : 7 * w + 7] = 0.0
    return logged


def _run_days(weeks: int, runs_per_week: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Days of the runs since the first week's Monday; more of them at weekends."""
    likely = np.array([1, 1, 1, 1, 1, 2, 2], dtype=float)
    days = [
        7 * w + np.sort(rng.choice(7, size=runs_per_week, replace=False, p=likely / likely.sum()))
        for w in range(weeks)
    ]
    return np.concatenate(days).astype(np.int64)


def ou(n_days: int, tau_days: float, rng: np.random.Generator) -> Array:
    """A drift of unit variance."""
    keep = np.exp(-1 / tau_days)
    drift = np.empty(n_days)
    drift[0] = rng.standard_normal()
    for d in range(1, n_days):
        drift[d] = keep * drift[d - 1] + np.sqrt(1 - keep**2) * rng.standard_normal()
    return drift


def _confounders(
    scenario: Scenario, day: NDArray[np.int64], first: int, n_days: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """What moves both grounds, and technical ground alone, apart from balance work: per run."""
    x = (day - first) / (n_days - first)
    shared, technical = np.zeros(len(day)), np.zeros(len(day))
    if scenario.drift:
        shared += DRIFT_SD * ou(n_days, rng.uniform(10, 30), rng)[day]
        technical += DRIFT_SD * ou(n_days, rng.uniform(10, 30), rng)[day]
    if scenario.fitness == "linear":
        shared -= 0.15 * x
    elif scenario.fitness == "sigmoid":
        shared -= 0.15 / (1 + np.exp(-10 * (x - rng.uniform(0.3, 0.7))))
    wave = np.sin(2 * np.pi * (day / 365 + rng.random()))
    if scenario.yearly:
        weekday = day % 7
        shared += 0.06 * wave + 0.04 * (weekday >= 5)
        technical += 0.02 * (weekday >= 5)
    if scenario.technical_only:
        technical += 0.05 * wave - 0.10 * x
    return shared, technical
