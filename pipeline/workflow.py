"""The recipe: from an activity to a run, from an athlete's runs to the answer. Pure: no disk, no clock.

activity   -> analyse_run     -> RunResult        each file alone, in any order, on any machine
RunResults -> analyse_athlete -> AthleteResult    what needs all runs: places, cadence model, answer
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np
import polars as pl

from pipeline import places as place_memory
from pipeline import stability as steadiness
from pipeline import terrain
from pipeline.balance import derive_dose
from pipeline.channels import derive_channels, pick_dynamics
from pipeline.effect import relate_effect
from pipeline.gait import RUN, WALK, flag_cadence, label_gait
from pipeline.ingest import Activity
from pipeline.kinematics import Course, Motion, derive_course, derive_motion, minetti_factor
from pipeline.numeric import Array, Integers, Mask, stretches
from pipeline.results import RunResult
from pipeline.tables import (
    CADENCE_FLAGS,
    GAITS,
    BalanceSessions,
    DataFrame,
    Dose,
    Effects,
    Grid,
    Plans,
    Runs,
    Segments,
    Stability,
    Track,
)

ANALYSIS_VERSION = 1
PENDING = "not yet compared with the other runs"
MIN_WINDOWS = 12
MIN_QUALITY = 0.7
GOOD_QUALITY = 0.9
SMART_INTERVAL_S = 10
_IN_WORDS = {
    "missing": "has none",
    "spike": "are spikes",
    "frozen": "are frozen",
    "half": "are at half",
    "double": "are at double",
}
INDOOR = frozenset({"treadmill", "indoor_running", "virtual_activity"})


@dataclass(frozen=True, slots=True)
class AthleteResult:
    """All that is known of one athlete."""

    runs: DataFrame[Runs]
    segments: DataFrame[Segments]
    stability: DataFrame[Stability]
    dose: DataFrame[Dose]
    effects: DataFrame[Effects]


def analyse_run(
    activity: Activity, *, run_id: str, athlete_id: str, source_name: str = "", content_sha256: str = ""
) -> RunResult:
    """One activity to its row of Runs, its Track and its Grid; no labels yet.

    Raises Rejected where the records carry no clock.
    """
    motion = derive_motion(activity.records, activity.timer_events)
    course = derive_course(motion)
    gait = label_gait(motion.speed_mps, motion.cadence_spm)
    flag = flag_cadence(motion.cadence_spm, motion.speed_mps, gait)
    track = _track(run_id, motion, course, gait, flag)
    run = {
        **_recorded(activity, motion),
        **_cadence_facts(motion.cadence_spm, gait, flag),
        "run_id": run_id,
        "athlete_id": athlete_id,
        "source_name": source_name,
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
    return RunResult(
        run,
        track,
        _grid(run_id, motion, course),
        steadiness.sum_cadence(track),
        derive_channels(activity.records, motion.start_time, motion.elapsed_s),
    )


def _track(run_id: str, motion: Motion, course: Course, gait: Integers, flag: Integers) -> DataFrame[Track]:
    grade = np.full(len(motion.elapsed_s), np.nan)
    if len(course.second) > 1:
        grade = np.interp(motion.elapsed_s, course.elapsed_s, course.grade)
    start_us = int(motion.start_time.timestamp()) * 1_000_000
    frame = pl.DataFrame(
        {
            "run_id": pl.repeat(run_id, len(grade), eager=True),
            "elapsed_s": motion.elapsed_s,
            "timestamp": start_us + motion.elapsed_s * 1_000_000,
            **{
                name: getattr(motion, name)
                for name in ("lat_deg", "lon_deg", "altitude_m", "distance_m", "speed_mps", "cadence_spm")
            },
            "heart_rate_bpm": motion.heart_rate_bpm,
            "grade": grade,
            "gap_speed_mps": motion.speed_mps * minetti_factor(np.nan_to_num(grade)),
            "gait": pl.Series(gait).cast(pl.UInt8).cat.to(pl.Enum(GAITS)),
            "cadence_flag": pl.Series(flag).cast(pl.UInt8).cat.to(pl.Enum(CADENCE_FLAGS)),
        }
    ).with_columns(
        pl.col(pl.Float64).fill_nan(None),
        pl.col("timestamp").cast(pl.Datetime("us", "UTC")),
        technicality=None,
        terrain=None,
        segment_id=None,
    )
    return Track.cast(frame)


def _grid(run_id: str, motion: Motion, course: Course) -> DataFrame[Grid]:
    features = terrain.derive_features(
        altitude_m=course.altitude_m,
        speed_mps=course.speed_mps,
        grade=course.grade,
        lat_deg=course.lat_deg,
        lon_deg=course.lon_deg,
        broken=course.broken,
    )
    n = len(course.distance_m)
    frame = pl.DataFrame(
        {
            "run_id": pl.repeat(run_id, n, eager=True),
            "cell": np.arange(n),
            **{
                name: getattr(course, name)
                for name in ("distance_m", "elapsed_s", "lat_deg", "lon_deg", "altitude_m", "grade")
            },
            "heading_deg": terrain.heading_deg(course.lat_deg, course.lon_deg),
            **features,
            "score": terrain.derive_score(features, course.altitude_class, motion.sampling),
        }
    )
    return Grid.cast(frame.with_columns(pl.col(pl.Float64).fill_nan(None)))


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
        "moving_s": float(motion.moving.sum()),
    }


def _cadence_facts(cadence: Array, gait: Integers, flag: Integers) -> dict[str, Any]:
    """How good the run's cadence is, and how its watch stores it."""
    running, moving = gait == RUN, (gait == RUN) | (gait == WALK)
    both = running[1:] & running[:-1] & np.isfinite(cadence[1:]) & np.isfinite(cadence[:-1])
    step = np.abs(np.diff(cadence))[both]
    changes = step[step > 0.01]
    return {
        "walking_share": float((gait == WALK).sum() / moving.sum()) if moving.any() else None,
        "cadence_identical_share": float((step <= 0.01).mean()) if len(step) else None,
        "cadence_step_spm": float(np.quantile(changes, 0.01)) if len(changes) else None,
        "quality": float(_trusted(flag)[running].mean()) if running.any() else 0.0,
    }


