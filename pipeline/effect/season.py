"""One runner's runs beside the dose of each: what the models are fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.effect.gls import independent_columns
from pipeline.exposure import daily_minutes, decayed_weekly

Array = NDArray[np.float64]

METRIC = "cadence_cv"
UNIT_MIN_PER_WEEK = 45.0
# An intercept of its own for a device with fewer runs says nothing of the dose and costs a parameter.
MIN_RUNS_OF_DEVICE = 5
# Share of a usual run's scatter that is of its few windows, and falls with their number: on the longest real
# season and on made ones the likelihood is highest at a half to three quarters.
WINDOWS_SHARE = 0.5
# After more days without a run that counts, unsteadiness is given a level that fades like the dose does: an
# injury is followed by unsteady weeks and by balance work.
LONG_BREAK_DAYS = 21
FADING_DAYS = 21.0
YEAR_DAYS = 365.25
# In a shorter season a wave of a year cannot be told from a trend.
YEARLY_WEEKS = 40.0


@dataclass(frozen=True, slots=True)
class Season:
    """The runs that enter the answer, in order of time, and the log's days. Arrays (n_runs,) or as stated."""

    athlete_id: str
    run_ids: tuple[str, ...]
    days: Array  # days since the first of these runs
    technical: Array  # log unsteadiness on technical ground
    smooth: Array  # the same on smooth ground of the same run
    scatter: Array  # variance of the run's own scatter on technical ground, 1 on average
    dose: Array  # decayed weekly minutes / 45, up to the day before
    weekend: Array  # 1 on Saturday and Sunday
    devices: Array  # (n_runs, n_devices), 1 where the run was recorded by the device
    run_day: NDArray[np.int64]  # index of the run's day in `minutes`
    minutes: Array  # (n_days,) from the log's first day to the last run's
    n_technical: NDArray[np.int64]  # runs with technical ground in each third of the period
    has_log: bool
    n_before_log: int  # counting runs left out: before the log, or within a half-life of its start
    n_rare_device: int  # counting runs left out: their device has too few
    days_since_log: int  # from the last logged session to the last run
    longest_break_days: int  # between two entries of the log
    first_run: date | None  # day of the first run that enters
    log_start: date | None

    @property
    def n_runs(self) -> int:
        """How many runs enter the answer."""
        return len(self.days)

    @property
    def weeks(self) -> float:
        """Length of the period from the first to the last run, both days included."""
        return float((self.days[-1] - self.days[0] + 1) / 7) if self.n_runs else 0.0

    @property
    def time(self) -> Array:
        """Days scaled to -1 .. 1, which keeps the powers of time apart numerically."""
        half = self.days[-1] / 2 if self.n_runs else 0.0
        return (self.days - half) / half if half > 0 else np.zeros_like(self.days)

    @property
    def after_break(self) -> Array:
        """1 at the first run after a long break, fading from there; (n_runs, 0) in a season without one."""
        returns = 1 + np.flatnonzero(np.diff(self.days) > LONG_BREAK_DAYS)
        since = self.days[:, None] - self.days[returns]
        fading = np.where(since >= 0, 2.0 ** (-np.maximum(since, 0) / FADING_DAYS), 0.0)
        return fading.max(axis=1, keepdims=True) if returns.size else fading

    def nuisance(self, *, smooth: bool = False, cubic: bool = False) -> Array:
        """Columns beside the dose: level, time, weekend, the wave of a long season, devices, what follows a
        long break; smooth ground and cubic time if asked."""
        columns = [np.ones(self.n_runs), self.time, self.weekend, yearly_wave(self.days)]
        if cubic:
            columns += [self.time**2, self.time**3]
        if smooth:
            columns.append(self.smooth)
        return np.column_stack([*columns, self.devices, self.after_break])

    @property
    def contrast(self) -> float | None:
        """SD of the dose [45 min/week] that time and weekend do not explain."""
        columns = independent_columns(np.column_stack([np.ones(self.n_runs), self.time, self.weekend]))
        if self.n_runs <= columns.shape[1]:
            return None
        q, _ = np.linalg.qr(columns)
        left = self.dose - q @ (q.T @ self.dose)
        return float(np.sqrt(left @ left / (self.n_runs - columns.shape[1])))

    @property
    def share_beyond_one_step(self) -> float:
        """Share of the dose's variance after trend that is left after the best single step as well."""
        q, _ = np.linalg.qr(independent_columns(np.column_stack([np.ones(self.n_runs), self.time])))
        dose = self.dose - q @ (q.T @ self.dose)
        total = float(dose @ dose)
        # For a step before run k: its product with a column is the column's sum from run k on.
        product = np.cumsum(dose[::-1])[-2::-1]
        in_trend = np.cumsum(q[::-1], axis=0)[-2::-1]
        length = np.arange(self.n_runs - 1, 0, -1) - np.sum(in_trend**2, axis=1)
        usable = length > 1e-9
        if total < 1e-12 or not usable.any():
            return 1.0
        return max(float(1 - np.max(product[usable] ** 2 / length[usable]) / total), 0.0)


