"""A season before it is run: the balance log, its dose, and how unsteady the runner is on each day.

Balance work comes in blocks of weeks, on and off, or as the runner likes. The log begins 8 weeks before the
runs (the sample's with an on-block that ends there), so that the dose of every run is known. A shorter season
is the beginning of a longer one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from sample_data.routes import Route
from sample_data.runner import Runner

Floats = NDArray[np.float64]

FIRST_RUN_DAY = date(2025, 9, 1)  # a Monday
SEASON_WEEKS = 56
LOG_LEAD_DAYS = 56
# A runner who does as she likes goes on in the next week as in this one so often.
STAYS = 0.75
UTC_OFFSET_H = -2  # the nautical zone of the invented place
RUN_WEEKDAYS = (1, 3, 5, 6)
BALANCE_WEEKDAYS = (0, 2, 4)
LOG_COLUMNS = (
    "date",
    "drill",
    "minutes",
    "sets",
    "reps",
    "hold_s",
    "side",
    "surface",
    "eyes",
    "clean_sets",
    "wobbles",
    "rpe",
    "note",
)


@dataclass(frozen=True, slots=True)
class Drill:
    """How a drill is logged: repetitions or a hold in seconds, and on what."""

    name: str
    reps: int | None
    hold_s: int | None
    surface: str
    side: str


DRILLS = (
    Drill("single-leg deadlift", 8, None, "floor", "both"),
    Drill("wobble board", None, 40, "wobble board", "both"),
    Drill("tandem stance", None, 30, "floor", "both"),
    Drill("step-up with knee drive", 10, None, "step", "both"),
    Drill("lateral hop", 12, None, "grass", "both"),
    Drill("single-leg stance", None, 45, "foam", "left"),
    Drill("single-leg stance", None, 45, "foam", "right"),
    Drill("star excursion", 6, None, "floor", "both"),
)


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run to be made, with what is true of it.

    `log_unsteadiness_technical` and `log_unsteadiness_smooth` are natural logs of the runner's latent
    unsteadiness against her usual one; the technical one contains `effect`.
    """

    index: int
    start_time: datetime
    local_date: date
    route: str
    direction: str
    source_format: str
    sampling: str
    weekend: bool
    dose: float
    effect: float
    log_unsteadiness_technical: float
    log_unsteadiness_smooth: float

    @property
    def file_name(self) -> str:
        """Name of the run's file."""
        return f"{self.start_time:%Y-%m-%dT%H%M%S}.{self.source_format}"


@dataclass(frozen=True, slots=True)
class Season:
    """The runs in order, the rows of the balance log (keys LOG_COLUMNS) and the daily minutes."""

    runs: tuple[PlannedRun, ...]
    log: tuple[dict[str, object], ...]
    first_log_day: date
    daily_minutes: Floats


