"""The same run as FIT, GPX and TCX: the same unit, the same cadence, the same steadiness."""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from pipeline import analyse_run, read_activity
from pipeline.results import RunResult
from pipeline.segments import RunSegments
from pipeline.tables import Segments
from pipeline.windows import adjust, cut_windows, fit_cadence
from sample_data import STEADIED
from sample_data.plan import plan_season
from sample_data.recording import Recording, record_run
from sample_data.routes import make_routes
from sample_data.write_fit import fit_bytes
from sample_data.write_xml import gpx_bytes, tcx_bytes
from tests.made_runs import loop
from tests.made_windows import measure

HIKER_GAP_SPEED_MPS = 2.1


def recording(sampling: str, *, hiking: bool = False) -> Recording:
    """A run whose watch had a position from the first second on, as a GPX file needs."""
    planned = replace(plan_season(STEADIED, 6, make_routes()).runs[0], sampling=sampling)
    runner = replace(STEADIED, gap_speed_mps=HIKER_GAP_SPEED_MPS) if hiking else STEADIED
    made = record_run(runner, loop(), planned)
    fix = int(np.isfinite(made.lat_deg).argmax())
    lat, lon = made.lat_deg.copy(), made.lon_deg.copy()
    lat[:fix], lon[:fix] = lat[fix], lon[fix]
    return replace(made, lat_deg=lat, lon_deg=lon)


def in_steps(made: Recording) -> Recording:
    """For the writers of GPX and TCX, which halve: what they write of this counts steps."""
    return replace(made, cadence_spm=2 * made.cadence_spm)


def without(content: bytes, *tags: bytes) -> bytes:
    """An XML file without these elements."""
    return re.sub(b"|".join(b"<%s>.*?</%s>" % (tag, tag) for tag in tags), b"", content)


def with_speed(gpx: bytes, made: Recording) -> bytes:
    """A GPX file whose points carry the watch's speed and distance, as some programs write."""
    values = iter(zip(made.speed_mps, made.distance_m, strict=True))

    def extended(_: re.Match[bytes]) -> bytes:
        speed, distance = next(values)
        return f"<speed>{speed:.3f}</speed><distance>{distance:.2f}</distance><ele>".encode()

    return re.sub(rb"<ele>", extended, gpx)


def analysed(content: bytes) -> RunResult:
    """The run in a file."""
    return analyse_run(read_activity("run", content), run_id="run", athlete_id="ada")