def _trusted(flag: Integers) -> Mask:
    """Seconds whose cadence is good, or missing for no longer than smart recording leaves it out."""
    trusted: Mask = np.asarray(flag == CADENCE_FLAGS.index("ok"))
    borders = stretches(flag)
    for a, b in pairwise(borders):
        if flag[a] == CADENCE_FLAGS.index("missing") and b - a <= SMART_INTERVAL_S:
            trusted[a:b] = True
    return trusted


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


def analyse_athlete(
    runs: DataFrame[Runs],
    grid: DataFrame[Grid],
    tracks: Iterable[tuple[str, DataFrame[Track]]],
    cadence_moments: Mapping[str, list[float]],
    sessions: DataFrame[BalanceSessions],
    plans: DataFrame[Plans] | None = None,
    channels: Callable[[str], pl.DataFrame | None] = lambda run_id: None,
) -> AthleteResult:
    """What needs all runs of one athlete: labels, steadiness, dose and answer.

    `tracks` gives each run's track once, in any order, so that memory holds one at a time; `channels` gives
    a run's further channels.
    """
    places = place_memory.learn_places(grid)
    cells = {str(key[0]): Grid.cast(part) for key, part in grid.partition_by("run_id", as_dict=True).items()}
    models = _cadence_models(runs, cadence_moments)
    facts = {row["run_id"]: row for row in runs.iter_rows(named=True)}
    segments, stability = {}, {}
    for run_id, track in tracks:
        run = facts[run_id]
        own = cells[run_id] if run_id in cells else Grid.create_empty()
        segments[run_id] = label_run(run, own, places, end_s=float(track["elapsed_s"][-1] + 1))
        stability[run_id] = measure_run(
            run_id, apply_segments(track, segments[run_id]), models[run["device_epoch"]], channels(run_id)
        )
        run.update(_verdict_on_run(run, segments[run_id], stability[run_id]))
    done = Runs.validate(pl.DataFrame(list(facts.values()), schema=Runs.create_empty().schema))
    measured = Stability.validate(pl.concat([Stability.create_empty(), *stability.values()]))
    dose, effects = answer(done, measured, sessions, plans)
    return AthleteResult(
        runs=done,
        segments=Segments.validate(pl.concat([Segments.create_empty(), *segments.values()])),
        stability=measured,
        dose=dose,
        effects=effects,
    )


