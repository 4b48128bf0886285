"""Records to motion, second by second, and to the course, every 5 m.

1. Clock: records in time order; a record that goes back in time is left out and counted.
2. Seconds between two records at most 10 s apart are filled; longer gaps and timer stops are not.
3. Position, altitude, distance and speed are interpolated between their own samples up to 10 s
   apart (records are not fixes: some watches store a position in a fifth of them); cadence only up
   to 3 s, and a cadence of 0 is none.
4. The course is the 5 m grid of moving distance; grade is the slope of a local quadratic over a
   window chosen by the altitude's own noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from pipeline.errors import Rejected
from pipeline.numeric import (
    Array,
    Integers,
    Mask,
    fill_between,
    fit_slopes,
    fit_values,
    is_known_near,
    local_metres,
    longest_rise,
    quantile,
    resample,
    resample_all,
    rolling_mean,
)
from pipeline.recorded import Samples
from pipeline.tables import DataFrame, TimerEvents

CELL_M = 5.0
DAY_S = 86_400
MAX_DAYS = 12
"""No device records longer at a stretch; memory goes by the seconds."""
FIRST_SANE_S = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
MAX_GRADE = 0.40
CHANNELS = ("lat_deg", "lon_deg", "altitude_m", "distance_m", "speed_mps", "cadence_spm", "heart_rate_bpm")
# Altitude noise (m) below which a class holds (`measure_altitude_noise`).
ALTITUDE_CLASSES = ((0.135, "clean"), (0.22, "typical"), (0.40, "windy"), (np.inf, "gps"))
# The window of grade is 500 times the noise, from 55 to 255 m: what had the least error on simulated ground.
GRADE_WINDOW_PER_NOISE = 500.0
GRADE_WINDOW_M = (55.0, 255.0)
# The lines between smart records hide the more of the noise at 35 m: 0.43 to 0.47 of it is left (simulated).
SMART_NOISE_FACTOR = 2.2
MINETTI_J_PER_KG_M = (155.4, -30.4, -43.3, 46.3, 19.5, 3.6)


@dataclass(frozen=True, slots=True)
class Motion:
    """A run second by second: arrays of one entry per kept second, NaN where not known.

    `elapsed_s` counts from the first record. `block` numbers the stretches between gaps and timer
    stops. `moving` is speed above 0.4 m/s.
    """

    start_time: datetime
    elapsed_s: Integers
    lat_deg: Array
    lon_deg: Array
    altitude_m: Array
    distance_m: Array
    speed_mps: Array
    cadence_spm: Array
    heart_rate_bpm: Array
    moving: Mask
    block: Integers
    sampling: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """The ground a run covered: arrays of one entry per 5 m of moving distance, NaN where not known.

    `second` is the index into the run's seconds. `broken` marks cells near a gap that was not run
    through, where altitude and direction jump.
    """

    altitude_class: str
    distance_m: Array
    elapsed_s: Array
    second: Integers
    lat_deg: Array
    lon_deg: Array
    altitude_m: Array
    speed_mps: Array
    grade: Array
    broken: Mask
    ascent_m: float | None


def derive_motion(
    samples: Samples,
    timer_events: DataFrame[TimerEvents],
    *,
    max_gap_s: float = 10.0,
    max_cadence_gap_s: float = 3.0,
    min_moving_mps: float = 0.4,
    max_speed_mps: float = 12.0,
) -> Motion:
    """Resample records to seconds.

    Raises Rejected where fewer than two records carry a usable time, or record over 12 days.
    """
    time_s, channels, warnings = _in_time_order(samples)
    filled = _fill(np.floor(time_s).astype(np.int64), max_gap_s)
    seconds = _outside_pauses(filled, timer_events)
    if len(seconds) < 2:
        raise Rejected("the timer ran for less than two seconds", "there is nothing to measure in it")
    cadence = channels.pop("cadence_spm")
    value = resample_all(time_s, channels, seconds, max_gap_s)
    step = np.ones_like(seconds)
    np.subtract(seconds[1:], seconds[:-1], out=step[1:])
    lat, lon = _without_jumps(value["lat_deg"], value["lon_deg"], step, max_speed_mps)
    speed = _speed(value["speed_mps"], value["distance_m"], lat, lon, step, max_gap_s, max_speed_mps)
    return Motion(
        start_time=datetime.fromtimestamp(int(seconds[0]), UTC),
        elapsed_s=seconds - seconds[0],
        lat_deg=lat,
        lon_deg=lon,
        altitude_m=value["altitude_m"],
        distance_m=_distance(value["distance_m"], speed, lat, lon, step, max_speed_mps),
        speed_mps=speed,
        cadence_spm=_cadence(time_s, cadence, seconds, max_cadence_gap_s),
        heart_rate_bpm=value["heart_rate_bpm"],
        moving=speed > min_moving_mps,
        block=np.cumsum(step > 1),
        sampling=_sampling(np.diff(time_s)),
        warnings=warnings,
    )


def _in_time_order(samples: Samples) -> tuple[Array, dict[str, Array], tuple[str, ...]]:
    """Times (s since 1970) that only go up, and the channels on them."""
    time_s = samples.time_s
    sane = np.flatnonzero(time_s > FIRST_SANE_S)
    forward = sane[longest_rise(time_s[sane])]
    if len(forward) < 2:
        raise Rejected(
            "fewer than two records carry a usable time",
            "steadiness needs a clock: export the recording again, with times",
        )
    if len(forward) == len(time_s):
        return time_s, {name: samples.numbers[name] for name in CHANNELS}, ()
    recorded = time_s[np.isfinite(time_s)]
    n, lost = len(recorded), int((~np.isin(recorded, time_s[forward])).sum())
    said = f"{lost} of {n} records left out: their time is out of order or before 1990"
    channels = {name: samples.numbers[name][forward] for name in CHANNELS}
    return time_s[forward], channels, (said,) if lost else ()


def _fill(whole: Integers, max_gap_s: float) -> Integers:
    """Every second between records at most `max_gap_s` apart. Raises Rejected above 12 days."""
    count = np.ones_like(whole)
    np.subtract(whole[1:], whole[:-1], out=count[:-1])
    count[count > max_gap_s] = 1
    if count.sum() > MAX_DAYS * DAY_S:
        raise Rejected(
            f"it records {count.sum() / DAY_S:,.1f} days, and more than {MAX_DAYS} are no run",
            "export each recording to a file of its own",
        )
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.asarray(np.repeat(whole, count) + offset)


def _outside_pauses(seconds: Integers, timer_events: DataFrame[TimerEvents]) -> Integers:
    """Leave out seconds between a timer stop and the next start; a stop without a start is no pause."""
    keep = np.ones(len(seconds), dtype=bool)
    stopped: float | None = None
    time_s = timer_events["timestamp"].to_numpy().astype(np.int64) / 1e6
    for at, event_type in zip(time_s.tolist(), timer_events["event_type"].to_list(), strict=True):
        if event_type == "stop":
            stopped = at if stopped is None else stopped
        elif stopped is not None:
            keep &= (seconds <= stopped) | (seconds >= at)
            stopped = None
    return seconds[keep]


def _cadence(time_s: Array, recorded: Array, seconds: Integers, max_gap_s: float) -> Array:
    """Cadence between its own samples; never between standing and running, where no foot had that rate."""
    cadence = resample(time_s, np.where(recorded > 0, recorded, np.nan), seconds, max_gap_s)
    none = recorded == 0
    if none.any():
        standing = resample(time_s, none.astype(np.float64), seconds, max_gap_s) > 0.5
        cadence[standing] = np.nan
    return cadence


def _sampling(interval_s: Array) -> str:
    return "smart" if quantile(interval_s, 0.5) > 1.05 or quantile(interval_s, 0.95) > 2.0 else "1 Hz"


def _steps_m(lat_deg: Array, lon_deg: Array) -> Array:
    """Distance from the second before, NaN where either position is missing."""
    steps_m = np.full(len(lat_deg), np.nan)
    east, north = map(np.diff, local_metres(lat_deg, lon_deg))
    np.sqrt(east * east + north * north, out=steps_m[1:])
    return steps_m


def _without_jumps(lat: Array, lon: Array, step_s: Integers, max_speed_mps: float) -> tuple[Array, Array]:
    """Take out positions that were reached, or left, faster than a person runs."""
    fast = _steps_m(lat, lon) > max_speed_mps * step_s
    if not fast.any():
        return lat, lon
    jump = fast | np.append(fast[1:], False)
    return np.where(jump, np.nan, lat), np.where(jump, np.nan, lon)


def _speed(
    recorded: Array,
    distance: Array,
    lat: Array,
    lon: Array,
    step_s: Integers,
    max_gap_s: float,
    max_speed_mps: float,
) -> Array:
    """The device's speed; where it is missing, from its distance, else from positions (15 s mean).

    Watches smooth their speed themselves. Of windows from 5 to 31 s this one gave, on real runs whose speed
    was taken out, the same steadiness without bias.
    """
    speed = np.where((recorded >= 0) & (recorded <= max_speed_mps), recorded, np.nan)
    for source in ("distance", "positions"):
        missing = ~np.isfinite(speed)
        if not missing.any():
            break
        travelled = _steps_m(lat, lon) if source == "positions" else np.diff(distance, prepend=np.nan)
        rate = travelled / step_s
        usable = (step_s <= max_gap_s) & (rate >= 0) & (rate <= max_speed_mps)
        speed[missing] = rolling_mean(np.where(usable, rate, np.nan), 15)[missing]
    return speed


def _distance(
    recorded: Array, speed: Array, lat: Array, lon: Array, step_s: Integers, max_speed_mps: float
) -> Array:
    """The device's distance, never going back; where it has none, speed summed over the seconds.

    A gap that was run through, as smart recording leaves, counts by the line between its ends.
    """
    if np.count_nonzero(np.isfinite(recorded)) < 2:
        steps_m = _steps_m(lat, lon)
        run_through = (step_s > 1) & (steps_m > 0.8 * step_s) & (steps_m <= max_speed_mps * step_s)
        return np.cumsum(np.where(run_through, steps_m, np.nan_to_num(speed)))
    whole = fill_between(recorded)
    return whole if (whole[1:] >= whole[:-1]).all() else np.asarray(np.maximum.accumulate(whole))


def derive_course(motion: Motion, *, cell_m: float = CELL_M, break_m: float = 30.0) -> Course:
    """The 5 m grid of moving distance, with grade.

    Grade: first derivative of a Savitzky-Golay quadratic (Savitzky & Golay 1964,
    doi 10.1021/ac60214a047), clipped at 40 %. The window follows the altitude's own noise
    (docs/methods.md).
    """
    advance = np.where(motion.moving, motion.speed_mps, 0.0)
    travelled = np.cumsum(advance) - advance[0]
    at = np.asarray(np.arange(int(travelled[-1] // cell_m)) * cell_m, dtype=np.float64)
    second = np.minimum(np.searchsorted(travelled, at, side="right"), len(travelled) - 1)
    on_cells = _on_cells(motion, travelled, at, second)
    altitude = on_cells["altitude_m"]
    noise_m = measure_altitude_noise(altitude, motion.sampling, cell_m=cell_m)
    least_m, most_m = GRADE_WINDOW_M
    window_m = least_m if np.isnan(noise_m) else min(max(GRADE_WINDOW_PER_NOISE * noise_m, least_m), most_m)
    smooth, grade = _smooth_altitude(altitude, window_m, cell_m)
    climb = np.diff(smooth) if len(smooth) else np.zeros(0)
    return Course(
        altitude_class=classify_altitude(noise_m),
        distance_m=at,
        second=second,
        grade=grade,
        broken=_near_breaks(motion, second, window_m / 2, cell_m, break_m),
        ascent_m=None if np.isnan(noise_m) else float(climb[climb > 0].sum()),
        **on_cells,
    )


def _on_cells(motion: Motion, travelled: Array, at: Array, second: Integers) -> dict[str, Array]:
    """What the course tells of each cell, on the line between the seconds before and after it.

    NaN where it is not known in the second after; before, what is missing is bridged.
    """
    speed_mps = np.where(motion.moving, motion.speed_mps, np.nan)
    values = np.array([motion.elapsed_s, motion.lat_deg, motion.lon_deg, motion.altitude_m, speed_mps])
    before = values.take(second - 1, axis=1)
    for value, own in zip(values, before, strict=True):
        missing, known = np.flatnonzero(np.isnan(own)), np.flatnonzero(np.isfinite(value))
        if len(missing) and len(known):
            own[missing] = np.interp(second[missing] - 1, known, value[known])
    start_m, end_m = travelled[second - 1], travelled[second]
    per_m = (values.take(second, axis=1) - before) / (end_m - start_m)
    names = ("elapsed_s", "lat_deg", "lon_deg", "altitude_m", "speed_mps")
    return dict(zip(names, per_m * (at - start_m) + before, strict=True))


def measure_altitude_noise(altitude_m: Array, sampling: str, *, cell_m: float = CELL_M) -> float:
    """Noise (m) of an altitude on the grid, NaN where there is too little of it.

    The scaled median deviation from a quadratic over 35 m, of each 200 m, and of those the lower quartile:
    the smoothest quarter of the ground, where what deviates is the sensor and not the rocks.
    """
    known = altitude_m[np.isfinite(altitude_m)]
    block = round(200.0 / cell_m)
    if len(known) < max(block, 50):
        return float("nan")
    residual = np.abs(known - fit_values(known, odd_window(35.0, cell_m)))
    whole = np.sort(residual[: len(residual) // block * block].reshape(-1, block), axis=1)
    median = (whole[:, (block - 1) // 2] + whole[:, block // 2]) / 2
    noise_m = quantile(1.4826 * median, 0.25)
    return noise_m * SMART_NOISE_FACTOR if sampling == "smart" else noise_m


def classify_altitude(noise_m: float) -> str:
    """Class of an altitude by its noise."""
    if np.isnan(noise_m):
        return "none"
    return next(name for limit, name in ALTITUDE_CLASSES if noise_m < limit)


def odd_window(length_m: float, cell_m: float = CELL_M) -> int:
    """Number of grid points that spans `length_m`, odd."""
    return 2 * round(length_m / cell_m / 2) + 1


def _smooth_altitude(altitude: Array, window_m: float, cell_m: float) -> tuple[Array, Array]:
    """Smoothed altitude and grade, NaN where there is no altitude within half a window."""
    width = odd_window(window_m, cell_m)
    if np.count_nonzero(np.isfinite(altitude)) < 50 or len(altitude) <= width:
        return np.full(len(altitude), np.nan), np.full(len(altitude), np.nan)
    whole = fill_between(altitude)
    grade = np.clip(fit_slopes(whole, width) / cell_m, -MAX_GRADE, MAX_GRADE)
    return fit_values(whole, width), np.where(is_known_near(altitude, width), grade, np.nan)


def _near_breaks(motion: Motion, second: Integers, reach_m: float, cell_m: float, break_m: float) -> Mask:
    """Cells within reach of a gap over which the runner was displaced."""
    broken = np.zeros(len(second), dtype=bool)
    starts = np.flatnonzero(np.diff(motion.block)) + 1
    if not len(starts):
        return broken
    east, north = local_metres(motion.lat_deg, motion.lon_deg)
    east, north = fill_between(east), fill_between(north)
    displaced = np.hypot(east[starts] - east[starts - 1], north[starts] - north[starts - 1])
    longer = motion.distance_m[starts] - motion.distance_m[starts - 1]
    jumped = starts[np.fmax(displaced, longer) > break_m]
    reach = round(reach_m / cell_m)
    for cell in np.searchsorted(second, jumped):
        broken[max(cell - reach, 0) : cell + reach] = True
    return broken


def minetti_factor(grade: Array) -> Array:
    """Energy cost of running at `grade` over that on the level.

    Minetti et al. 2002, doi 10.1152/japplphysiol.01177.2001: for |i| up to 0.45,
    C(i) = 155.4 i^5 - 30.4 i^4 - 43.3 i^3 + 46.3 i^2 + 19.5 i + 3.6 J/kg/m.
    """
    clipped = np.clip(grade, -0.45, 0.45)
    cost = np.full_like(clipped, MINETTI_J_PER_KG_M[0])
    for coefficient in MINETTI_J_PER_KG_M[1:]:
        cost *= clipped
        cost += coefficient
    return np.asarray(cost / MINETTI_J_PER_KG_M[-1])
