"""The app as it is served: addresses, headers, and what a hostile request gets."""

import copy
import hashlib
import random
import re
from typing import Any

import pytest
from dash import Dash
from fake_workspace import HOSTILE, EmptyWorkspace, FakeWorkspace
from flask.testing import FlaskClient

from dashboard import app as dashboard_app
from dashboard.app import build_app, create_app, find_page
from dashboard.components import ASSETS
from dashboard.pages import answer, balance, not_found, plan, roster, run, runs, settings, stretches, upload
from pipeline.errors import SurefootError

HOST = {"Host": "127.0.0.1:8050"}
CALLBACK = "/_dash-update-component"


@pytest.fixture(scope="module")
def app(workspace: FakeWorkspace) -> Dash:
    """The dashboard over the invented runners."""
    return build_app(workspace)


@pytest.fixture(scope="module")
def client(app: Dash) -> FlaskClient:
    """A client that sees answers of status 500 instead of exceptions, as a browser does."""
    app.server.config["PROPAGATE_EXCEPTIONS"] = False
    client: FlaskClient = app.server.test_client()
    return client


def _body(app: Dash, component: str, **values: Any) -> dict[str, Any]:
    """A sound request for the callback that fills a component."""
    key = next(
        key for key in app.callback_map if f"{component}." in key and "callback" in app.callback_map[key]
    )
    spec = app.callback_map[key]
    names = key.strip(".").split("...") if key.startswith("..") else [key]
    outputs = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]
    inputs = [{**item, "value": values.get(item["id"])} for item in spec["inputs"]]
    return {
        "output": key,
        "outputs": outputs if key.startswith("..") else outputs[0],
        "inputs": inputs,
        "changedPropIds": [f"{item['id']}.{item['property']}" for item in inputs[:1]],
        "state": [{**item, "value": None} for item in spec["state"]],
    }


@pytest.fixture(scope="module")
def bodies(app: Dash, run_id: str) -> list[dict[str, Any]]:
    """A sound request for every callback that reaches the server."""
    return [
        _body(app, "page", url="/athlete/maya"),
        _body(app, "nav", url="/athlete/maya"),
        _body(app, "answer-head", **{"answer-athlete": "maya", "colours": "dark"}),
        _body(app, "runs-grid", **{"runs-athlete": "maya"}),
        _body(app, "roster-grid", **{"roster-open": "yes"}),
        _body(app, "roster-forest", **{"roster-open": "yes", "colours": "dark", "url": "?group=juniors"}),
        _body(app, "plan-kept", **{"plan-athlete": "maya"}),
        _body(app, "plan-designs", **{"plan-athlete": "maya", "colours": "dark"}),
        _body(app, "run-head", **{"run-id": run_id, "colours": "light"}),
        _body(app, "run-profile", **{"run-id": run_id, "url": "?km=1-2"}),
        _body(app, "stretches-head", **{"stretches-athlete": "maya", "stretches-asked": "stretch1"}),
        _body(app, "stretches-chart", **{"stretches-choice": "stretch1", "stretches-athlete": "maya"}),
        _body(app, "balance-head", **{"balance-athlete": "maya"}),
        _body(app, "balance-calendar", **{"balance-athlete": "maya", "url": "?month=2026-03"}),
        _body(app, "answer-due", **{"answer-athlete": "maya"}),
        _body(app, "answer-dose", **{"answer-dose-card-opened": "yes"}),
        _body(app, "answer-half-lives", **{"answer-half-lives-card-opened": "yes"}),
        _body(app, "answer-leftover", **{"answer-leftover-card-opened": "yes"}),
        _body(app, "upload-all", **{"upload-athlete": "maya"}),
        _body(app, "settings-head", **{"settings-athlete": "maya"}),
        _body(app, "settings-starts", **{"settings-athlete": "maya", "colours": "dark"}),
    ]


@pytest.mark.parametrize(
    ("pathname", "page", "given"),
    [
        ("/", answer, {}),
        ("/athlete/maya", answer, {"athlete_id": "maya"}),
        ("/athlete/new%20runner%2F2/runs", runs, {"athlete_id": "new runner/2"}),
        ("/athlete/maya/balance", balance, {"athlete_id": "maya"}),
        ("/athlete/maya/upload", upload, {"athlete_id": "maya"}),
        ("/upload", upload, {}),
        ("/athlete/maya/stretches", stretches, {"athlete_id": "maya", "stretch_id": ""}),
        ("/athlete/maya/stretches/ab12", stretches, {"athlete_id": "maya", "stretch_id": "ab12"}),
        ("/athlete/maya/stretches/ab12/more", not_found, {}),
        ("/run/abc", run, {"run_id": "abc"}),
        ("/athlete/maya/plan", plan, {"athlete_id": "maya"}),
        ("/athlete/maya/settings", settings, {"athlete_id": "maya"}),
        ("/plan", plan, {}),
        ("/roster", roster, {}),
        ("/run", not_found, {}),
        ("/athlete/maya/other", not_found, {}),
    ],
)
def test_addresses_find_their_page(pathname: str, page: object, given: dict[str, str]) -> None:
    """Each address has one page, and encoded names come back whole."""
    assert find_page(pathname) == (page, given)