def steady(run: RunResult, metric: str) -> dict[str, float]:
    """A metric of steadiness by ground: the way out is called technical, the way back smooth.

    The ground is given, so that what differs is cadence and what it is adjusted for.
    """
    half = float(run.track.elapsed_s[-1] // 2)
    common = {"run_id": "run", "direction": "level", "start_m": 0.0, "end_m": 1.0, "passes": 1}
    ground = [
        {"segment_id": 0, "terrain": "technical", "start_s": 0.0, "end_s": half, **common},
        {"segment_id": 1, "terrain": "smooth", "start_s": half, "end_s": 2 * half + 2, **common},
    ]
    said = {"reasons": "", "edited": False, "grade_mean": 0.0, "technicality_mean": 0.5}
    segments = Segments.validate(pl.DataFrame([row | said for row in ground]), cast=True)
    seconds = run.track.to_seconds()
    ground, _ = RunSegments.from_table(segments).find_ground(seconds.elapsed_s)
    windows = cut_windows(adjust(seconds, fit_cadence([run.cadence_moments])), ground)
    found = measure(windows).filter(metric=metric, direction="all")
    return dict(found.select("terrain", "value").iter_rows())


def files(made: Recording) -> Iterator[tuple[str, str, bytes]]:
    """The same run in every format and unit, with and without speed: what it is, its unit, its bytes."""
    steps = in_steps(made)
    yield "fit", "strides_per_minute", fit_bytes(made, 1)
    for name, unit, recorded in (
        ("strides", "strides_per_minute", made),
        ("steps", "steps_per_minute", steps),
    ):
        yield f"gpx {name}", unit, gpx_bytes(recorded)
        yield f"gpx {name}, speed", unit, with_speed(gpx_bytes(recorded), made)
        yield f"tcx {name}", unit, tcx_bytes(recorded)
        yield f"tcx {name}, no speed", unit, without(tcx_bytes(recorded), b"x:Speed")
        still = (b"x:Speed", b"DistanceMeters", b"Position")
        yield f"tcx {name}, treadmill without speed", unit, without(tcx_bytes(recorded), *still)


@pytest.mark.parametrize("sampling", ["1 Hz", "smart"])
@pytest.mark.parametrize("hiking", [False, True])
def test_the_unit_is_found_in_every_format(sampling: str, hiking: bool) -> None:
    """Strides or steps, 1 Hz or smart, run or two fifths hiked, with speed or without: always right."""
    made = recording(sampling, hiking=hiking)
    for name, unit, content in files(made):
        assert read_activity("run", content).run.cadence_unit == unit, name


def test_the_hiker_hikes() -> None:
    """The runner of the hiking files walks about two fifths of her moving time."""
    walked = analysed(fit_bytes(recording("1 Hz", hiking=True), 1)).run["walking_share"]
    assert 0.3 < walked < 0.5


@pytest.mark.parametrize("sampling", ["1 Hz", "smart"])
def test_cadence_is_the_same_in_every_format(sampling: str) -> None:
    """Second by second FIT, GPX and TCX give the same number, where steps were not rounded."""
    made = recording(sampling)
    expected = analysed(fit_bytes(made, 1)).track.to_seconds().cadence_spm
    for content in (gpx_bytes(in_steps(made)), tcx_bytes(in_steps(made))):
        assert np.array_equal(analysed(content).track.to_seconds().cadence_spm, expected, equal_nan=True)


@pytest.mark.parametrize("sampling", ["1 Hz", "smart"])
def test_a_file_with_speed_and_distance_has_the_same_steadiness(sampling: str) -> None:
    """GPX and TCX with speed and distance give the steadiness of FIT within 0.1 %: rounding alone."""
    made = recording(sampling)
    expected = steady(analysed(fit_bytes(made, 1)), "cadence_cv")
    for content in (tcx_bytes(in_steps(made)), with_speed(gpx_bytes(in_steps(made)), made)):
        assert steady(analysed(content), "cadence_cv") == pytest.approx(expected, rel=1e-3)


def test_a_file_of_positions_alone_has_the_same_raw_and_nearly_the_same_adjusted_steadiness() -> None:
    """Without speed in the file the raw spread stays within 2 %, the adjusted one within 8 %.

    What differs is speed, which comes from positions: a few seconds of walking, and what cadence is
    adjusted for. So a GPX export has a device epoch of its own, and is compared with its like only.
    """
    made = recording("1 Hz")
    fit, gpx = analysed(fit_bytes(made, 1)), analysed(gpx_bytes(in_steps(made)))
    assert steady(gpx, "cadence_cv_raw") == pytest.approx(steady(fit, "cadence_cv_raw"), rel=0.02)
    assert steady(gpx, "cadence_cv") == pytest.approx(steady(fit, "cadence_cv"), rel=0.08)
    assert gpx.run["device_epoch"] != fit.run["device_epoch"]


def test_whole_strides_look_a_little_less_steady() -> None:
    """Strides in whole numbers are steps of 2: that adds up to 13 % of unsteadiness, and takes none."""
    made = recording("1 Hz")
    exact = steady(analysed(tcx_bytes(in_steps(made))), "cadence_cv")
    rounded = steady(analysed(tcx_bytes(made)), "cadence_cv")
    for ground, value in exact.items():
        assert value < rounded[ground] < 1.13 * value


def test_a_doubled_treadmill_file_is_told_by_its_unit_and_flagged_nowhere() -> None:
    """A treadmill TCX that a program doubled already is left as it is: no second is half or double."""
    content = without(tcx_bytes(in_steps(recording("1 Hz"))), b"x:Speed", b"Position")
    run = analysed(content)
    assert run.run["cadence_unit"] == "steps_per_minute"
    assert not {"half", "double"} & set(run.track.to_table()["cadence_flag"])
    assert run.run["quality"] > 0.95
