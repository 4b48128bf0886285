"""GPX and TCX files of the sample, read by readers that others wrote."""

from datetime import timedelta
from pathlib import Path

import gpxpy
import numpy as np
from tcxreader.tcxreader import TCXReader

from sample_data.plan import plan_season
from sample_data.recording import record_run
from sample_data.routes import make_routes
from sample_data.runner import STEADIED
from sample_data.write_xml import gpx_bytes, tcx_bytes

ROUTES = {route.name: route for route in make_routes()}
RUN = plan_season(STEADIED, 3, tuple(ROUTES.values())).runs[0]
RECORDING = record_run(STEADIED, ROUTES[RUN.route], RUN)
FIXED = ~np.isnan(RECORDING.lat_deg)


def test_gpx() -> None:
    """gpxpy reads every second that has a position, a segment between pauses, and strides per minute."""
    track = gpxpy.parse(gpx_bytes(RECORDING).decode()).tracks[0]
    assert track.type == "running"
    assert len(track.segments) == len(RECORDING.pauses) + 1
    points = [point for segment in track.segments for point in segment.points]
    np.testing.assert_allclose([p.latitude for p in points], RECORDING.lat_deg[FIXED], atol=1e-7)
    np.testing.assert_allclose([p.longitude for p in points], RECORDING.lon_deg[FIXED], atol=1e-7)
    np.testing.assert_allclose([p.elevation for p in points], RECORDING.altitude_m[FIXED], atol=1e-6)
    since = [(p.time - RECORDING.start_time) / timedelta(seconds=1) for p in points]
    assert since == RECORDING.elapsed_s[FIXED].tolist()
    tags = [{child.tag.split("}")[1]: child.text for child in p.extensions[0]} for p in points]
    cadence = [float(tag.get("cad", "nan")) for tag in tags]
    np.testing.assert_array_equal(cadence, RECORDING.cadence_spm[FIXED] // 2)


def test_tcx(tmp_path: Path) -> None:
    """tcxreader reads every second that has a position with the values recorded."""
    path = tmp_path / "run.tcx"
    path.write_bytes(tcx_bytes(RECORDING))
    points = TCXReader().read(str(path)).trackpoints
    assert len(points) == FIXED.sum()
    np.testing.assert_allclose([p.distance for p in points], RECORDING.distance_m[FIXED], atol=0.006)
    np.testing.assert_allclose([p.tpx_ext["Speed"] for p in points], RECORDING.speed_mps[FIXED], atol=1e-6)
    cadence = [p.tpx_ext.get("RunCadence", np.nan) for p in points]
    np.testing.assert_array_equal(np.array(cadence, dtype=float), RECORDING.cadence_spm[FIXED] // 2)
    np.testing.assert_array_equal([p.hr_value for p in points], RECORDING.heart_rate_bpm[FIXED])