def test_every_callback_is_covered_here(app: Dash, bodies: list[dict[str, Any]]) -> None:
    """The list of sound requests names every callback of the server."""
    at_server = {key for key, spec in app.callback_map.items() if "callback" in spec}
    assert {body["output"] for body in bodies} == at_server


def test_sound_requests_are_answered(client: FlaskClient, bodies: list[dict[str, Any]]) -> None:
    """What a browser sends is answered."""
    assert [client.post(CALLBACK, json=body, headers=HOST).status_code for body in bodies] == [200] * len(
        bodies
    )


def test_security_headers_on_every_answer(client: FlaskClient) -> None:
    """Pages, assets and refusals carry the policy; nothing but this host may be loaded."""
    for path in ("/", "/assets/app.css", "/_dash-layout", "/assets/none.js"):
        with client.get(path, headers=HOST) as answered:
            headers = answered.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe-eval" not in policy
        assert "http" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_scripts_are_asked_for_once(client: FlaskClient) -> None:
    """What has its version in its address is kept for a year; what has not is asked for again."""
    page = client.get("/", headers=HOST).text
    named = re.findall(r'(?:src|href)="(/(?:assets|_dash-component-suites)/[^"]+)"', page)
    assert len(named) > 20
    assert [path for path in named if "max-age=31536000" not in _kept(client, path)] == []
    for path in ("/assets/app.js", "/assets/none.js?m=1", "/assets/icons/sun.svg"):
        assert "31536000" not in _kept(client, path)


def test_fonts_are_asked_for_by_what_is_in_them(client: FlaskClient) -> None:
    """A font's address has the head of its SHA-256, so that it is kept; the page asks early for the first."""
    named = re.findall(r"url\((fonts/[^?]+)\?m=(\w+)\)", (ASSETS / "app.css").read_text(encoding="utf-8"))
    assert len(named) == 4
    for path, version in named:
        assert hashlib.sha256((ASSETS / path).read_bytes()).hexdigest().startswith(version)
    assert 'href="/assets/{}?m={}" as="font"'.format(*named[0]) in client.get("/", headers=HOST).text


def _kept(client: FlaskClient, path: str) -> str:
    """How long a browser may keep a file."""
    with client.get(path, headers=HOST) as answer:
        return answer.headers.get("Cache-Control", "")


def test_the_page_names_no_other_host(client: FlaskClient) -> None:
    """The HTML loads nothing from elsewhere and says its language."""
    html = client.get("/", headers=HOST).text
    assert '<html lang="en">' in html
    assert "//" not in html.split("</head>")[1].replace("://", "").split("_dash-config")[0]
    assert 'src="http' not in html
    assert 'href="http' not in html


def test_no_runner_is_in_the_page_itself(client: FlaskClient) -> None:
    """Layouts are skeletons: names come by callback alone."""
    for path in ("/", "/athlete/maya", "/_dash-layout", "/_dash-dependencies"):
        assert "Example Watch" not in client.get(path, headers=HOST).text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8050", ""])
def test_other_host_names_are_refused(client: FlaskClient, host: str) -> None:
    """A name that another site points at this machine gets nothing (DNS rebinding)."""
    assert client.get("/", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost:8050", "127.0.0.1"])
def test_own_host_names_are_served(client: FlaskClient, host: str) -> None:
    """Both names of this machine work."""
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_other_sites_cannot_call(
    client: FlaskClient, bodies: list[dict[str, Any]], headers: dict[str, str]
) -> None:
    """A callback from another origin is forbidden."""
    assert client.post(CALLBACK, json=bodies[0], headers=HOST | headers).status_code == 403


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"1", b'"x"', b"{}", b'{"output": 1}', b'{"output": "a.b"}', b"\xff\xfe"],
)
def test_broken_bodies_are_refused(client: FlaskClient, content: bytes) -> None:
    """What is no request of this app is a 400."""
    answered = client.post(CALLBACK, data=content, headers=HOST, content_type="application/json")
    assert answered.status_code == 400


def test_a_large_body_is_refused(client: FlaskClient) -> None:
    """More than a mebibyte is not read."""
    content = b'{"output": "' + b"x" * (1 << 20) + b'"}'
    answered = client.post(CALLBACK, data=content, headers=HOST, content_type="application/json")
    assert 400 <= answered.status_code < 500


