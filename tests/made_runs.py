"""Made-up runs on an invented loop with planted technical ground, as recordings, activities and files."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any
from unittest.mock import patch

import numpy as np

from pipeline.ingest import Activity, read_activity
from pipeline.recorded import Recorded
from sample_data import STEADIED, write_fit
from sample_data.plan import plan_season
from sample_data.recording import Recording, record_run
from sample_data.routes import Route, make_routes
from sample_data.write_xml import gpx_bytes, tcx_bytes


@cache
def loop() -> Route:
    """The loop that all of these runs follow: 5.6 km, seven planted stretches and more of each ground."""
    return make_routes()[0]


@cache
def recording(number: int) -> Recording:
    """Run `number` of the loop; each on a day of its own."""
    planned = plan_season(STEADIED, 6, make_routes()).runs[number]
    return record_run(STEADIED, loop(), replace(planned, sampling="1 Hz"))


@cache
def fit_file(number: int) -> bytes:
    """Run `number` as a FIT file."""
    return write_fit.fit_bytes(recording(number), serial_number=1)


@cache
def gpx_file(number: int) -> bytes:
    """Run `number` as a GPX file."""
    return gpx_bytes(recording(number))


@cache
def tcx_file(number: int) -> bytes:
    """Run `number` as a TCX file."""
    return tcx_bytes(recording(number))


@cache
def activity(number: int) -> Activity:
    """Run `number` as it is read from its FIT file."""
    return read_activity("run.fit", fit_file(number))


def without(number: int, *channels: str) -> Activity:
    """Run `number` as a watch without these channels would have recorded it."""
    whole = activity(number)
    records = whole.records.with_columns(**dict.fromkeys(channels))
    unit = {"cadence_unit": "none"} if "cadence_spm" in channels else {}
    same = Recorded(records.cast(dict(whole.records.schema)))
    return replace(whole, recorded=same, run=replace(whole.run, **unit))


def treadmill_file(number: int) -> bytes:
    """Run `number` indoors: no positions, the altitude of a cellar, sub-sport treadmill."""
    outdoors = recording(number)
    nowhere = np.full(len(outdoors.elapsed_s), np.nan)
    flat = np.full(len(outdoors.elapsed_s), 12.0)
    indoors: dict[str, Any] = {"lat_deg": nowhere, "lon_deg": nowhere, "altitude_m": flat}
    with patch.dict(write_fit.SUB_SPORTS, treadmill=1):
        return write_fit.fit_bytes(replace(outdoors, sub_sport="treadmill", **indoors), serial_number=1)


def no_cadence_file(number: int) -> bytes:
    """Run `number` of a watch that does not count steps, as FIT."""
    silent = np.full(len(recording(number).elapsed_s), np.nan)
    return write_fit.fit_bytes(replace(recording(number), cadence_spm=silent), serial_number=1)


def no_altitude_file(number: int) -> bytes:
    """Run `number` of a watch without altitude, as GPX."""
    return re.sub(rb"<ele>.*?</ele>", b"", gpx_file(number))


def route_file(number: int) -> bytes:
    """The way of run `number` as a GPX file without times: a plan, not a recording."""
    return re.sub(rb"<time>.*?</time>", b"", gpx_file(number))
