"""What the pages say where there is nothing to draw, or too little for an answer."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import polars as pl
import pytest
from dash import Dash
from fake_workspace import EmptyWorkspace, FakeWorkspace
from test_app import CALLBACK, HOST, _body

from dashboard.app import build_app
from dashboard.charts.dose import dose_by_category
from dashboard.run_profile import TOO_LITTLE, not_drawn


@cache
def served(kind: type[FakeWorkspace]) -> Dash:
    """The dashboard over a workspace of this kind, made once."""
    return build_app(kind())


def told(kind: type[FakeWorkspace], component: str, **values: Any) -> str:
    """What the callback that fills a component answers, hard spaces plain."""
    app = served(kind)
    answered = app.server.test_client().post(CALLBACK, json=_body(app, component, **values), headers=HOST)
    assert answered.status_code == 200
    return str(answered.text).encode().decode("unicode_escape").replace("\u00a0", " ")


class Treadmill(FakeWorkspace):
    """Runs indoors: neither positions nor altitude, and ground that nothing labels."""

    def load_track(self, run_id: str) -> pl.DataFrame:
        nothing = ("lat_deg", "lon_deg", "altitude_m", "terrain")
        track = super().load_track(run_id)
        return track.with_columns(pl.lit(None, track.schema[name]).alias(name) for name in nothing)

    def load_segments(self, athlete_id: str | None = None, run_id: str | None = None) -> pl.DataFrame:
        return super().load_segments(run_id=run_id).clear()

    def load_run(self, run_id: str) -> dict[str, Any]:
        return super().load_run(run_id) | {"technical_share": None}


class Beginner(FakeWorkspace):
    """`maya` has runs and a log, and too little of both."""

    def load_effects(self, athlete_id: str) -> pl.DataFrame:
        unknown = ["estimate", "low", "high", "se", "p", "permutation_p", "detectable", "sceptical"]
        row = super().load_effects(athlete_id).head(1)
        return row.with_columns(
            *(pl.lit(None, row.schema[name]).alias(name) for name in unknown),
            verdict=pl.lit("not enough data").cast(row.schema["verdict"]),
            n_runs=pl.lit(12, row.schema["n_runs"]),
            weeks=pl.lit(20.0),
            missing=pl.lit("18 more runs that count (12 of 30)"),
            cautions=pl.lit("5 runs left out: a device with fewer than 5; another since 2026-08-23"),
        )


@pytest.mark.parametrize(
    "component",
    ["answer-head", "runs-grid", "stretches-head", "balance-head", "plan-kept", "settings-head"],
)
def test_every_page_of_an_empty_workspace_begins_at_the_beginning(component: str) -> None:
    """Whatever page is opened first, it leads to the upload and names the command, and counts no athletes."""
    page = component.partition("-")[0]
    said = told(EmptyWorkspace, component, **{f"{page}-athlete": "zoe"})
    assert '"href":"/upload"' in said
    assert "surefoot analyse PATH --athlete ID" in said
    assert "0 athletes" not in said


def test_too_little_data_says_how_far_it_has_come_and_what_was_left_out() -> None:
    """A bar for what is short and for nothing else, the runs left out, and links to where it is put right."""
    said = told(Beginner, "answer-head", **{"answer-athlete": "maya"})
    assert "12 of 30" in said
    assert "20 of 16" not in said
    assert "5 runs left out: a device with fewer than 5" in said
    assert "Another since 23 Aug 2026" in said
    assert re.search(r"\d+ runs do not count: less than 4 minutes", said)
    for page in ("upload", "balance", "plan"):
        assert f'"href":"/athlete/maya/{page}"' in said


def test_an_answer_that_stands_is_not_told_what_is_missing() -> None:
    """Links to what would help go with what is missing alone."""

    class Reached(FakeWorkspace):
        def load_effects(self, athlete_id: str) -> pl.DataFrame:
            return super().load_effects(athlete_id).with_columns(missing=pl.lit(""))

    assert "What would help" in told(FakeWorkspace, "answer-head", **{"answer-athlete": "maya"})
    assert "What would help" not in told(Reached, "answer-head", **{"answer-athlete": "maya"})


def test_a_coach_of_fifty_is_told_of_all() -> None:
    """An unknown name lists twenty athletes, and says where the other thirty are."""

    class Fifty(FakeWorkspace):
        RUNS = {f"runner {n:02}": 6 for n in range(50)}  # noqa: RUF012

    said = told(Fifty, "answer-head", **{"answer-athlete": "zoe"})
    assert said.count('"href":"/athlete/runner%20') == 20
    assert "and 30 more: " in said
    assert '"href":"/roster"' in said


def test_an_empty_log_tells_the_plan_and_hides_the_empty_table() -> None:
    """Before anything is logged the plan stands in words, in numbers."""
    said = told(FakeWorkspace, "balance-head", **{"balance-athlete": "new runner/2"})
    assert "2 to 3 sessions a week, at first of 15 to 20 minutes" in said
    assert '"balance-weeks-card":{"hidden":true}' in said
    logged = told(FakeWorkspace, "balance-head", **{"balance-athlete": "maya"})
    assert '"balance-weeks-card":{"hidden":false}' in logged


def test_only_who_is_known_has_an_archive() -> None:
    """The page for a name that is new offers no archive, which would be a page that is not there."""
    for name, known in (("maya", True), ("zoe", False), ("", False)):
        said = told(FakeWorkspace, "upload-all", **{"upload-athlete": name})
        assert ("Download the archive" in said) == known


def test_no_stretch_yet_says_how_many_runs_there_are() -> None:
    """What is missing is a number."""
    said = told(FakeWorkspace, "stretches-head", **{"stretches-athlete": "new runner/2"})
    assert "new runner/2 has 6 runs so far." in said


def test_a_chart_of_nothing_has_an_axis_of_days() -> None:
    """Without a point plotly would take an axis of numbers, and complain of the format of its days."""
    nothing = pl.DataFrame(schema={"date": pl.Date, "category": pl.String, "dose": pl.Float64})
    assert dose_by_category(nothing).layout.xaxis.type == "date"


def test_what_a_run_lacks_is_said_in_its_place(run_id: str) -> None:
    """Without positions no map, without labels no figures of the grounds: a sentence each."""
    said = told(Treadmill, "run-head", **{"run-id": run_id})
    assert '"run-track":{"hidden":true}' in said
    assert "This recording has no positions, so there is no track to draw." in said
    assert said.count("No part of this run could be called technical or smooth.") == 3
    profile = told(Treadmill, "run-profile", **{"run-id": run_id})
    assert '"run-not-drawn":{"children":"Not in this recording, and so not drawn: altitude."}' in profile
    assert '"run-drawn":{"hidden":false}' in profile


class Hidden(FakeWorkspace):
    """Runs that lie wholly within a privacy zone."""

    def load_track(self, run_id: str) -> pl.DataFrame:
        return super().load_track(run_id).clear()

    def load_zones(self, athlete_id: str) -> pl.DataFrame:
        return pl.DataFrame({"athlete_id": [athlete_id], "zone_id": ["z"]})


def test_what_a_zone_hides_is_not_called_missing(run_id: str) -> None:
    """Of a run wholly within a privacy zone that is said, not that its recording lacks anything."""
    said = told(Hidden, "run-head", **{"run-id": run_id})
    assert "A privacy zone hides all of it; results are those of the whole run." in said
    assert '"run-track":{"hidden":true}' in said
    assert "This recording has no" not in said
    profile = told(Hidden, "run-profile", **{"run-id": run_id})
    assert '"run-drawn":{"hidden":true}' in profile
    assert '"run-not-drawn":{"children":""}' in profile


def test_a_whole_run_lacks_nothing(run_id: str) -> None:
    """Where all was recorded the track is shown and nothing is said to be missing."""
    assert '"run-track":{"hidden":false}' in told(FakeWorkspace, "run-head", **{"run-id": run_id})
    assert '"run-not-drawn":{"children":""}' in told(FakeWorkspace, "run-profile", **{"run-id": run_id})


@pytest.mark.parametrize(
    ("rows", "has_distance", "said"),
    [
        (["altitude", "cadence", "variability"], True, ""),
        (["altitude", "cadence"], True, TOO_LITTLE),
        (["altitude"], True, "Not in this recording, and so not drawn: usable running cadence."),
        ([], True, "Not in this recording, and so not drawn: altitude and usable running cadence."),
        ([], False, "This recording has no distance to draw anything along."),
    ],
)
def test_what_is_not_drawn(rows: list[str], has_distance: bool, said: str) -> None:
    """One sentence for what the profile lacks; variability is missed only where cadence is there."""
    assert not_drawn(rows, has_distance=has_distance) == said


@pytest.mark.parametrize(
    ("component", "values", "href"),
    [
        ("run-head", {"run-id": "nope"}, "/athlete/maya/runs"),
        ("answer-head", {"answer-athlete": "nope"}, "/athlete/maya"),
        ("page", {"url": "/nowhere"}, "/"),
    ],
)
def test_a_wrong_address_has_ways_back(component: str, values: dict[str, str], href: str) -> None:
    """What is not there is said, and a link leads to what is."""
    assert f'"href":"{href}"' in told(FakeWorkspace, component, **values)


def test_an_unknown_run_of_an_empty_workspace_leads_to_the_start() -> None:
    """Where there is no athlete there are no runs to choose."""
    said = told(EmptyWorkspace, "run-head", **{"run-id": "nope"})
    assert '"href":"/"' in said
    assert "Whose runs" not in said


def test_the_answer_says_how_many_runs_it_takes() -> None:
    """Runs of a watch that has too few of them count and are not in the answer: both numbers are told."""
    counting = FakeWorkspace().load_runs("maya")["counts"].sum()
    told_of = told(Beginner, "answer-head", **{"answer-athlete": "maya"})
    assert f'"{counting}"' in told_of
    assert "of 118 runs read, 12 of them in the answer" in told_of
    assert "of them in the answer" not in told(FakeWorkspace, "answer-head", **{"answer-athlete": "maya"})
