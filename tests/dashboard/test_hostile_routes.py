"""Every route of the dashboard gets what no page sends: below 500 it says so, and nothing breaks."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from dash import Dash
from fake_workspace import HOSTILE
from flask.testing import FlaskClient

from dashboard import worker
from dashboard.app import create_app
from dashboard.data_routes import OF_ALL, OF_ATHLETE, OF_RUN
from pipeline.batch import find_files, import_files
from pipeline.ingest.balance_log import parse_balance_log
from pipeline.log_changes import take_in_log
from pipeline.workspace import Workspace
from tests.imports import HereEngine
from tests.made_runs import fit_file

HOST = {"Host": "127.0.0.1:8050"}
LOG = b"date,drill,minutes\n2026-01-05,tree pose,10\n"
JUNK: tuple[Any, ...] = (
    *(None, 0, -1, 1e308, float("nan"), float("inf"), True, 2**70, "", "x", "\0", "\ud800", "é" * 50),
    *("../../etc/passwd", "%2e%2e%2f", HOSTILE, "9" * 3000, "2026-02-30", "-0001-01-01", "1e999"),
    *([], [[]], [None], {}, {"a": {}}, ["x"] * 2000, "'; DROP TABLE runs; --", "\u202e", "٣", "Infinity"),
)
BODIES = (b"", b"{", b"null", b"[]", b"\xff\xfe", b"PK\x03\x04", b"a,b\n" * 50, b'{"a":' * 5000, b"\0" * 500)
Asked = tuple[str, str, dict[str, Any], Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of ada's with a run and a log."""
    path = tmp_path_factory.mktemp("hostile")
    (path / "0.fit").write_bytes(fit_file(0))
    with Workspace(path / "w") as workspace:
        import_files(workspace, find_files([path / "0.fit"], workspace.path), "ada", HereEngine())
        take_in_log(workspace, "ada", parse_balance_log("log.csv", LOG, "ada"))
    return path / "w"


