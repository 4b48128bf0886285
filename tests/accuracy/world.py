"""Routes, watches and runs whose truth is known, as a decoded file would give them.

Built on `sample_data`: the same ground, runner and watch, with every quality of watch and other seeds. Seeds
are kept apart: `TUNING_SEEDS` set the constants of `pipeline.terrain` and `pipeline.kinematics`, `TEST_SEEDS`
are what `python -m tests.accuracy` measures on, and no constant was ever chosen by looking at them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from pipeline.athlete import AthleteResult, analyse_results
from pipeline.ingest.activity import Activity, ActivityInfo
from pipeline.numeric import Array, Mask
from pipeline.recorded import Recorded
from pipeline.results import RunResult
from pipeline.tables import BalanceSessions, DataFrame, Grid, Records, TimerEvents
from pipeline.workflow import analyse_run
from sample_data.plan import PlannedRun
from sample_data.recording import Day, Recording, Watch, record_run
from sample_data.routes import Route, RouteKind
from sample_data.runner import Runner

TUNING_SEEDS = range(1_000, 1_008)
TEST_SEEDS = range(9_000, 9_008)
FLOOR_SEEDS = range(9_900, 9_902)

FIRST_DAY = datetime(2025, 3, 3, 6, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SensorClass:
    """A watch, and how often it records."""

    watch: Watch
    sampling: str = "1 Hz"


# Gusts are set so that s35 (docs/methods.md) on trail is near what each quality has; how they and positions
# scatter from pass to pass is set after what real recordings of the same place do.
_TYPICAL = Watch(gust_m=0.32, gust_log_sd=0.6, jitter_m=0.5, speed_filter_s=5.0)
_GPS = Watch(
    gust_m=2.5,
    gust_s=12.0,
    drift_m=4.0,
    drift_s=120.0,
    gust_log_sd=0.6,
    jitter_m=0.8,
    speed_filter_s=5.0,
    cadence_filter_s=4.0,
    cadence_step_spm=2.0,
)
SENSORS = {
    "clean": SensorClass(replace(_TYPICAL, gust_m=0.17, cadence_filter_s=2.0)),
    "typical": SensorClass(_TYPICAL),
    "typical, 1 m steps": SensorClass(replace(_TYPICAL, altitude_step_m=1.0, cadence_step_spm=2.0)),
    "1 m steps, few fixes": SensorClass(
        replace(_TYPICAL, altitude_step_m=1.0, fix_every_s=4, cadence_step_spm=2.0)
    ),
    "typical, smart": SensorClass(_TYPICAL, "smart"),
    "windy": SensorClass(replace(_TYPICAL, gust_m=0.75, cadence_filter_s=4.0, cadence_step_spm=2.0)),
    "GPS": SensorClass(_GPS),
    "GPS, smart": SensorClass(_GPS, "smart"),
}

USUAL_DAY = Day(
    rough_waves=0.09, short_waves=0.006, long_waves=0.08, middle_waves=0.09, hindrances_per_km=2.5
)
ROAD_DAY = Day(short_waves=0.004, long_waves=0.03, middle_waves=0.02, hindrances_per_km=1.5)

TRAILS = (
    RouteKind("gentle", 5_800, 0.030, trail=True, weekend=False, bends_m=1.2),
    RouteKind("hills", 6_200, 0.065, trail=True, weekend=False, bends_m=1.2),
    RouteKind("mountain", 6_600, 0.095, trail=True, weekend=False, bends_m=1.2),
)
ROADS = (
    RouteKind("flat road", 6_000, 0.008, trail=False, weekend=False, bends_m=0.6),
    RouteKind("hilly road", 6_400, 0.040, trail=False, weekend=False, bends_m=0.6),
)


@dataclass(frozen=True, slots=True)
class Pass:
    """One run of a route and what is true of it."""

    route: Route
    recording: Recording
    result: RunResult
    log_unsteadiness: float

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return str(self.result.run["run_id"])

    @property
    def cells(self) -> DataFrame[Grid]:
        """The run's 5 m grid."""
        assert self.result.grid is not None
        return self.result.grid.to_table()

    def way_m(self) -> Array:
        """Where on the route each cell of the grid lies."""
        return np.interp(self.cells["elapsed_s"].to_numpy(), self.recording.elapsed_s, self.recording.way_m)

    def technical(self) -> Mask:
        """Whether each cell of the grid truly is technical."""
        way = self.way_m()
        inside = [
            (way >= s.start_m) & (way < s.end_m) for s in self.route.stretches if s.terrain == "technical"
        ]
        return np.asarray(np.any(inside, axis=0)) if inside else np.zeros(len(way), dtype=bool)

    def grade(self, *, rocks: bool) -> Array:
        """True grade over 30 m at each cell, of the hill alone or with the rocks on it."""
        altitude = self.route.altitude_m if rocks else self.route.hill_m
        return np.asarray(np.interp(self.way_m(), np.arange(len(altitude)), slope(altitude)))


