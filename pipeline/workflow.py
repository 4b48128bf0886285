"""From an activity to a run: each file alone, in any order, on any machine. Pure: no disk, no clock.

activity -> motion, course, gait -> track and grid, passes of places, cadence sums -> RunResult
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline import terrain
from pipeline.channels import derive_channels
from pipeline.gait import RUN, WALK, flag_cadence, label_gait
from pipeline.ingest import Activity
from pipeline.kinematics import Course, Motion, derive_course, derive_motion, minetti_factor
from pipeline.numeric import Array, Integers, Mask, quantile, stretches
from pipeline.places import place_ids, sum_passes
from pipeline.results import RunResult
from pipeline.rounded import Numbers, RoundedGrid, RoundedTrack
from pipeline.seconds import Seconds
from pipeline.tables import CADENCE_FLAGS
from pipeline.windows import sum_cadence

ANALYSIS_VERSION = 8
PENDING = "not yet compared with the other runs"
GOOD_QUALITY = 0.9
SMART_INTERVAL_S = 10
_IN_WORDS = {
    "missing": "has none",
    "spike": "are spikes",
    "frozen": "are frozen",
    "half": "are at half",
    "double": "are at double",
}


def analyse_run(
    activity: Activity,
    *,
    run_id: str,
    athlete_id: str,
    source_name: str = "",
    title: str = "",
    content_sha256: str = "",
) -> RunResult:
    """One activity to its row of Runs, its Track and its Grid; no labels yet.

    Raises Rejected where the records carry no clock.
    """
    samples = activity.recorded.samples
    motion = derive_motion(samples, activity.timer_events)
    course = derive_course(motion)
    gait = label_gait(motion.speed_mps, motion.cadence_spm)
    flag = flag_cadence(motion.cadence_spm, motion.speed_mps, gait)
    grade = _grade_by_second(motion, course)
    seconds = Seconds(motion.elapsed_s, motion.speed_mps, motion.cadence_spm, grade, gait, flag)
    run = {
        **_recorded(activity, motion),
        **_cadence_facts(motion.cadence_spm, gait, flag),
        "run_id": run_id,
        "athlete_id": athlete_id,
        "source_name": source_name,
        "title": title,
        "content_sha256": content_sha256,
        "analysis_version": ANALYSIS_VERSION,
        "altitude_class": course.altitude_class,
        "ascent_m": course.ascent_m,
        "technical_s": None,
        "technical_share": None,
        "counts": False,
        "counts_reason": PENDING,
    }
    found = [*_warnings(run, motion), *_cadence_warnings(run, gait, flag)]
    run["warnings"] = "; ".join([*activity.run.warnings, *motion.warnings, *found])
    heading, features = _ground(course)
    place = place_ids(course.lat_deg, course.lon_deg, heading)
    return RunResult(
        run,
        _track(run_id, motion, grade, gait, flag),
        _grid(run_id, course, heading, features, motion.sampling),
        sum_cadence(seconds),
        sum_passes(place, features),
        derive_channels(samples, motion.start_time, motion.elapsed_s),
    )


def _grade_by_second(motion: Motion, course: Course) -> Array:
    if len(course.second) < 2:
        return np.full(len(motion.elapsed_s), np.nan)
    return np.interp(motion.elapsed_s, course.elapsed_s, course.grade)


def _track(run_id: str, motion: Motion, grade: Array, gait: Integers, flag: Integers) -> RoundedTrack:
    names = ("lat_deg", "lon_deg", "altitude_m", "distance_m", "speed_mps", "cadence_spm", "heart_rate_bpm")
    numbers = {name: getattr(motion, name) for name in names} | {
        "grade": grade,
        "gap_speed_mps": motion.speed_mps * minetti_factor(np.nan_to_num(grade)),
    }
    codes = (gait.astype(np.uint8), flag.astype(np.uint8))
    return RoundedTrack(run_id, motion.start_time, motion.elapsed_s, Numbers.of(numbers), *codes)


def _ground(course: Course) -> tuple[Array, dict[str, Array]]:
    """Heading and terrain features of each cell."""
    heading = terrain.heading_deg(course.lat_deg, course.lon_deg)
    features = terrain.derive_features(
        altitude_m=course.altitude_m,
        speed_mps=course.speed_mps,
        grade=course.grade,
        heading_deg=heading,
        broken=course.broken,
    )
    return heading, features


def _grid(
    run_id: str, course: Course, heading: Array, features: dict[str, Array], sampling: str
) -> RoundedGrid:
    names = ("distance_m", "elapsed_s", "lat_deg", "lon_deg", "altitude_m", "grade")
    numbers = {name: getattr(course, name) for name in names} | {
        "heading_deg": heading,
        **features,
        "score": terrain.derive_score(features, course.altitude_class, sampling),
    }
    return RoundedGrid(run_id, Numbers.of(numbers))


def _recorded(activity: Activity, motion: Motion) -> dict[str, Any]:
    """What the file says of itself."""
    info = activity.run
    device = info.device or info.creator
    return {
        "start_time": motion.start_time,
        "local_date": info.local_date or motion.start_time.date(),
        "sport": info.sport,
        "sub_sport": info.sub_sport,
        "source_format": info.source_format,
        "device": device,
        "device_epoch": ", ".join(
            part
            for part in (info.device or info.creator, info.firmware.split(".")[0], motion.sampling)
            if part
        ),
        "cadence_unit": info.cadence_unit,
        "cadence_unit_reason": info.cadence_unit_reason,
        "sampling": motion.sampling,
        "distance_m": float(motion.distance_m[-1] - motion.distance_m[0]),
        "elapsed_s": float(motion.elapsed_s[-1] + 1),
        "moving_s": float(motion.moving.sum()),
    }


def _cadence_facts(cadence: Array, gait: Integers, flag: Integers) -> dict[str, Any]:
    """How good the run's cadence is, and how its watch stores it."""
    running = gait == RUN
    n_running, n_walking = np.count_nonzero(running), np.count_nonzero(gait == WALK)
    while_running = np.where(running, cadence, np.nan)
    step = np.abs(while_running[1:] - while_running[:-1])
    changes = step[np.flatnonzero(step > 0.01)]
    n_same = np.count_nonzero(step <= 0.01)
    n_steps = len(changes) + n_same
    return {
        "walking_share": n_walking / (n_running + n_walking) if n_running + n_walking else None,
        "cadence_identical_share": n_same / n_steps if n_steps else None,
        "cadence_step_spm": quantile(changes, 0.01) if len(changes) else None,
        "quality": np.count_nonzero(_trusted(flag) & running) / n_running if n_running else 0.0,
    }