@pytest.fixture(scope="module")
def app(folder: Path) -> Iterator[Dash]:
    """The dashboard over it; no process is started."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(worker, "start_worker", lambda path: None)
        app = create_app(folder)
        app.server.config["PROPAGATE_EXCEPTIONS"] = False
        yield app


def sound(folder: Path) -> dict[str, list[Asked]]:
    """By rule what its page sends: method, path, query, body."""
    with Workspace(folder, read_only=True) as workspace:
        run = workspace.load_runs("ada")["run_id"][0]
        session = workspace.load_balance_sessions("ada")["session_id"][0]
    ada, job = {"athlete": "ada"}, "0" * 32
    put = {"session_id": session, "date": "2026-03-02", "drill": "plank", "minutes": "1"}
    mark = {"run": run, "start_m": 0, "end_m": 100, "terrain": "smooth"}
    zone = {"name": "home", "radius_m": "300", "run": run}
    return {
        "/_data/<name>.csv": [
            *(("GET", f"/_data/{name}.csv", ada, None) for name in OF_ATHLETE),
            *(("GET", f"/_data/{name}.csv", {"run": run}, None) for name in OF_RUN),
            *(("GET", f"/_data/{name}.csv", {}, None) for name in OF_ALL),
            *(("GET", f"/_data/{name}.csv", {"group": "juniors"}, None) for name in OF_ALL),
        ],
        "/_archive/athlete.zip": [("GET", "/_archive/athlete.zip", ada, None)],
        "/_log/template.csv": [("GET", "/_log/template.csv", {}, None)],
        "/_log/change": [("POST", "/_log/change", ada, {"remove": [session], "put": [put]})],
        "/_log/import": [("POST", "/_log/import", ada | {"name": "a.csv", "dates": "dmy"}, LOG)],
        "/_log/proposals": [
            ("POST", "/_log/proposals", ada, {"session_ids": [session], "status": "accepted"})
        ],
        "/_log/name": [("POST", "/_log/name", ada, {"logged": "tree pose", "drill": "plank"})],
        "/_marks/add": [("POST", "/_marks/add", ada, mark)],
        "/_marks/undo": [("POST", "/_marks/undo", ada, {"mark": "none"})],
        "/_plan/draw": [("POST", "/_plan/draw", ada, {"block_weeks": 4, "weeks": 8, "start": "2032-01-05"})],
        "/_plan/calendar.<kind>": [
            ("GET", "/_plan/calendar.ics", ada | {"start": "2032-01-05"}, None),
        ],
        "/_upload/begin": [("POST", "/_upload/begin", ada, {"files": [["x.fit", 1]]})],
        "/_upload/<job_id>/<int:number>": [("PUT", f"/_upload/{job}/0", {"offset": "0"}, b"abc")],
        "/_upload/<job_id>/finish": [("POST", f"/_upload/{job}/finish", {}, None)],
        "/_upload/<job_id>/drop": [("POST", f"/_upload/{job}/drop", {}, None)],
        "/_upload/list": [("GET", "/_upload/list", ada, None)],
        "/_settings/change": [("POST", "/_settings/change", ada, {"key": "half_life_days", "value": "21"})],
        "/_settings/tiles": [("POST", "/_settings/tiles", ada, {"value": ""})],
        "/_settings/groups": [("POST", "/_settings/groups", ada, {"value": "juniors, injured"})],
        "/_settings/zone": [("POST", "/_settings/zone", ada, zone)],
        "/_settings/zone/<what>": [("POST", "/_settings/zone/remove", ada, {"zone": "none"})],
        "/_settings/work": [("GET", "/_settings/work", ada, None)],
        "/healthz": [("GET", "/healthz", {}, None)],
        "/": [("GET", "/", {}, None)],
        "/<path:path>": [("GET", f"/run/{run}", {"km": "1-2"}, None), ("GET", "/athlete/ada/runs", {}, None)],
    }


# Dash's own: the callbacks have a test of their own (test_app.py), the rest are files.
OTHERS = (
    *("/_dash-update-component", "/_dash-layout", "/_dash-dependencies", "/_favicon.ico", "/_reload-hash"),
    *("/_dash-component-suites/", "/assets/", "/static/", "/_dash-config", "/_alive"),
)


def spoilt(asked: Asked, rng: random.Random) -> Asked:
    """The same with one part of its path, its query or its body changed."""
    method, path, query, body = copy.deepcopy(asked)
    part = rng.choice(["path", "query", "body"])
    if part == "path":
        pieces = path.split("/")
        at = rng.randrange(1, len(pieces))
        pieces[at] = quote(str(rng.choice(JUNK)).encode("utf-8", "surrogatepass"), safe="%") or "x"
        path = "/".join(pieces)[:4000]
    elif part == "query":
        name = rng.choice([*query, "athlete", "run", "offset", "start", "dates", "name", "weeks"])
        query[name] = str(rng.choice(JUNK)).encode("utf-8", "surrogatepass")
    elif isinstance(body, dict) and rng.random() < 0.8:
        places = [place for place in _places(body) if place]
        place = rng.choice(places)
        node: Any = body
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = rng.choice(JUNK)
    else:
        body = rng.choice(BODIES)
    return method, path, query, body


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, child in children for place in _places(child, (*path, key)))]


def ask(client: FlaskClient, asked: Asked) -> int:
    """Send it; the status."""
    method, path, query, body = asked
    sent: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
    answered = client.open(
        f"{path}?{urlencode(query)}", method=method, headers=HOST, **({} if body is None else sent)
    )
    answered.get_data()
    answered.close()
    return answered.status_code


def test_every_route_is_tried_here(app: Dash, folder: Path) -> None:
    """The list of sound requests knows every rule of the server that is not Dash's own."""
    rules = {rule.rule for rule in app.server.url_map.iter_rules()}
    assert {rule for rule in rules if not rule.startswith(OTHERS)} == set(sound(folder))


def test_sound_requests_are_answered(app: Dash, folder: Path) -> None:
    """What the pages send is done, or refused for a reason: nothing to undo, no such upload, no such run."""
    client = app.server.test_client()
    for rule, requests in sound(folder).items():
        for asked in requests:
            assert ask(client, asked) in (200, 404, 409), (rule, asked)


def test_hostile_requests_are_refused(app: Dash, folder: Path) -> None:
    """Whatever part of a request is replaced by whatever, the answer is below 500, and all is sound after."""
    rng, client = random.Random(11), app.server.test_client()
    before = sorted(folder.parent.iterdir())
    for rule, requests in sound(folder).items():
        for _ in range(12):
            asked = spoilt(rng.choice(requests), rng)
            assert ask(client, asked) < 500, (rule, asked)
    with Workspace(folder, read_only=True) as workspace:
        assert workspace.load_track(workspace.load_runs("ada")["run_id"][0]).height > 100
        assert workspace.are_tables_sound()
    assert sorted(folder.parent.iterdir()) == before
