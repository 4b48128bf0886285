"""One run as a watch would have recorded it.

The runner moves along the route's 1 m steps at a speed set by grade (the heart-rate based shape of
Strava 2017, which gives descents less credit than Minetti et al. 2002, doi 10.1152/japplphysiol.01177.2001),
ground and chance; she walks where running would be slower than walking. The watch then samples that once
a second, with errors: GPS that wanders by metres, a barometer in 0.2 m steps, cadence that passes an
exponential filter and is rounded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from sample_data.plan import UTC_OFFSET_H, PlannedRun
from sample_data.routes import M_PER_DEG, PLACE_LAT_DEG, PLACE_LON_DEG, Route, band_noise
from sample_data.runner import Runner

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CADENCE_MEMORY_S = 2.0  # AR(1) time constant of step-rate noise
CADENCE_HOLD_S = 2  # how often the watch shows a new value
STUMBLES_PER_S = 1 / 35
WALK_BELOW_MPS, RUN_ABOVE_MPS = 1.55, 1.72


@dataclass(frozen=True, slots=True)
class Watch:
    """How a watch errs: altitude (gusts, slow drift, its steps), position, cadence.

    The default is a good barometer with a good receiver, as the sample seasons have it.
    """

    gust_m: float = 0.17
    gust_s: float = 4.0
    drift_m: float = 1.5
    drift_s: float = 900.0
    altitude_step_m: float = 0.2
    gust_log_sd: float = 0.0  # how gusty it is changes along the run
    wander_m: float = 2.0
    jitter_m: float = 0.22
    fix_every_s: int = 1
    speed_filter_s: float = 2.0
    cadence_filter_s: float = 3.0  # the watch's own smoothing
    cadence_step_spm: float = 1.0


@dataclass(frozen=True, slots=True)
class Day:
    """How the pace of one run wanders by itself, whatever the ground: SDs of log speed, and hindrances.

    Steadier days vary less in pace as well, so a label of the ground must not rest on one day's pace.
    `pace_unsteadiness` is by how much, as a log; by default half the run's unsteadiness on technical ground.
    The default is a quiet day, as the sample seasons have it.
    """

    pace_unsteadiness: float | None = None
    rough_waves: float = 0.19  # on technical ground alone
    short_waves: float = 0.025
    long_waves: float = 0.03
    middle_waves: float = 0.0
    hindrances_per_km: float = 0.0


@dataclass(frozen=True, slots=True)
class Recording:
    """What the watch stored. Arrays have one entry per record; NaN is a value the watch did not have.

    `cadence_spm` and `altitude_m` are rounded as the watch rounds. `pauses` are (stop, start) in seconds
    since the start. The truth: `way_m`, where on the route each record was made, and `stretches`:
    terrain, [start_s, end_s), [start_m, end_m).
    """

    start_time: datetime
    sub_sport: str
    elapsed_s: NDArray[np.int64]
    lat_deg: Floats
    lon_deg: Floats
    altitude_m: Floats
    distance_m: Floats
    speed_mps: Floats
    heart_rate_bpm: Floats
    cadence_spm: Floats
    way_m: Floats
    pauses: tuple[tuple[int, int], ...]
    stretches: tuple[tuple[str, int, int, float, float], ...]

    @property
    def local_time(self) -> datetime:
        """End of the run on the runner's own clock (written as if it were UTC)."""
        return self.start_time + timedelta(hours=UTC_OFFSET_H, seconds=int(self.elapsed_s[-1]))

    @property
    def timer_s(self) -> float:
        """Seconds with the timer running."""
        return float(self.elapsed_s[-1] - sum(b - a for a, b in self.pauses))


SAMPLE_WATCH = Watch()
SAMPLE_DAY = Day()


