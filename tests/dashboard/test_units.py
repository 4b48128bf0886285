"""Distances, heights and paces in kilometres or in miles, everywhere the same."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import polars as pl
import pytest
from fake_workspace import FakeWorkspace
from hypothesis import given
from hypothesis import strategies as st

from dashboard import like_for_like, queries, tables
from dashboard.app import build_app
from dashboard.charts.profile import profile
from dashboard.charts.track_map import track_map
from dashboard.pages import run, runs
from dashboard.report import render_report
from dashboard.units import METRIC, MILES
from pipeline.settings import AthleteSettings


class InMiles(FakeWorkspace):
    """The same runners, who chose miles."""

    def load_settings_of(self, athlete_id: str) -> AthleteSettings:
        return AthleteSettings.of({"units": 1.0})


def plain(text: str) -> str:
    """With plain spaces."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_a_mile_by_hand() -> None:
    """1609.344 m in 8 minutes are 1.0 mi at 8:00, or 1.6 km at 4:58; 304.8 m are 1,000 ft."""
    assert plain(MILES.distance(1609.344)) == "1.0 mi"
    assert plain(MILES.pace(1609.344, 480)) == "8:00 min/mi"
    assert plain(METRIC.pace(1609.344, 480)) == "4:58 min/km"
    assert plain(MILES.height(304.8)) == "1 000 ft"
    assert plain(METRIC.distance(12_340.0)) == "12.3 km"
    assert plain(MILES.span(0.0, 804.672)) == "0.00 to 0.50 mi"
    assert [plain(MILES.short(m)) for m in (60.96, 804.672, 3218.688)] == ["200 ft", "0.5 mi", "2 mi"]
    assert [plain(METRIC.short(m)) for m in (200.0, 1000.0, 20_000.0)] == ["200 m", "1 km", "20 km"]


def test_reasons_are_told_in_the_unit_as_exactly_as_they_were() -> None:
    """0.4 m are 1.3 ft, 80 m are 262 ft, 0.6 m/s are 1.3 mph; per cent, degrees and words stay."""
    said = "the ground is uneven by 0.4 m; pace jumps about by 14 % every 5 m; 0.6 m/s under your usual"
    assert MILES.in_words(said) == (
        "the ground is uneven by 1.3 ft; pace jumps about by 14 % every 16 ft; 1.3 mph under your usual"
    )
    assert MILES.in_words("the way is straight, 7° every 10 m") == "the way is straight, 7° every 33 ft"
    assert METRIC.in_words(said) == said


def test_what_is_not_known_is_a_dash() -> None:
    """No distance, no time, or none of the way: no pace, and no division by it."""
    assert METRIC.distance(None) == METRIC.height(None) == "–"
    assert {METRIC.pace(m, s) for m, s in ((None, 60.0), (1000.0, None), (0.0, 60.0))} == {"–"}


@given(st.floats(1, 1e6), st.floats(1, 1e6))
def test_both_units_say_the_same(metres: float, seconds: float) -> None:
    """A pace in minutes a mile is 1.609344 times that in minutes a kilometre."""
    of_mile, of_km = MILES.pace_s(metres, seconds), METRIC.pace_s(metres, seconds)
    assert of_mile is not None
    assert of_km is not None
    assert of_mile == pytest.approx(1.609344 * of_km)
    assert MILES.along(metres) == pytest.approx(metres / 1609.344)


def test_charts_are_drawn_in_the_unit(workspace: FakeWorkspace, run_id: str) -> None:
    """In miles the profile's axis is 1.609 times shorter and its altitude in feet."""
    track = workspace.load_track(run_id)
    windows = queries.windowed_variability(track)
    metric, miles = profile(track, windows), profile(track, windows, units=MILES)
    last = max(x for x in metric.data[0].x)
    assert max(miles.data[0].x) == pytest.approx(last / 1.609344, abs=1e-3)
    highest = np.nanmax(metric.data[0].y)
    assert np.nanmax(miles.data[0].y) == pytest.approx(highest / 0.3048, abs=2)
    assert (miles.layout.xaxis.ticksuffix, miles.layout.yaxis.title.text) == (" mi", "Altitude, ft")
    part = profile(track, windows, part_km=(2.0, 3.0), units=MILES)
    assert part.layout.xaxis.range[0] == pytest.approx(2 / 1.609344, abs=0.01)
    drawn = track_map(queries.local_positions(track), units=MILES)
    assert any(plain(note.text) in ("1 mi", "0.5 mi", "2,000 ft") for note in drawn.layout.annotations)


def test_no_kilometre_is_left_on_a_page_in_miles(run_id: str) -> None:
    """Run, runs, stretches and report of a runner in miles name no km, and name mi."""
    workspace = InMiles()
    sent = json.dumps(run._contents(workspace, run_id, None), default=lambda part: part.to_plotly_json())
    sent = re.sub(r'"bdata": "[^"]*"', "", sent)
    for text in (sent, json.dumps(runs.grid_rows(workspace, "maya"))):
        assert "mi" in text
        assert "km" not in text.replace("distance_km", "")
    names = like_for_like.stretch_names(like_for_like.passes(workspace, "maya"), MILES)
    assert all("mi of" in plain(name) for name in names.values())
    written = plain(render_report(workspace, ["maya"]))
    table = written[written.rindex("<h2>The last ") :]
    assert " min/mi" in table
    assert " km<" not in table


def test_a_pace_is_beside_the_distance(workspace: FakeWorkspace, run_id: str) -> None:
    """A run's two grounds and its row in the list have a pace: 860 m in 300 s are 5:49."""
    split = tables.split_table(workspace.load_grounds(run_id), _no_stability(), METRIC)
    rows = dict(zip(split[""], split["Technical"], strict=True))
    assert plain(rows["Mean pace"]) == "5:49 min/km"
    row = runs.grid_rows(workspace, "maya")[0]
    assert (row["unit"], 240 < row["pace"] < 500) == ("km", True)


def _no_stability() -> pl.DataFrame:
    schema: dict[str, Any] = dict.fromkeys(("terrain", "direction", "metric"), pl.String)
    return pl.DataFrame(schema=schema | dict.fromkeys(("value", "low", "high", "n_windows"), pl.Float64))


def test_saved_tables_stay_metric(run_id: str) -> None:
    """The CSV of a profile has the columns that the data model names, whatever the page shows."""
    client = build_app(InMiles()).server.test_client()
    answered = client.get(f"/_data/profile.csv?run={run_id}", headers={"Host": "localhost"})
    assert pl.read_csv(answered.data)["distance_m"].max() > 8000
