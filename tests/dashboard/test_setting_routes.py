"""What the page Settings asks the server to change, by those who mean well and those who do not."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard import setting_words
from dashboard.app import create_app
from dashboard.ground import lay_tiles
from dashboard.queries import local_positions
from pipeline import jobs
from pipeline.batch import find_files, import_files
from pipeline.privacy import find_hidden
from pipeline.workspace import Workspace
from tests import made_runs
from tests.imports import HereEngine

HOST = {"Host": "localhost"}
TILES = "https://tiles.example/{z}/{x}/{y}.png"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of the made loop."""
    path = tmp_path_factory.mktemp("settings")
    (path / "0.fit").write_bytes(made_runs.fit_file(0))
    with Workspace(path / "w") as workspace:
        import_files(workspace, find_files([path], path / "w"), "ada", HereEngine())
    return path / "w"


@pytest.fixture
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That workspace with nothing set, and no process for long work."""
    with Workspace(made) as workspace, workspace._writing() as connection:
        for table in ("zones", "settings", "groups", "jobs", "meta"):
            where = " WHERE key = 'tiles'" if table == "meta" else ""
            connection.exec_driver_sql(f"DELETE FROM {table}{where}")
    monkeypatch.setattr("dashboard.worker.Worker.start", lambda self: None)
    return made


@pytest.fixture
def client(folder: Path) -> FlaskClient:
    """A browser without a browser."""
    client: FlaskClient = create_app(folder).server.test_client()
    return client


def post(client: FlaskClient, path: str, body: Any, athlete: str = "ada") -> tuple[int, dict[str, Any]]:
    """Status and answer."""
    answered = client.post(f"/_settings/{path}", json=body, query_string={"athlete": athlete}, headers=HOST)
    return answered.status_code, answered.get_json(silent=True) or {}


def test_a_setting_is_kept_and_its_undo_is_told(client: FlaskClient, folder: Path) -> None:
    """What was there before comes back with the answer; what is refused says why and changes nothing."""
    assert post(client, "change", {"key": "sessions_max", "value": "5"}) == (
        *(200, {"value": "5", "undo": "", "is_due": False}),
    )
    assert post(client, "change", {"key": "sessions_max", "value": ""})[1]["undo"] == "5"
    status, said = post(client, "change", {"key": "sessions_max", "value": "1"})
    assert (status, said["said"]) == (409, "Sessions_min would be above sessions_max: set sessions_max first")


def test_another_half_life_is_a_job_and_its_record_stays(client: FlaskClient, folder: Path) -> None:
    """The page is told that work is due; after the process has done it the answer has the new half-life."""
    assert post(client, "change", {"key": "half_life_days", "value": "28"})[1]["is_due"]
    work = client.get("/_settings/work?athlete=ada", headers=HOST).get_json()
    assert work == {"is_open": True, "failed": "", "declared": 28.0, "answered": 21.0}
    jobs.work(folder)
    work = client.get("/_settings/work?athlete=ada", headers=HOST).get_json()
    assert (work["is_open"], work["answered"]) == (False, 28.0)
    listed = client.get("/_upload/list?athlete=ada", headers=HOST).get_json()
    assert listed == []


def test_a_zone_hides_is_taken_back_and_hides_again(client: FlaskClient, folder: Path) -> None:
    """Made by the start of a run, removed and restored by its number alone: its place is never told."""
    [start] = setting_words.page_data(opened(folder), "ada")["starts"]
    status, said = post(client, "zone", {"name": "home", "radius_m": "300", "run": start["run"]})
    assert status == 200
    data = setting_words.page_data(opened(folder), "ada")
    assert [zone["name"] for zone in data["zones"]] == ["home"]
    assert data["starts"] == []
    assert "deg" not in json.dumps(data)
    assert post(client, "zone", {"name": "home", "radius_m": 300, "lat_deg": 1, "lon_deg": 2})[0] == 409
    assert post(client, "zone/remove", {"zone": said["zone"]})[0] == 200
    assert len(setting_words.page_data(opened(folder), "ada")["starts"]) == 1
    assert post(client, "zone/restore", {"zone": said["zone"]})[0] == 200
    assert setting_words.page_data(opened(folder), "ada")["starts"] == []
    assert post(client, "zone/restore", {"zone": "0"})[0] == 409


def test_groups_are_kept_tidied_and_their_undo_is_told(client: FlaskClient, folder: Path) -> None:
    """A text with commas; what was there before comes back; what is refused changes nothing."""
    assert post(client, "groups", {"value": " juniors,injured ,juniors"}) == (
        *(200, {"value": "injured, juniors", "undo": ""}),
    )
    assert post(client, "groups", {"value": "a\u202eb"})[0] == 409
    data = setting_words.page_data(opened(folder), "ada")
    assert (data["groups"], data["known_groups"]) == ("injured, juniors", ["injured", "juniors"])
    assert post(client, "groups", {"value": ""})[1] == {"value": "", "undo": "injured, juniors"}
    assert setting_words.page_data(opened(folder), "ada")["groups"] == ""


def opened(folder: Path) -> Any:
    from dashboard.memo import KeptWorkspace

    return KeptWorkspace(folder)


WRONG: list[tuple[str, Any]] = [
    ("change", {"key": "units"}),
    ("change", {"key": "units", "value": 1}),
    ("change", {"key": "units", "value": "km", "more": "x"}),
    ("change", ["units"]),
    ("change", {"key": "units", "value": "\0"}),
    ("change", {"key": "units", "value": "x" * 3000}),
    ("tiles", {"value": None}),
    ("tiles", {}),
    ("groups", {"value": ["juniors"]}),
    ("groups", {}),
    ("zone", {"name": "a", "radius_m": True, "run": "r"}),
    ("zone", {"name": "a", "radius_m": None, "run": "r"}),
    ("zone", {"name": "a", "radius_m": 200, "run": ["r"]}),
    ("zone", {"name": 1, "radius_m": 200, "run": "r"}),
    ("zone", {"name": "a", "radius_m": 200}),
    ("zone/remove", {"zone": {}}),
]


@pytest.mark.parametrize(("path", "body"), WRONG)
def test_what_this_page_does_not_send_is_a_plain_400(client: FlaskClient, path: str, body: Any) -> None:
    """No body of another shape gets further than the first look at it."""
    assert post(client, path, body)[0] == 400


def test_strangers_and_other_sites_are_refused(client: FlaskClient) -> None:
    """An unknown athlete is a 404, another site's page a 403, another verb of a zone a 404."""
    assert post(client, "change", {"key": "units", "value": "mi"}, athlete="nobody")[0] == 404
    assert client.get("/_settings/work?athlete=nobody", headers=HOST).status_code == 404
    assert post(client, "zone/steal", {"zone": "x"})[0] == 404
    other = {**HOST, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answered = client.post("/_settings/tiles?athlete=ada", json={"value": TILES}, headers=other)
    assert answered.status_code == 403


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
VALUES = st.one_of(JSON, st.sampled_from(["mi", "28", "1e9", "nan", "-0", "home", TILES, "½", "१"]))
KEYS = ("key", "value", "name", "radius_m", "run", "lat_deg", "lon_deg", "zone")


@given(path=st.sampled_from(["change", "tiles", "groups", "zone", "zone/remove"]), data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hostile_bodies_are_never_a_crash(client: FlaskClient, path: str, data: st.DataObject) -> None:
    """Whatever JSON comes: done, or a clean 4xx with a sentence."""
    names = {"change": ("key", "value"), "tiles": ("value",), "groups": ("value",)}
    names |= {"zone": KEYS[2:7], "zone/remove": ("zone",)}
    body = {name: data.draw(VALUES) for name in names[path] if data.draw(st.booleans())}
    status, _ = post(client, path, body)
    assert status == 200 or 400 <= status < 500


def policy(client: FlaskClient, path: str) -> str:
    return client.get(path, headers=HOST).headers["Content-Security-Policy"]


def test_without_tiles_no_host_is_named(client: FlaskClient, folder: Path) -> None:
    """No rule of any answer names another host; with tiles, pictures alone may come from theirs."""
    for path in ("/", "/athlete/ada/settings", "/_dash-layout", "/_dash-dependencies"):
        assert "://" not in policy(client, path)
    assert post(client, "tiles", {"value": TILES}) == (200, {"value": TILES, "undo": ""})
    rules = dict(rule.split(" ", 1) for rule in policy(client, "/athlete/ada/runs").split("; "))
    assert rules["img-src"] == "'self' data: blob: https://tiles.example"
    assert all("tiles.example" not in rule for name, rule in rules.items() if name != "img-src")
    assert "://" not in policy(client, "/_dash-layout")
    assert post(client, "tiles", {"value": "https://a.example; script-src *//{z}{x}{y}"})[0] == 409
    assert post(client, "tiles", {"value": ""})[1]["undo"] == TILES
    assert "://" not in policy(client, "/")


def fill_run(client: FlaskClient, run_id: str) -> dict[str, Any]:
    """All that the server sends for the page of a run: component -> property -> value."""
    values = {"run-id": run_id, "colours": "light", "run-changed": "", "url": ""}
    sent: dict[str, Any] = {}
    for each in client.get("/_dash-dependencies", headers=HOST).get_json():
        if each["clientside_function"] or "run-id" not in [given["id"] for given in each["inputs"]]:
            continue
        names = each["output"].strip(".").split("...")
        body = {
            "output": each["output"],
            "outputs": [dict(zip(("id", "property"), name.split("."), strict=True)) for name in names],
            "inputs": [{**given, "value": values[given["id"]]} for given in each["inputs"]],
            "changedPropIds": [],
        }
        answered = client.post("/_dash-update-component", json=body, headers=HOST)
        assert answered.status_code == 200
        sent |= answered.get_json()["response"]
    return sent


def numbers(sent: Any) -> list[float]:
    """The numbers of a chart as they are sent: a list, or the bytes of an array."""
    if isinstance(sent, list):
        return [float(value) for value in sent]
    return np.frombuffer(b64decode(sent["bdata"]), sent["dtype"]).astype(float).tolist()


@given(at=st.floats(0, 1), radius_m=st.floats(100, 1500))
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_hidden_second_or_position_is_sent(
    client: FlaskClient, folder: Path, at: float, radius_m: float
) -> None:
    """Wherever a zone lies on the run: map, profile, path, tables and all of its CSV show what is outside."""
    with Workspace(folder) as workspace, workspace._writing() as connection:
        connection.exec_driver_sql("DELETE FROM zones")
        run_id = workspace.load_runs("ada")["run_id"][0]
        track = workspace.load_track(run_id)
    known = track.drop_nulls("lat_deg")
    lat, lon = known.select("lat_deg", "lon_deg").row(int(at * (len(known) - 1)))
    status, _ = post(client, "zone", {"name": "z", "radius_m": radius_m, "lat_deg": lat, "lon_deg": lon})
    assert status == 200
    with Workspace(folder, read_only=True) as workspace:
        hidden = find_hidden(track, workspace.load_zones("ada"))
    shown = track.filter(~pl.Series(hidden.is_hidden))
    assert len(shown) < len(track)
    sent = fill_run(client, run_id)
    places = set(local_positions(shown).select("east_m", "north_m").iter_rows())
    for trace in sent["run-map"]["figure"]["data"]:
        if trace["name"] in ("technical", "smooth", "unlabelled", "start"):
            drawn = zip(numbers(trace["x"]), numbers(trace["y"]), strict=True)
            assert {(round(x, 1), round(y, 1)) for x, y in drawn if x == x} <= places
    path = sent["run-shown"]["data"]["path"]
    assert set(zip(path["east_m"], path["north_m"], strict=True)) <= places
    secret_m = np.sort(track.filter(pl.Series(hidden.is_hidden))["distance_m"].drop_nulls().to_numpy())
    shown_m = np.sort(shown["distance_m"].drop_nulls().to_numpy())
    for trace in sent["run-profile"]["figure"]["data"][:2]:
        for km in numbers(trace["x"]):
            assert is_shown(1000 * km, shown_m, secret_m)
    for name in ("profile", "track", "variability"):
        answered = client.get(f"/_data/{name}.csv", query_string={"run": run_id}, headers=HOST)
        seconds = pl.read_csv(answered.data)["elapsed_s"].to_numpy().astype(float)
        assert not hidden.at(seconds).any()
        assert "deg" not in answered.get_data(as_text=True).split("\n")[0]
    answered = client.get("/_data/segments.csv", query_string={"run": run_id}, headers=HOST)
    segments = pl.read_csv(answered.data)
    for column in ("start_s", "end_s"):
        assert not hidden.at(segments[column].to_numpy()).any()


def test_a_run_says_which_end_is_hidden(client: FlaskClient, folder: Path) -> None:
    """The loop begins and ends at one place: with a zone there the page says so, and its mark is no start."""
    with Workspace(folder, read_only=True) as workspace:
        [run_id] = workspace.load_runs("ada")["run_id"]
    before = json.dumps(fill_run(client, run_id))
    assert "A privacy zone hides" not in before
    assert '"Start"' in before
    assert post(client, "zone", {"name": "z", "radius_m": 200, "run": run_id})[0] == 200
    after = json.dumps(fill_run(client, run_id))
    assert "A privacy zone hides the start and the end" in after
    assert '"Start"' not in after


def is_shown(metres: float, shown_m: Any, secret_m: Any) -> bool:
    """Whether a distance is of a shown second, as exact as charts are (0.1 m)."""
    off = np.abs(shown_m - metres).min()
    return bool(off < 0.11 or np.abs(secret_m - metres).min() > off)


def test_tiles_lie_where_the_track_is(folder: Path) -> None:
    """By hand: at zoom 1 the world is four tiles; the one north-east of 0, 0 covers a track there.

    Every tile's corners are where Mercator puts them, and together they cover the track with a margin.
    """
    track = pl.DataFrame({"lat_deg": [10.0, 40.0, 60.0], "lon_deg": [10.0, 60.0, 120.0]})
    tiles = lay_tiles(track, "https://t.example/{z}/{x}/{y}")
    assert {tile["url"].split("/")[2] for tile in tiles} == {"t.example"}
    west = min(tile["east_m"] for tile in tiles)
    east = max(tile["east_m"] + tile["width_m"] for tile in tiles)
    north = max(tile["north_m"] for tile in tiles)
    south = min(tile["north_m"] - tile["height_m"] for tile in tiles)
    metres = np.radians(1) * 6_371_008.8
    assert west < 0 < 110 * metres * np.cos(np.radians(10)) < east
    assert south < 0 < 50 * metres < north
    small = pl.DataFrame({"lat_deg": [45.001, 45.002], "lon_deg": [0.001, 0.002]})
    by_url = {tile["url"]: tile for tile in lay_tiles(small, "https://t.example/{z}/{x}/{y}")}
    assert len(by_url) <= 20
    url = next(iter(by_url))
    z, x, _ = map(int, url.rsplit("/", 3)[1:])
    assert z == 17
    left = (x / 2**z * 360 - 180 - 0.001) * metres * np.cos(np.radians(45.001))
    assert by_url[url]["east_m"] == pytest.approx(left)
    assert lay_tiles(small, "") == [] == lay_tiles(small.clear(), "https://t.example/{z}/{x}/{y}")
    beyond = pl.DataFrame({"lat_deg": [89.99], "lon_deg": [179.99]})
    assert lay_tiles(beyond, "https://t.example/{z}/{x}/{y}") == []  # Mercator ends at 85 degrees