def record_run(
    runner: Runner,
    route: Route,
    run: PlannedRun,
    watch: Watch = SAMPLE_WATCH,
    day: Day = SAMPLE_DAY,
) -> Recording:
    """Run `route` (already turned round for a reversed run) and record it: same run, same recording."""
    rng = np.random.default_rng([runner.seed, 1, run.index])
    way = np.arange(len(route.x_m), dtype=np.float64)
    grade = gaussian_filter1d(np.gradient(route.altitude_m), 12.0)
    stops = np.sort(rng.integers(600, len(way) - 600, size=int(rng.integers(1, 3))))
    if day.pace_unsteadiness is None:
        day = replace(day, pace_unsteadiness=0.5 * run.log_unsteadiness_technical)
    pace, walking = _speed(rng, runner, route, day, grade, stops)
    clock = np.concatenate([[0.0], np.cumsum(1 / pace[:-1])])

    moving_s = np.arange(int(clock[-1]) + 1, dtype=np.float64)
    at_m = np.interp(moving_s, clock, way)
    speed = np.interp(at_m, way, pace)
    technical = np.interp(at_m, way, route.technical)
    is_walk = np.interp(at_m, way, walking.astype(np.float64)) > 0.5
    cadence = _cadence(rng, runner, run, watch, speed, np.interp(at_m, way, grade), technical, is_walk)

    n = len(moving_s)
    lat, lon = _gps(rng, watch, np.interp(at_m, way, route.x_m), np.interp(at_m, way, route.y_m))
    altitude = _altimeter(rng, watch, np.interp(at_m, way, route.altitude_m))
    distance = at_m * (1 + 0.004 * rng.standard_normal())
    shown_speed = _lag(speed * np.exp(0.012 * _ar(rng, n, 3.0)), watch.speed_filter_s)
    heart_rate = _heart_rate(rng, speed, np.interp(at_m, way, grade), technical)

    rests = rng.integers(20, 90, size=len(stops))
    stop_s = np.interp(stops, way, clock).astype(np.int64)
    elapsed = moving_s.astype(np.int64)
    for stop, rest in zip(stop_s, rests, strict=True):
        elapsed[moving_s > stop] += rest
    before = np.concatenate([[0], np.cumsum(rests)[:-1]])
    pauses = tuple((int(a), int(a + r)) for a, r in zip(stop_s + before, rests, strict=True))

    keep = np.ones(n, dtype=bool) if run.sampling == "1 Hz" else _smart(rng, n)
    return Recording(
        start_time=run.start_time,
        sub_sport="trail" if route.trail else "street",
        elapsed_s=elapsed[keep],
        lat_deg=lat[keep],
        lon_deg=lon[keep],
        altitude_m=altitude[keep],
        distance_m=np.round(distance, 2)[keep],
        speed_mps=np.round(shown_speed, 3)[keep],
        heart_rate_bpm=heart_rate[keep],
        cadence_spm=cadence[keep],
        way_m=at_m[keep],
        pauses=pauses,
        stretches=_truth(route, at_m, elapsed, distance),
    )


def _speed(
    rng: np.random.Generator,
    runner: Runner,
    route: Route,
    day: Day,
    grade: Floats,
    stops: NDArray[np.int64],
) -> tuple[Floats, Bools]:
    """Speed (m/s) and whether it is walked, at each metre."""
    n = len(grade)
    technicality = route.technicality
    unsteady = np.exp(day.pace_unsteadiness or 0.0)
    cost = np.where(
        grade < 0,
        np.maximum(1 + 2.667 * grade + 14.8 * grade**2, 0.8),
        1 + 3.03 * grade + 18.8 * grade**2,
    )
    log_speed = (
        np.log(runner.gap_speed_mps)
        + 0.03 * rng.standard_normal()
        - 0.28 * technicality
        + day.rough_waves * unsteady * technicality * band_noise(rng, n, 20, 80)
        + day.short_waves * band_noise(rng, n, 20, 200)
        + day.long_waves * band_noise(rng, n, 400, 1500)
        - 0.04 * np.linspace(0, 1, n)
        - np.log(cost)
    )
    if day.middle_waves:
        log_speed += day.middle_waves * band_noise(rng, n, 100, 500)
    if day.hindrances_per_km:
        log_speed -= _hindrances(rng, n, day.hindrances_per_km)
    speed = np.exp(log_speed)
    effort = gaussian_filter1d(speed, 15.0)
    walking = _hysteresis(effort < WALK_BELOW_MPS, effort > RUN_ABOVE_MPS)
    speed = np.where(walking, np.clip(speed, 0.8, 1.5), np.clip(speed, 1.2, 5.5))
    for stop in stops:
        speed[stop - 2 : stop + 3] *= 0.5
    return speed, walking