def measure_run(
    run_id: str, track: DataFrame[Track], coefficients: Array, channels: pl.DataFrame | None
) -> DataFrame[Stability]:
    """Steadiness and walking of one labelled run."""
    windows = steadiness.derive_windows(track, coefficients, **pick_dynamics(channels))
    measured = steadiness.measure_stability(run_id, windows)
    return cast(DataFrame[Stability], measured.vstack(steadiness.measure_walking(run_id, track)))


def answer(
    runs: DataFrame[Runs],
    stability: DataFrame[Stability],
    sessions: DataFrame[BalanceSessions],
    plans: DataFrame[Plans] | None = None,
) -> tuple[DataFrame[Dose], DataFrame[Effects]]:
    """Dose up to the last day known, and the answer."""
    last = max([*runs["local_date"].to_list(), *sessions["date"].to_list()], default=None)
    dose = derive_dose(sessions, until=last) if last else Dose.create_empty()
    return dose, relate_effect(runs, stability, sessions, plans)


def _cadence_models(runs: DataFrame[Runs], moments: Mapping[str, list[float]]) -> dict[str, Array]:
    return {
        str(key[0]): steadiness.fit_cadence(moments[run_id] for run_id in part["run_id"])
        for key, part in runs.partition_by("device_epoch", as_dict=True).items()
    }


def label_run(
    run: Mapping[str, Any], grid: DataFrame[Grid], places: pl.DataFrame, *, end_s: float
) -> DataFrame[Segments]:
    """Segments of one run from what all passes say of its places; a treadmill is smooth."""
    score, passes = place_memory.recall_places(grid, places)
    if run["sub_sport"] in INDOOR:
        score = np.full(len(score), -1.0)
    return terrain.derive_segments(
        grid,
        score,
        passes,
        altitude_class=run["altitude_class"],
        sampling=run["sampling"],
        end_s=end_s,
    )


def apply_segments(track: DataFrame[Track], segments: DataFrame[Segments]) -> DataFrame[Track]:
    """The track with terrain, segment and technicality of the segment each second lies in."""
    if segments.is_empty():
        return Track.cast(track.with_columns(terrain=None, segment_id=None, technicality=None))
    inside = np.searchsorted(segments["start_s"].to_numpy(), track["elapsed_s"].to_numpy(), side="right") - 1
    labels = segments.select("terrain", "segment_id", technicality="technicality_mean")[inside]
    return cast(DataFrame[Track], track.with_columns(labels))


def _verdict_on_run(
    run: Mapping[str, Any], segments: DataFrame[Segments], stability: DataFrame[Stability]
) -> dict[str, Any]:
    """Technical share, and whether the run counts or why not."""
    length = (segments["end_m"] - segments["start_m"]).to_numpy()
    technical = (segments["terrain"] == "technical").to_numpy()
    headline = stability.filter(metric="cadence_cv", direction="all")
    windows = dict(headline.select("terrain", "n_windows").iter_rows())
    seconds = dict(headline.select("terrain", "seconds").iter_rows())
    on_technical, on_smooth = windows.get("technical", 0), windows.get("smooth", 0)
    if run["cadence_unit"] == "none":
        reason = "no cadence was recorded"
    elif run["quality"] < MIN_QUALITY:
        reason = (
            f"cadence is usable in {run['quality']:.0%} of the running only, {MIN_QUALITY:.0%} are needed"
        )
    elif min(on_technical, on_smooth) < MIN_WINDOWS:
        reason = (
            f"{on_technical} technical and {on_smooth} smooth windows of 20 s, "
            f"{MIN_WINDOWS} of each are needed"
        )
    else:
        reason = ""
    return {
        "technical_s": float(seconds.get("technical", 0.0)),
        "technical_share": float(length[technical].sum() / length.sum()) if length.sum() else None,
        "counts": not reason,
        "counts_reason": reason,
    }