def plan_season(runner: Runner, weeks: int, routes: tuple[Route, ...]) -> Season:
    """Plan `weeks` weeks of about four runs each and the balance log from 8 weeks before."""
    first_day = FIRST_RUN_DAY - timedelta(days=LOG_LEAD_DAYS)
    n_days = LOG_LEAD_DAYS + 7 * weeks
    log = _balance_log(_stream(runner, 1), first_day, n_days, _weeks_with_work(runner, n_days // 7))
    minutes = np.zeros(n_days)
    for row in log:
        minutes[(date.fromisoformat(str(row["date"])) - first_day).days] += float(str(row["minutes"]))
    dose = derive_dose(minutes, runner.half_life_days)
    shared = _drift(_stream(runner, 2), n_days, runner.drift_shared_sd, runner.drift_days)
    technical = _drift(_stream(runner, 3), n_days, runner.drift_technical_sd, runner.drift_days)

    runs: list[PlannedRun] = []
    rng = _stream(runner, 4)
    for day in range(LOG_LEAD_DAYS, n_days):
        local_date = first_day + timedelta(days=day)
        # Every day draws the same numbers whether it is run or not, so that days do not disturb each other.
        rest, turn, minute, which, noise_shared, noise_technical = (
            *rng.uniform(size=4),
            *rng.standard_normal(2),
        )
        if local_date.weekday() not in RUN_WEEKDAYS or rest < 0.06:
            continue
        weekend = local_date.weekday() >= 5
        choice = [r for r in routes if r.weekend == weekend]
        effect = runner.log_effect * dose[day] / 45
        smooth = (
            shared[day]
            + runner.day_shared_sd * noise_shared
            + runner.weekend * weekend
            + runner.fitness_per_year * (day - LOG_LEAD_DAYS) / 365
        )
        local_start = datetime(local_date.year, local_date.month, local_date.day, tzinfo=UTC) + timedelta(
            hours=8 if weekend else 18, seconds=int(minute * 5400)
        )
        index = len(runs)
        runs.append(
            PlannedRun(
                index=index,
                start_time=local_start - timedelta(hours=UTC_OFFSET_H),
                local_date=local_date,
                route=choice[int(which * len(choice))].name,
                direction="reverse" if turn < 0.25 else "forward",
                source_format={1: "gpx", 4: "tcx"}.get(index % 40, "fit"),
                sampling="smart" if index % 16 == 5 else "1 Hz",
                weekend=weekend,
                dose=float(dose[day]),
                effect=float(effect),
                log_unsteadiness_technical=float(
                    smooth + technical[day] + runner.day_technical_sd * noise_technical + effect
                ),
                log_unsteadiness_smooth=float(smooth),
            )
        )
    return Season(tuple(runs), log, first_day, minutes)


def derive_dose(daily_minutes: Floats, half_life_days: float) -> Floats:
    """Decayed weekly minutes (min/week) at the start of each day, from nothing before the first.

    dose(t) = 7 (1 - k) sum over d >= 1 of k^(d-1) minutes(t - d), with k = 2^(-1/half_life_days).
    """
    keep = 2.0 ** (-1.0 / half_life_days)
    dose = np.zeros(len(daily_minutes))
    for day in range(1, len(dose)):
        dose[day] = keep * dose[day - 1] + (1 - keep) * 7 * daily_minutes[day - 1]
    return dose


def _stream(runner: Runner, purpose: int) -> np.random.Generator:
    return np.random.default_rng([runner.seed, 0, purpose])


def _drift(rng: np.random.Generator, n_days: int, sd: float, days: float) -> Floats:
    """An Ornstein-Uhlenbeck process at daily steps, stationary from the first day."""
    keep = np.exp(-1.0 / days)
    shocks = sd * rng.standard_normal(n_days)
    out = np.empty(n_days)
    out[0] = shocks[0]
    for day in range(1, n_days):
        out[day] = keep * out[day - 1] + np.sqrt(1 - keep**2) * shocks[day]
    return out


def _weeks_with_work(runner: Runner, n_weeks: int) -> NDArray[np.bool_]:
    """Which weeks have balance work: the first block has."""
    if runner.block_weeks:
        block = np.arange(n_weeks) // runner.block_weeks
    else:
        block = np.cumsum(_stream(runner, 5).uniform(size=n_weeks) > STAYS)
    return np.asarray(block % 2 == 0)


def _balance_log(
    rng: np.random.Generator, first_day: date, n_days: int, with_work: NDArray[np.bool_]
) -> tuple[dict[str, object], ...]:
    """Three sessions of 15 to 25 minutes and three to five drills in each week with work, none in others."""
    rows: list[dict[str, object]] = []
    for day in range(n_days):
        is_on = with_work[day // 7]
        today = first_day + timedelta(days=day)
        if is_on and today.weekday() in BALANCE_WEEKDAYS:
            rows.extend(_session(rng, today, progress=day / 365))
    return tuple(rows)


def _session(rng: np.random.Generator, today: date, progress: float) -> list[dict[str, object]]:
    total = int(rng.integers(15, 26))
    n_drills = int(rng.integers(3, 6))
    # Every drill gets two minutes, the rest is dealt out.
    minutes = 2 + rng.multinomial(total - 2 * n_drills, np.full(n_drills, 1 / n_drills))
    rows: list[dict[str, object]] = []
    for which, spent in zip(sorted(rng.choice(len(DRILLS), n_drills, replace=False)), minutes, strict=True):
        drill = DRILLS[which]
        sets = max(1, round(int(spent) / 1.5))
        clean = int(rng.binomial(sets, min(0.9, 0.45 + 0.3 * progress)))
        rows.append(
            {
                "date": today.isoformat(),
                "drill": drill.name,
                "minutes": int(spent),
                "sets": sets,
                "reps": drill.reps,
                "hold_s": drill.hold_s,
                "side": drill.side,
                "surface": drill.surface,
                "eyes": "closed" if drill.hold_s and rng.uniform() < 0.3 else "open",
                "clean_sets": clean,
                "wobbles": int(sets - clean + rng.poisson(0.8 * (sets - clean))),
                "rpe": int(rng.integers(3, 8)),
                "note": "",
            }
        )
    return rows
