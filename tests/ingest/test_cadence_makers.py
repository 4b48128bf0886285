"""The unit of cadence in files as single makers write them; each worked out by hand."""

import numpy as np
import pytest
from xml_files import gpx, tcx, tpx, trackpoint, trkpt

from pipeline.ingest import read_activity


def suunto(second: int, value: float) -> str:
    """A point as Suunto writes it: its own element, without any speed."""
    return trkpt(second, f"<gpxdata:cadence>{value}</gpxdata:cadence>")


def amazfit(second: int, value: float) -> str:
    """A point as Zepp writes it for Amazfit watches."""
    return trkpt(second, f"<ns3:TrackPointExtension><ns3:cad>{value:.0f}</ns3:cad></ns3:TrackPointExtension>")


def smoothed(steps: np.ndarray, seconds: int) -> np.ndarray:
    """The mean of the last `seconds`, zeros before the start, as a watch shows it."""
    sums = np.cumsum(np.concatenate([np.zeros(seconds), steps]))
    return (sums[seconds:] - sums[:-seconds]) / seconds


@pytest.mark.parametrize(("value", "unit"), [(85, "strides_per_minute"), (170, "steps_per_minute")])
def test_suunto_with_a_point_every_ten_seconds(value: float, unit: str) -> None:
    """At 3 m/s 170 steps a minute are 1.06 m each; 85 taken as steps would be 2.1 m, longer than any."""
    content = gpx([suunto(second, value) for second in range(0, 1200, 10)], creator="Suunto app")
    assert read_activity("a.gpx", content).run.cadence_unit == unit


def test_amazfit_smooths_over_its_stops() -> None:
    """The mean of half a minute climbs from 0 after each stop through one leg's values: still steps.

    Of every three minutes half a minute is stood: a fifth of the values lie below 120 on their way.
    """
    steps = np.tile(np.repeat([168.0, 0.0], [150, 30]), 6)
    shown = smoothed(steps, 30)
    assert 0.15 < np.mean(shown < 120) < 0.35
    content = gpx([amazfit(second, value) for second, value in enumerate(shown)], creator="Zepp App")
    run = read_activity("a.gpx", content)
    assert run.run.cadence_unit == "steps_per_minute"
    assert run.records["cadence_spm"].max() == 168


def test_amazfit_strides_are_doubled() -> None:
    """The same file with half the values is strides, and comes out at 168 steps a minute."""
    steps = np.tile(np.repeat([84.0, 0.0], [150, 30]), 6)
    content = gpx([amazfit(s, value) for s, value in enumerate(smoothed(steps, 30))], creator="Zepp App")
    run = read_activity("a.gpx", content)
    assert run.run.cadence_unit == "strides_per_minute"
    assert run.records["cadence_spm"].max() == 168


def test_a_smart_recording_in_tcx() -> None:
    """Points every 4 to 9 s, with RunCadence 84 at 2.8 m/s: strides of 2 m, 168 steps a minute."""
    seconds = np.cumsum(np.tile([4, 9, 6, 7], 60)).tolist()
    inside = tpx("<Speed>2.8</Speed><RunCadence>84</RunCadence>")
    activity = read_activity("a.tcx", tcx([trackpoint(second, inside) for second in seconds]))
    assert activity.run.cadence_unit == "strides_per_minute"
    assert activity.records["cadence_spm"].to_list() == [168.0] * 240