def test_browser_callbacks_cannot_be_called_at_the_server(app: Dash, client: FlaskClient) -> None:
    """A callback without a function of Python is a 400."""
    only_browser = [key for key, spec in app.callback_map.items() if "callback" not in spec]
    assert only_browser
    for key in only_browser:
        body = {"output": key, "outputs": [], "inputs": [], "changedPropIds": []}
        assert client.post(CALLBACK, json=body, headers=HOST).status_code == 400


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, child in children for place in _places(child, (*path, key)))]


def test_mutated_bodies_never_break_the_server(client: FlaskClient, bodies: list[dict[str, Any]]) -> None:
    """Whatever one part of a request is changed to, the answer is below 500."""
    rng = random.Random(5)
    junk = [
        None,
        0,
        -1.5,
        True,
        "",
        "x",
        "/run/../x",
        "\u0000",
        HOSTILE,
        [],
        [[]],
        {},
        {"id": 1},
        ["a"],
        "9" * 3000,
    ]
    for body in bodies:
        places = [place for place in _places(body) if place]
        for place in rng.sample(places, min(len(places), 25)):
            for value in [*rng.sample(junk, 4), KeyError]:
                mutated = copy.deepcopy(body)
                node = mutated
                for key in place[:-1]:
                    node = node[key]
                if value is KeyError:
                    del node[place[-1]]
                else:
                    node[place[-1]] = value
                answered = client.post(CALLBACK, json=mutated, headers=HOST)
                assert answered.status_code < 500, (place, value)


def test_an_unknown_athlete_gets_words(app: Dash, client: FlaskClient) -> None:
    """An id that is not there is answered by a sentence, its text as text."""
    body = _body(app, "answer-head", **{"answer-athlete": HOSTILE + "x"})
    answered = client.post(CALLBACK, json=body, headers=HOST)
    assert "No such athlete." in answered.text


def test_an_unknown_run_gets_words(app: Dash, client: FlaskClient) -> None:
    """A run that is not there is answered by a sentence."""
    answered = client.post(CALLBACK, json=_body(app, "run-head", **{"run-id": "nope"}), headers=HOST)
    assert "No such run." in answered.text


def test_an_empty_workspace_says_what_to_type() -> None:
    """The first screen of all names the next command."""
    app = build_app(EmptyWorkspace())
    answered = app.server.test_client().post(CALLBACK, json=_body(app, "answer-head"), headers=HOST)
    assert "surefoot analyse PATH --athlete ID" in answered.text


def test_runs_without_a_log_say_what_to_type(app: Dash, client: FlaskClient) -> None:
    """A runner without an answer is told the next commands, quoted for the shell."""
    body = _body(app, "answer-head", **{"answer-athlete": "new runner/2"})
    answered = client.post(CALLBACK, json=body, headers=HOST)
    told = answered.text.encode().decode("unicode_escape")
    assert "surefoot log FILE --athlete 'new runner/2'" in told


def test_no_coordinates_leave_the_server(app: Dash, client: FlaskClient, run_id: str) -> None:
    """The run page gets metres about the start: neither name nor value of a position is in it."""
    answered = client.post(CALLBACK, json=_body(app, "run-head", **{"run-id": run_id}), headers=HOST)
    assert "lat_deg" not in answered.text
    assert "-100.0" not in answered.text


def test_a_folder_that_is_no_workspace_is_one_sentence(tmp_path: Any) -> None:
    """A wrong folder raises an error for people."""
    with pytest.raises(SurefootError, match="workspace"):
        create_app(tmp_path / "nothing")


def test_a_workspace_that_cannot_be_read_is_one_sentence(client: FlaskClient) -> None:
    """What the workspace says of itself reaches the browser as text, not as a crash."""

    class Locked(FakeWorkspace):
        def load_effects(self, athlete_id: str) -> Any:
            raise SurefootError("the catalogue is damaged", "restore it")

    app = build_app(Locked())
    answered = app.server.test_client().post(CALLBACK, json=_body(app, "answer-head"), headers=HOST)
    assert (answered.status_code, answered.mimetype) == (503, "text/plain")
    assert answered.text == "the catalogue is damaged: restore it"


def test_debug_is_off(app: Dash) -> None:
    """Neither Dash's nor Flask's debugging is on, and suppressing layouts is."""
    assert app.server.debug is False
    assert app.config.suppress_callback_exceptions is True
    assert not app.config.get("ui", False)
    pages = (answer, runs, run, stretches, balance, upload, plan, roster, settings)
    assert pages == dashboard_app.PAGES