def _hindrances(rng: np.random.Generator, n: int, per_km: float) -> Floats:
    """A gate, a puddle, a word with somebody: log speed lost over 5 to 30 m each."""
    lost = np.zeros(n)
    at = np.flatnonzero(rng.uniform(size=n) < per_km / 1000)
    for start, length, depth in zip(
        at, rng.integers(5, 31, len(at)), rng.uniform(0.1, 0.7, len(at)), strict=True
    ):
        lost[start : start + length] = depth
    return np.asarray(gaussian_filter1d(lost, 3.0))


def _hysteresis(enter: Bools, leave: Bools) -> Bools:
    """On from each `enter` until the next `leave`."""
    state = np.where(enter, 1, np.where(leave, 0, -1))
    state[0] = max(state[0], 0)
    last = np.maximum.accumulate(np.where(state >= 0, np.arange(len(state)), 0))
    return np.asarray(state[last] == 1)


def _cadence(
    rng: np.random.Generator,
    runner: Runner,
    run: PlannedRun,
    watch: Watch,
    speed: Floats,
    grade: Floats,
    technical: Floats,
    is_walk: Bools,
) -> Floats:
    """Steps per minute as stored: the latent unsteadiness scales noise and stumbles alike."""
    n = len(speed)
    smooth_sd = runner.cadence_sd_smooth_spm * np.exp(run.log_unsteadiness_smooth)
    technical_scale = np.exp(run.log_unsteadiness_technical)
    noise = _ar(rng, n, CADENCE_MEMORY_S)
    rough = runner.cadence_sd_technical_spm * noise + _stumbles(rng, n)
    running = (
        runner.cadence_spm
        + 1.0 * rng.standard_normal()
        + 6.0 * (speed - 2.6)
        + 20.0 * np.maximum(grade, 0)
        - 4.0 * technical
        + (1 - technical) * smooth_sd * noise
        + technical * technical_scale * rough
    )
    walking = 117 + 14 * (speed - 1.25) + 2.5 * _ar(rng, n, 3.0)
    shown = _lag(np.where(is_walk, walking, running), watch.cadence_filter_s)
    shown = watch.cadence_step_spm * np.round(shown / watch.cadence_step_spm)
    cadence = np.repeat(shown[::CADENCE_HOLD_S], CADENCE_HOLD_S)[:n]
    for start in rng.integers(60, n - 60, size=int(rng.integers(1, 4))):
        cadence[start : start + int(rng.integers(4, 20))] = np.nan
    return np.asarray(cadence)


def _stumbles(rng: np.random.Generator, n: int) -> Floats:
    """Drops (and hops the other way) of one or two seconds, as steps per minute."""
    out = np.zeros(n)
    at = np.flatnonzero(rng.uniform(size=n) < STUMBLES_PER_S)
    depth = rng.uniform(8, 22, len(at)) * np.where(rng.uniform(size=len(at)) < 0.75, -1, 1)
    out[at] += depth
    longer = at[(rng.uniform(size=len(at)) < 0.5) & (at + 1 < n)]
    out[longer + 1] += out[longer]
    return out