def slope(altitude_m: Array, length_m: int = 30) -> Array:
    """Least-squares slope over `length_m` about each metre of a closed loop."""
    reach = length_m // 2
    offset = np.arange(-reach, reach + 1)
    wrapped = np.concatenate([altitude_m[-reach - 1 : -1], altitude_m, altitude_m[1 : reach + 1]])
    return np.asarray(np.convolve(wrapped, -offset / (offset**2).sum(), "valid"))


def make_runner(seed: int, *, hiker: bool = False) -> Runner:
    """A runner with a speed, cadence and steadiness of their own; a hiker walks what is steep or rough."""
    rng = np.random.default_rng([seed, 11])
    return Runner(
        runner_id=f"runner {seed}",
        seed=seed,
        log_effect=0.0,
        gap_speed_mps=1.95 if hiker else float(rng.uniform(2.5, 3.5)),
        cadence_spm=float(rng.uniform(158, 176)),
        cadence_sd_smooth_spm=float(rng.uniform(1.8, 2.4)),
        cadence_sd_technical_spm=float(rng.uniform(2.9, 3.7)),
    )


def make_pass(
    runner: Runner,
    route: Route,
    sensor: SensorClass,
    number: int,
    *,
    log_unsteadiness: float = 0.0,
    day: Day = USUAL_DAY,
) -> Pass:
    """Run number `number` of a runner: recorded, decoded and analysed."""
    start = FIRST_DAY + timedelta(days=2 * number)
    planned = PlannedRun(
        index=number,
        start_time=start,
        local_date=start.date(),
        route=route.name,
        direction="forward",
        source_format="fit",
        sampling=sensor.sampling,
        weekend=False,
        dose=0.0,
        effect=0.0,
        log_unsteadiness_technical=log_unsteadiness,
        log_unsteadiness_smooth=log_unsteadiness,
    )
    recording = record_run(runner, route, planned, sensor.watch, day)
    result = analyse_run(
        make_activity(recording), run_id=f"{number:04d}", athlete_id=runner.runner_id.replace(" ", "-")
    )
    return Pass(route, recording, result, log_unsteadiness)


def make_activity(recording: Recording) -> Activity:
    """What a FIT file of this recording is decoded to."""
    start_us = int(recording.start_time.timestamp()) * 1_000_000
    channels = {name: getattr(recording, name) for name in Records.column_names() if name != "timestamp"}
    records = pl.DataFrame(
        {"timestamp": start_us + recording.elapsed_s * 1_000_000, **channels}
    ).with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")), pl.col(pl.Float64).fill_nan(None))
    stops = [
        (recording.start_time + timedelta(seconds=at), what)
        for stop, start in recording.pauses
        for at, what in ((stop, "stop"), (start, "start"))
    ]
    events = pl.DataFrame(stops, schema=["timestamp", "event_type"], orient="row")
    info = ActivityInfo(
        source_format="fit",
        sport="running",
        sub_sport=recording.sub_sport,
        start_time=recording.start_time,
        local_date=recording.start_time.date(),
        device="invented watch",
        firmware="1.0",
        cadence_unit="strides_per_minute",
        cadence_unit_reason="invented",
    )
    return Activity(info, Recorded(Records.cast(records)), TimerEvents.cast(events))


def label_together(passes: list[Pass]) -> AthleteResult:
    """The whole analysis of these runs as one athlete's."""
    return analyse_results([p.result for p in passes], BalanceSessions.create_empty())
