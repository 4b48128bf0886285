"""Tables of invented runners, for the tests.

Nothing here is a real recording: the track is a made-up loop about a point in the open sea.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from pipeline import tables

HOSTILE = '<img src=x onerror="alert(1)">'
FIRST_DAY = date(2026, 1, 5)
SENTENCE = (
    "On technical ground your cadence was 9 % steadier (95 % interval 4 % less steady to 20 % steadier) per "
    "45 more weekly minutes of balance work, over 107 runs in 48 weeks. With your data a change of 28 % or "
    "more could have been seen. That is not enough to tell yet. This is an association, not proof."
)


def frame_of(schema: Any, rows: list[dict[str, Any]]) -> pl.DataFrame:
    names = list(schema.columns())
    frame = pl.DataFrame(
        {name: [row.get(name) for row in rows] for name in names},
        schema={name: column.dtype for name, column in schema.columns().items()},
    )
    return schema.validate(frame)


@cache
def season(athlete_id: str, n_runs: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Runs and stability of a season of about 2.5 runs a week; a new watch two thirds of the way."""
    rng = np.random.default_rng(7)
    runs, stability = [], []
    for i in range(n_runs):
        day = FIRST_DAY + timedelta(days=int(i * 2.8))
        counts = i % 9 != 4
        new_watch = i > 2 * n_runs // 3
        run_id = f"{athlete_id[:4].encode().hex():0>8}{i:08x}"
        technical_s = 900 + 60 * (i % 11) if counts else 90
        runs.append(
            {
                "run_id": run_id,
                "athlete_id": athlete_id,
                "start_time": datetime(day.year, day.month, day.day, 16, 30, tzinfo=UTC),
                "local_date": day,
                "sport": "running",
                "sub_sport": "trail",
                "title": HOSTILE if i == 3 else "",
                "source_format": "fit",
                "device": HOSTILE if i == 3 else ("Example Watch 2" if new_watch else "Example Watch 1"),
                "device_epoch": f"watch-{1 + new_watch}",
                "cadence_unit": "strides_per_minute",
                "cadence_unit_reason": "typical value 84",
                "sampling": "1 Hz",
                "altitude_class": "typical",
                "distance_m": 8000.0 + 500 * (i % 7),
                "elapsed_s": 3600.0 + 60 * (i % 7),
                "moving_s": 2900.0 + 180 * (i % 7),
                "ascent_m": 210.0 + 30 * (i % 5),
                "technical_s": float(technical_s),
                "technical_share": technical_s / (2900 + 180 * (i % 7)),
                "walking_share": 0.04,
                "cadence_identical_share": 0.5,
                "cadence_step_spm": 2.0,
                "quality": 0.97 if counts else 0.61,
                "counts": counts,
                "counts_reason": "" if counts else "less than 4 minutes on technical ground",
                "warnings": "barometer drifted" if i % 13 == 6 else "",
                "content_sha256": f"{i:064x}",
                "source_name": f"{HOSTILE}.fit" if i == 3 else f"run-{i:03d}.fit",
                "analysis_version": 1,
            }
        )
        for terrain, level in (("technical", 0.041), ("smooth", 0.024)):
            value = float(level * np.exp(rng.normal(0, 0.1) - (0.15 if new_watch else 0)))
            for direction, factor in (("all", 1.0), ("up", 0.95), ("level", 0.97), ("down", 1.15)):
                stability.append(
                    {
                        "run_id": run_id,
                        "terrain": terrain,
                        "direction": direction,
                        "metric": "cadence_cv",
                        "value": value * factor,
                        "low": value * factor * 0.9,
                        "high": value * factor * 1.1,
                        "n_windows": 48 if direction == "all" else 16,
                        "seconds": 960.0,
                    }
                )
            more = {"cadence_cv_early": 0.9, "cadence_cv_late": 1.1, "stance_time_cv": 0.8}
            late = {"metric": "cadence_cv_late_change", "value": 0.2, "low": 0.05, "high": 0.38}
            walked = {"metric": "walking_share", "value": 0.31 if terrain == "technical" else 0.04}
            of_levels = [
                {"metric": name, "value": value * f, "low": value * f * 0.8, "high": value * f * 1.2}
                for name, f in more.items()
            ]
            for row in (*of_levels, late, walked):
                of_all = {"run_id": run_id, "terrain": terrain, "direction": "all"}
                stability.append(of_all | {"n_windows": 16, "seconds": 320.0} | row)
    return frame_of(tables.Runs, runs), frame_of(tables.Stability, stability)