def build_season(
    athlete_id: str,
    runs: pl.DataFrame,
    stability: pl.DataFrame,
    sessions: pl.DataFrame,
    half_life_days: float,
) -> Season:
    """Join one athlete's runs, their steadiness and the log; leave out what cannot be compared."""
    table = _counting_runs(runs, stability)
    candidates = table.height
    has_log = sessions.height > 0
    log_start: date | None = min(sessions["date"].to_list()) if has_log else None
    if log_start is not None:
        since = (table["local_date"] - log_start).dt.total_days()
        table = table.filter(since >= half_life_days)
    n_before_log = candidates - table.height

    common = table.filter(pl.len().over("device_epoch") >= MIN_RUNS_OF_DEVICE)
    n_rare_device = table.height - common.height
    table = common
    dates: list[date] = table["local_date"].to_list()
    last = dates[-1] if dates else None

    if log_start is not None and last is not None:
        minutes = daily_minutes(sessions, log_start, last)
        run_day = (table["local_date"] - log_start).dt.total_days().to_numpy().astype(np.int64)
        dose = decayed_weekly(minutes, half_life_days)[run_day] / UNIT_MIN_PER_WEEK
        logged = sessions.filter(pl.col("date") <= last)["date"].unique().sort()
        days_since_log = (last - logged.to_list()[-1]).days
        longest_break_days = max(logged.diff().dt.total_days().drop_nulls(), default=0)
    else:
        minutes = np.zeros(1)
        run_day = np.zeros(table.height, dtype=np.int64)
        dose = np.zeros(table.height)
        days_since_log = longest_break_days = 0

    days = np.array([(day - dates[0]).days for day in dates], dtype=float)
    names = table["device_epoch"].unique(maintain_order=True).to_list()
    return Season(
        athlete_id=athlete_id,
        run_ids=tuple(table["run_id"]),
        days=days,
        technical=table["technical"].to_numpy(),
        smooth=table["smooth"].to_numpy(),
        scatter=scatter_of(table["n_windows"].to_numpy()),
        dose=dose,
        weekend=np.array([float(day.weekday() >= 5) for day in dates]),
        devices=(table["device_epoch"].to_numpy()[:, None] == np.array(names)[None, :]).astype(float),
        run_day=run_day,
        minutes=minutes,
        n_technical=per_third(days),
        has_log=has_log,
        n_before_log=n_before_log,
        n_rare_device=n_rare_device,
        days_since_log=days_since_log,
        longest_break_days=longest_break_days,
        first_run=dates[0] if dates else None,
        log_start=log_start,
    )


def _counting_runs(runs: pl.DataFrame, stability: pl.DataFrame) -> pl.DataFrame:
    """Runs that count, with the log of both grounds' unsteadiness, by local day: after a flight across the
    date line that can be another order than that of time, and the model counts in local days."""
    values = stability.filter(
        (pl.col("metric") == METRIC)
        & (pl.col("direction") == "all")
        & (pl.col("value") > 0)
        & pl.col("value").is_finite()
    )
    # A recording that several athletes have is in the table once for each of them.
    values = values.unique(["run_id", "terrain"], keep="first", maintain_order=True)
    logs = values.with_columns(pl.col("value").log())
    technical = logs.filter(terrain="technical").select("run_id", "n_windows", technical="value")
    smooth = logs.filter(terrain="smooth").select("run_id", smooth="value")
    table = runs.filter(pl.col("counts")).join(technical, on="run_id").join(smooth, on="run_id")
    return table.sort("local_date", "start_time", "run_id")


def yearly_wave(days: Array) -> Array:
    """Sine and cosine of a year at `days` (n,), ascending: (n, 2); (n, 0) in a season under 40 weeks."""
    if not len(days) or days[-1] - days[0] + 1 < 7 * YEARLY_WEEKS:
        return np.empty((len(days), 0))
    angle = 2 * np.pi * days / YEAR_DAYS
    return np.column_stack([np.sin(angle), np.cos(angle)])


def scatter_of(n_windows: NDArray[np.int64]) -> Array:
    """Variance of each run's own scatter, 1 on average: part is the same for all, part falls with windows."""
    of_windows = 1 / np.maximum(n_windows, 1)
    return 1 - WINDOWS_SHARE + WINDOWS_SHARE * of_windows / (of_windows.mean() if n_windows.size else 1.0)


def per_third(days: Array) -> NDArray[np.int64]:
    """Runs in each third of the period; every run that counts has its 4 minutes of technical ground."""
    if not len(days):
        return np.zeros(3, dtype=np.int64)
    third = np.minimum((days / (days[-1] + 1) * 3).astype(np.int64), 2)
    return np.bincount(third, minlength=3)
