"""GPX and TCX of the corpus against gpxpy and tcxreader, which read the same files independently."""

from datetime import UTC
from xml.etree import ElementTree

import gpxpy
import numpy as np
import pytest
from tcxreader.tcxreader import TCXReader

from pipeline.ingest.gpx import parse_gpx
from pipeline.ingest.tcx import parse_tcx

HIGHEST_HEART_RATE_BPM = 300
"""Made-up files hold 999 for a heart rate: the referees pass it on, we leave it out."""
TCXREADER_CANNOT = {
    "runpandas__malformed.tcx": "a prefix that is not declared",
    "sports-lib__6281425038.tcx": "white space before the XML declaration",
    "activity-parser-0.12.1__mixed_offset.tcx": "a time without a zone",
}
"""Files that tcxreader refuses, with the reason; gpxpy reads all of the corpus."""
OTHER_CADENCE = {"activity-parser-0.12.1__duplicate_cadence.tcx"}
"""A point with several cadences: we keep the first, tcxreader the last."""


def seconds(time):
    """A referee's time in seconds, which is UTC where it says nothing."""
    if time is None:
        return np.nan
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def number(value):
    """A referee's number or text as a float, NaN where there is none."""
    try:
        return float(value) if value is not None else np.nan
    except ValueError:
        return np.nan


def extension(point, tags):
    """A value of a gpxpy point's extensions, by the local name of its tag."""
    for outer in point.extensions:
        for element in outer.iter():
            if element.tag.rpartition("}")[2].lower() in tags:
                return number(element.text)
    return np.nan


def assert_same(activity, theirs, file):
    """Equal times, positions and sensors, point by point, and missing where the referee has none."""
    records = activity.records
    assert len(records) == len(theirs["timestamp"]), file
    per_count = 2.0 if activity.run.cadence_unit == "strides_per_minute" else 1.0
    ours = {name: records[name].to_numpy() for name in theirs if name != "timestamp"}
    ours["timestamp"] = records["timestamp"].dt.epoch("ms").cast(float).to_numpy() / 1e3
    ours["cadence_spm"] = ours["cadence_spm"] / per_count
    for name, values in theirs.items():
        expected = np.array(values, dtype=float)
        if name == "heart_rate_bpm":
            expected[expected > HIGHEST_HEART_RATE_BPM] = np.nan
        if name == "cadence_spm" and file in OTHER_CADENCE:
            continue
        np.testing.assert_allclose(ours[name], expected, rtol=1e-9, atol=1e-9, err_msg=f"{name} of {file}")


def test_every_gpx_equals_gpxpy(corpus):
    """Number of points, times, positions, altitude, heart rate and cadence are those that gpxpy reads."""
    paths = sorted(corpus.rglob("*.gpx"))
    for path in paths:
        document = gpxpy.parse(path.read_text(encoding="utf-8-sig"))
        points = [p for track in document.tracks for segment in track.segments for p in segment.points]
        theirs = {
            "timestamp": [seconds(p.time) for p in points],
            "lat_deg": [p.latitude for p in points],
            "lon_deg": [p.longitude for p in points],
            "altitude_m": [number(p.elevation) for p in points],
            "heart_rate_bpm": [extension(p, ("hr", "heartrate")) for p in points],
            "cadence_spm": [extension(p, ("cad", "cadence")) for p in points],
        }
        assert_same(parse_gpx(path.read_bytes()), theirs, path.name)
    assert len(paths) > 70


def test_every_tcx_equals_tcxreader(corpus):
    """Number of points, times, positions, altitude, distance and sensors are those that tcxreader reads."""
    paths = [path for path in sorted(corpus.rglob("*.tcx")) if path.name not in TCXREADER_CANNOT]
    for path in paths:
        points = TCXReader().read(str(path), only_gps=False).trackpoints
        theirs = {
            "timestamp": [seconds(p.time) for p in points],
            "lat_deg": [number(p.latitude) for p in points],
            "lon_deg": [number(p.longitude) for p in points],
            "altitude_m": [number(p.elevation) for p in points],
            "distance_m": [number(p.distance) for p in points],
            "heart_rate_bpm": [number(p.hr_value) for p in points],
            "cadence_spm": [number(p.tpx_ext.get("RunCadence", p.cadence)) for p in points],
        }
        assert_same(parse_tcx(path.read_bytes()), theirs, path.name)
    assert len(paths) > 60


@pytest.mark.parametrize("name", sorted(TCXREADER_CANNOT))
def test_what_tcxreader_refuses_is_read_here(corpus, name):
    """Each file on the list of the referee's faults is refused by it and gives points here."""
    path = corpus / "odd" / name
    with pytest.raises((ElementTree.ParseError, ValueError)):
        TCXReader().read(str(path), only_gps=False)
    assert len(parse_tcx(path.read_bytes()).records) == path.read_bytes().count(b"<Trackpoint>")