@cache
def repeats(athlete_id: str, n_runs: int) -> pl.DataFrame:
    """Four stretches of 500 m, passed by every second run, the first one by the latest runs alone."""
    rng = np.random.default_rng(11)
    rows = []
    for i, (run_id, day) in enumerate(
        season(athlete_id, n_runs)[0].select("run_id", "local_date").iter_rows()
    ):
        for k in range(4):
            if (i + k) % 2 or (k == 0 and i < n_runs // 2):
                continue
            value = float((0.04 if k % 2 else 0.025) * np.exp(rng.normal(0, 0.25)))
            known = (i + k) % 5 > 0
            rows.append(
                {
                    "stretch_id": f"stretch{k}",
                    "run_id": run_id,
                    "pass_in_run": 0,
                    "local_date": day,
                    "start_s": 300.0 * k,
                    "end_s": 300.0 * k + 180,
                    "start_m": 800.0 * k,
                    "end_m": 800.0 * k + 500,
                    "grade_mean": 0.04 - 0.03 * k,
                    "technicality_mean": 0.8 if k % 2 else 0.1,
                    "cadence_cv": value,
                    "low": value * 0.75 if known else None,
                    "high": value * 1.3 if known else None,
                    "n_windows": 8 if known else 4,
                    "seconds": 160.0 if known else 80.0,
                }
            )
    return frame_of(tables.Repeats, rows)


@cache
def track(run_id: str, n: int = 3600) -> pl.DataFrame:
    """An hour at 1 Hz round a loop, a third of it technical, with a gap, spikes and an unlabelled stretch."""
    rng = np.random.default_rng(3)
    s = np.arange(n)
    angle = 2 * np.pi * s / n
    technical = (s // 300) % 3 == 1
    speed = np.where(technical, 2.4, 3.1)
    cadence = 170 + np.where(technical, 6.0, 2.0) * rng.normal(size=n)
    flag = np.where((s > 1000) & (s < 1040), "missing", np.where(s % 700 == 5, "spike", "ok"))
    frame = pl.DataFrame(
        {
            "run_id": [run_id] * n,
            "elapsed_s": s,
            "timestamp": [datetime(2026, 10, 4, 6, tzinfo=UTC) + timedelta(seconds=int(i)) for i in s],
            "lat_deg": -30.0 + 0.012 * np.sin(angle) + 0.001 * np.sin(9 * angle),
            "lon_deg": -100.0 + 0.016 * np.cos(angle),
            "altitude_m": 1200 + 150 * np.sin(angle) + 8 * np.sin(20 * angle),
            "distance_m": np.cumsum(speed),
            "speed_mps": speed,
            "cadence_spm": cadence,
            "heart_rate_bpm": [150.0] * n,
            "grade": 0.1 * np.cos(angle),
            "gap_speed_mps": speed,
            "gait": ["run"] * n,
            "cadence_flag": flag,
            "technicality": np.where(technical, 0.8, 0.2),
            "terrain": [
                None if 2000 < i < 2030 else ("technical" if t else "smooth") for i, t in enumerate(technical)
            ],
            "segment_id": s // 300,
        }
    ).with_columns(
        pl.when(pl.col("cadence_flag") == "missing").then(None).otherwise("cadence_spm").alias("cadence_spm")
    )
    frame = frame.filter(~pl.col("elapsed_s").is_between(2500, 2560))
    return tables.Track.validate(frame, cast=True)


def segments(run_id: str) -> pl.DataFrame:
    """Twelve stretches of 300 s each."""
    return frame_of(
        tables.Segments,
        [
            {
                "run_id": run_id,
                "segment_id": i,
                "terrain": "technical" if i % 3 == 1 else "smooth",
                "direction": ("up", "level", "down")[i % 3],
                "start_s": 300.0 * i,
                "end_s": 300.0 * (i + 1),
                "start_m": 860.0 * i,
                "end_m": 860.0 * (i + 1),
                "grade_mean": 0.05 * (1 - i % 3),
                "technicality_mean": 0.8 if i % 3 == 1 else 0.2,
                "passes": 4,
                "reasons": "rough ground, winding line" if i % 3 == 1 else "even pace, straight line",
                "edited": False,
            }
            for i in range(12)
        ],
    )


def effects(athlete_id: str) -> pl.DataFrame:
    """The headline that cannot tell yet, and its robustness set."""
    common = {
        "athlete_id": athlete_id,
        "n_runs": 107,
        "weeks": 48.0,
        "half_life_days": 21.0,
        "dose_contrast": 0.31,
        "detectable": 0.28,
        "se": 0.06,
        "df": 98,
        "sceptical": -0.04,
        "missing": "about 20 more weeks with on and off blocks",
        "cautions": "the watch changed on 23 Aug 2026; smooth ground moved as well",
        "naive_r": -0.3,
        "naive_p": 0.001,
        "naive_reason": "both drift",
        "method": "gls-ou-nugget/1",
    }
    numbers = {
        "technical": (-0.09, -0.20, 0.04, 0.16),
        "difference": (-0.07, -0.19, 0.06, 0.28),
        "cubic time": (-0.05, -0.18, 0.09, 0.44),
        "technical alone": (-0.11, -0.23, 0.03, 0.12),
        "smooth": (-0.03, -0.11, 0.06, 0.51),
    }
    return frame_of(
        tables.Effects,
        [
            common
            | {"outcome": outcome, "estimate": e, "low": low, "high": high, "p": p, "permutation_p": p}
            | {"verdict": "cannot tell yet", "sentence": SENTENCE}
            for outcome, (e, low, high, p) in numbers.items()
        ],
    )


def balance_sessions(athlete_id: str) -> pl.DataFrame:
    """Two categories on and off in blocks of four weeks."""
    days = [FIRST_DAY + timedelta(days=d) for d in range(330) if (d // 28) % 2 and d % 2]
    return frame_of(
        tables.BalanceSessions,
        [
            {
                "session_id": f"{athlete_id}-{day}-{category}",
                "athlete_id": athlete_id,
                "date": day,
                "drill": drill,
                "category": category,
                "minutes": minutes,
            }
            for day in days
            for drill, category, minutes in (
                ("wobble board", "unstable surface", 9.0),
                ("one leg", "single leg", 7.0),
            )
        ],
    )


def dose(athlete_id: str) -> pl.DataFrame:
    """Decayed weekly minutes of the sessions above, half-life 21 days."""
    minutes = dict(balance_sessions(athlete_id).group_by("date").agg(pl.col("minutes").sum()).iter_rows())
    keep, level, rows = 2 ** (-1 / 21), 0.0, []
    for offset in range(340):
        day = FIRST_DAY + timedelta(days=offset)
        rows.append({"athlete_id": athlete_id, "date": day, "minutes": minutes.get(day, 0.0), "dose": level})
        level = keep * level + (1 - keep) * 7 * minutes.get(day, 0.0)
    return frame_of(tables.Dose, rows)


def proposed_sessions(athlete_id: str) -> pl.DataFrame:
    """One exercise that a watch recorded, in a file with a hostile name."""
    row = {
        "session_id": "0123456789abcdef",
        "athlete_id": athlete_id,
        "date": FIRST_DAY,
        "drill": "plank",
        "category": "foundation strength",
        "minutes": 5.0,
        "sets": 3,
        "hold_s": 60.0,
        "source_name": f"{HOSTILE}.fit",
        "status": "proposed",
    }
    return frame_of(tables.ProposedSessions, [row])