def _trusted(flag: Integers) -> Mask:
    """Seconds whose cadence is good, or missing for no longer than smart recording leaves it out."""
    borders = stretches(flag)
    length = np.diff(borders)
    short = (flag[borders[:-1]] == CADENCE_FLAGS.index("missing")) & (length <= SMART_INTERVAL_S)
    return np.asarray((flag == CADENCE_FLAGS.index("ok")) | np.repeat(short, length))


def _warnings(run: Mapping[str, Any], motion: Motion) -> list[str]:
    found = []
    if run["cadence_unit"] == "none":
        found.append("no cadence was recorded, so it says nothing about steadiness")
    if run["altitude_class"] == "none":
        found.append("no altitude was recorded: the ground is judged by pace and direction alone")
    if not np.isfinite(motion.lat_deg).any():
        found.append("no positions were recorded: it cannot share what is known of the places")
    return found


def _cadence_warnings(run: Mapping[str, Any], gait: Integers, flag: Integers) -> list[str]:
    """Why the quality of the cadence is low, in words."""
    running = gait == RUN
    if run["cadence_unit"] == "none" or not running.any() or run["quality"] >= GOOD_QUALITY:
        return []
    bad = np.where(_trusted(flag), CADENCE_FLAGS.index("ok"), flag)[running]
    shares = [(float((bad == CADENCE_FLAGS.index(name)).mean()), words) for name, words in _IN_WORDS.items()]
    parts = [f"{share:.0%} {words}" for share, words in sorted(shares, reverse=True) if share >= 0.005]
    found = [f"cadence is usable in {run['quality']:.0%} of the running: {', '.join(parts)}"]
    wrong_by_two = sum(float((bad == CADENCE_FLAGS.index(name)).mean()) for name in ("half", "double"))
    if wrong_by_two > 0.5:
        unit = "steps" if run["cadence_unit"] == "strides_per_minute" else "strides"
        found.append(
            f"if its cadence counts {unit}, `surefoot cadence --athlete {run['athlete_id']} "
            f"--device '{run['device']}' --unit {unit}` corrects it"
        )
    return found
