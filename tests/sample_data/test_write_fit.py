"""FIT files of the sample, read by decoders that others wrote."""

from datetime import timedelta

import fitdecode
import fitparse
import numpy as np
import pytest

from sample_data.plan import plan_season
from sample_data.recording import Recording, record_run
from sample_data.routes import make_routes
from sample_data.runner import STEADIED
from sample_data.write_fit import crc16, fit_bytes

ROUTES = {route.name: route for route in make_routes()}
RUNS = [run for run in plan_season(STEADIED, 3, tuple(ROUTES.values())).runs if run.source_format == "fit"]
RECORDINGS = [record_run(STEADIED, ROUTES[run.route], run) for run in (RUNS[0], RUNS[2], RUNS[3])]
FIELDS = (
    "position_lat",
    "position_long",
    "distance",
    "enhanced_speed",
    "enhanced_altitude",
    "heart_rate",
    "cadence",
    "fractional_cadence",
)
every_recording = pytest.mark.parametrize("recording", RECORDINGS, ids=["trail", "pauses", "smart"])


def _decode(content: bytes) -> list[fitdecode.FitDataMessage]:
    with fitdecode.FitReader(
        content, check_crc=fitdecode.CrcCheck.RAISE, error_handling=fitdecode.ErrorHandling.RAISE
    ) as reader:
        return [frame for frame in reader if isinstance(frame, fitdecode.FitDataMessage)]


def test_checksum() -> None:
    """The checksum of the nine digits is the published check value of CRC-16/ARC."""
    assert crc16(b"123456789") == 0xBB3D


@every_recording
def test_both_decoders_read_the_same(recording: Recording) -> None:
    """fitdecode and fitparse give the same messages and the same values."""
    content = fit_bytes(recording, 1)
    mine = [(m.name, {f.name: f.value for f in m.fields}) for m in _decode(content)]
    theirs = [(m.name, m.get_values()) for m in fitparse.FitFile(content).get_messages()]
    assert [name for name, _ in mine] == [name for name, _ in theirs]
    for (name, one), (_, other) in zip(mine, theirs, strict=True):
        if name == "record":
            assert [one.get(field) for field in FIELDS] == [other.get(field) for field in FIELDS]
            assert one["timestamp"].replace(tzinfo=None) == other["timestamp"]


@every_recording
def test_file_holds_what_was_recorded(recording: Recording) -> None:
    """Every record's time, place, altitude, distance, speed, heart rate and cadence come back as recorded."""
    records = [m for m in _decode(fit_bytes(recording, 1)) if m.name == "record"]

    def column(name: str) -> np.ndarray:
        return np.array([m.get_value(name, fallback=None) for m in records], dtype=float)

    since = [(m.get_value("timestamp") - recording.start_time) / timedelta(seconds=1) for m in records]
    assert since == recording.elapsed_s.tolist()
    np.testing.assert_allclose(column("position_lat") * 180 / 2**31, recording.lat_deg, atol=1e-7)
    np.testing.assert_allclose(column("position_long") * 180 / 2**31, recording.lon_deg, atol=1e-7)
    np.testing.assert_allclose(column("enhanced_altitude"), recording.altitude_m, atol=1e-6)
    np.testing.assert_allclose(column("distance"), recording.distance_m, atol=1e-6)
    np.testing.assert_allclose(column("enhanced_speed"), recording.speed_mps, atol=1e-6)
    np.testing.assert_array_equal(column("heart_rate"), recording.heart_rate_bpm)
    cadence_spm = 2 * (column("cadence") + column("fractional_cadence"))
    np.testing.assert_array_equal(cadence_spm, recording.cadence_spm)


@every_recording
def test_timer_and_summary(recording: Recording) -> None:
    """Timer events tell the pauses, and session, lap and activity agree with them."""
    messages = _decode(fit_bytes(recording, 7))
    events = [m for m in messages if m.name == "event"]
    seconds = [round((m.get_value("timestamp") - recording.start_time).total_seconds()) for m in events]
    kinds = [m.get_value("event_type") for m in events]
    edges = [0, *(s for pause in recording.pauses for s in pause), int(recording.elapsed_s[-1])]
    assert seconds == edges
    assert kinds == ["start", "stop_all"] * (len(recording.pauses) + 1)
    session = next(m for m in messages if m.name == "session")
    assert (session.get_value("sport"), session.get_value("sub_sport")) == ("running", recording.sub_sport)
    assert session.get_value("total_timer_time") == recording.timer_s
    assert session.get_value("total_elapsed_time") == recording.elapsed_s[-1]
    activity = next(m for m in messages if m.name == "activity")
    behind = activity.get_value("timestamp") - activity.get_value("local_timestamp")
    assert behind == timedelta(hours=2)
    assert next(m for m in messages if m.name == "file_id").get_value("type") == "activity"