def _gps(rng: np.random.Generator, watch: Watch, x_m: Floats, y_m: Floats) -> tuple[Floats, Floats]:
    """Latitude and longitude (deg): the day's offset, a slow wander, a little jitter, and no fix at first."""
    n = len(x_m)
    moved = []
    for true_m in (x_m, y_m):
        wander = gaussian_filter1d(_ar(rng, n, 45.0), 9.0)
        moved.append(
            true_m + 1.3 * rng.standard_normal() + watch.wander_m * wander + watch.jitter_m * _ar(rng, n, 3.0)
        )
    lat = PLACE_LAT_DEG + moved[1] / M_PER_DEG
    lon = PLACE_LON_DEG + moved[0] / (M_PER_DEG * np.cos(np.radians(PLACE_LAT_DEG)))
    lag = int(rng.integers(4, 25))
    no_fix = (np.arange(n) < lag) | (np.arange(n) % watch.fix_every_s != 0)
    lat[no_fix] = lon[no_fix] = np.nan
    return lat, lon


def _altimeter(rng: np.random.Generator, watch: Watch, altitude_m: Floats) -> Floats:
    n = len(altitude_m)
    drift = watch.drift_m * gaussian_filter1d(_ar(rng, n, watch.drift_s), watch.drift_s / 15)
    gusts = watch.gust_m * _ar(rng, n, watch.gust_s)
    if watch.gust_log_sd:
        gusts *= np.exp(watch.gust_log_sd * gaussian_filter1d(_ar(rng, n, 60.0), 10.0))
    steps = 1 / watch.altitude_step_m
    return np.asarray(np.round(steps * (_lag(altitude_m, 1.0) + drift + gusts)) / steps)


def _heart_rate(rng: np.random.Generator, speed: Floats, grade: Floats, technical: Floats) -> Floats:
    n = len(speed)
    load = speed * (1 + 3.0 * np.maximum(grade, -0.1)) + 0.25 * technical
    target = 92 + 21 * load + 6 * np.linspace(0, 1, n)
    settled = 85 + _lag(target - 85, 30.0, start=0.0)
    return np.asarray(np.clip(np.round(settled + 1.2 * _ar(rng, n, 20.0)), 60, 200))


def _smart(rng: np.random.Generator, n: int) -> Bools:
    """Records every 1 to 8 s, first and last kept."""
    steps = rng.choice([1, 2, 3, 4, 5, 6, 8], size=n, p=[0.25, 0.2, 0.15, 0.15, 0.1, 0.1, 0.05])
    keep = np.zeros(n, dtype=bool)
    at = np.cumsum(steps)
    keep[at[at < n]] = True
    keep[[0, -1]] = True
    return keep


def _truth(
    route: Route, at_m: Floats, elapsed_s: NDArray[np.int64], distance_m: Floats
) -> tuple[tuple[str, int, int, float, float], ...]:
    """The route's stretches on this run's own clock and the watch's own distance."""
    rows = []
    for stretch in route.stretches:
        first, last = np.searchsorted(at_m, [stretch.start_m, stretch.end_m])
        last = min(last, len(at_m) - 1)
        rows.append(
            (
                stretch.terrain,
                int(elapsed_s[first]),
                int(elapsed_s[last]),
                round(float(distance_m[first]), 1),
                round(float(distance_m[last]), 1),
            )
        )
    return tuple(rows)


def _ar(rng: np.random.Generator, n: int, memory_s: float) -> Floats:
    """AR(1) noise of SD 1 at 1 s steps with the given time constant."""
    keep = float(np.exp(-1 / memory_s))
    shocks = rng.standard_normal(n)
    shocks[1:] *= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], shocks))


def _lag(signal: Floats, memory_s: float, start: float | None = None) -> Floats:
    """Exponential filter with the given time constant, settled at the start."""
    keep = float(np.exp(-1 / memory_s))
    first = keep * (signal[0] if start is None else start)
    return np.asarray(lfilter([1 - keep], [1.0, -keep], signal, zi=[first])[0])
