"""The first answer to an address: layout and callbacks in it, and the first answers asked for once."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from browsing import WAIT_MS, Seen, serve
from dash import Dash
from fake_workspace import FakeWorkspace
from flask.testing import FlaskClient
from playwright.sync_api import expect

from dashboard.app import build_app
from dashboard.components import ASSETS
from dashboard.first_page import EARLY

HOST = {"Host": "127.0.0.1:8050"}
UPDATE = "/_dash-update-component"
# Counts how often plotly draws each chart.
COUNT = """() => {
  window.drawn = [];
  let plotly;
  Object.defineProperty(window, "Plotly", {
    get: () => plotly,
    set: (given) => {
      const draw = given.react;
      if (draw) {
        given.react = (chart, ...rest) => {
          window.drawn.push(chart.parentElement.id);
          return draw(chart, ...rest);
        };
      }
      plotly = given;
    },
  });
}"""


@pytest.fixture(scope="module")
def app(workspace: FakeWorkspace) -> Dash:
    """The dashboard over the invented runners."""
    return build_app(workspace)


@pytest.fixture
def client(app: Dash) -> FlaskClient:
    """A browser without scripts."""
    client: FlaskClient = app.server.test_client()
    return client


@pytest.fixture(scope="module")
def address(workspace: FakeWorkspace) -> Iterator[str]:
    """Where the dashboard over the invented runners is served."""
    with serve(workspace) as address:
        yield address


def first_of(client: FlaskClient, path: str) -> dict[str, Any]:
    """What stands in the page at an address."""
    held = re.search(r'<script id="first" type="application/json">(.*?)</script>', _html(client, path))
    assert held is not None
    found: dict[str, Any] = json.loads(held[1])
    return found


def _html(client: FlaskClient, path: str) -> str:
    return client.get(path, headers=HOST).text


def test_a_run_asks_for_what_it_shows(client: FlaskClient, run_id: str) -> None:
    """The page of a run stands in its HTML, and its answers are asked for: who runs, the run, its profile."""
    first = first_of(client, f"/run/{run_id}")
    assert '"run-body"' in json.dumps(first["layout"])
    assert first["callbacks"] == client.get("/_dash-dependencies", headers=HOST).get_json()
    asked = {question["output"].strip(".").split("...")[0]: question for question in first["questions"]}
    assert set(asked) == {"athlete.data", "run-head.children", "run-profile.figure"}
    assert asked["run-head.children"]["inputs"][0] == {"id": "run-id", "property": "data", "value": run_id}
    assert asked["run-head.children"]["inputs"][1] == {"id": "colours", "property": "data", "value": None}


@pytest.mark.parametrize(
    "path", ["/", "/athlete/maya/runs", "/athlete/new%20runner%2F2", "/roster", "/plan", "/nowhere"]
)
def test_what_is_asked_first_is_answered(client: FlaskClient, path: str) -> None:
    """On every page the first questions are such as the guard lets through, also with nothing filled in."""
    questions = first_of(client, path)["questions"]
    assert questions
    for question in questions:
        assert client.post(UPDATE, json=question, headers=HOST).status_code in (200, 204)


def test_a_name_of_an_address_stays_text(client: FlaskClient) -> None:
    """What an address says cannot end the script that it stands in."""
    page = _html(client, "/athlete/%3C%2Fscript%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert page.count("</script>") == page.count("<script")


def test_scripts_that_nothing_needs_are_not_served(client: FlaskClient) -> None:
    """Dash's polyfills and its table are not asked for; the one polyfill that is needed is as published."""
    page = _html(client, "/")
    assert "/dash/deps/react" in page
    assert "polyfill" not in page
    assert "/dash_table/" not in page
    runtime = ASSETS / EARLY[1]
    stated = re.search(r"SHA-256: (\w+)", (runtime.parent / "LICENSE.txt").read_text(encoding="utf-8"))
    assert stated is not None
    assert hashlib.sha256(runtime.read_bytes()).hexdigest() == stated[1]


def test_a_grid_is_loaded_where_there_is_one(client: FlaskClient, run_id: str) -> None:
    """The script of grids stands in the pages that have one, and is left for later in the others."""
    for path, has_grid in ((f"/run/{run_id}", False), ("/athlete/maya", False), ("/roster", True)):
        assert (re.search(r'<script src="[^"]+dash_ag_grid', _html(client, path)) is not None) == has_grid
        assert "dash_ag_grid" in first_of(client, path)["grid"]


def test_a_grid_comes_with_the_page_that_has_it(desktop: Seen, address: str, run_id: str) -> None:
    """From a page without a grid the list of runs is opened at once: the script is waited for."""
    page = desktop.open(f"{address}/run/{run_id}", "#nav a")
    page.get_by_role("link", name="Runs", exact=True).first.press("Enter")
    page.wait_for_selector(".ag-row a", timeout=WAIT_MS)
    assert desktop.complaints == []


def test_a_run_is_asked_for_once_and_drawn_once(desktop: Seen, address: str, run_id: str) -> None:
    """Layout and callbacks are not asked for, no question is asked twice, and no chart is drawn empty."""
    asked: list[str] = []
    desktop.page.on(
        "request",
        lambda sent: asked.append(json.loads(sent.post_data)["output"]) if UPDATE in sent.url else None,
    )
    desktop.page.add_init_script(f"({COUNT})()")
    page = desktop.open(f"{address}/run/{run_id}", "#run-profile .scatterlayer .trace")
    expect(page.locator("#run-segments tbody tr").first).to_be_attached(timeout=WAIT_MS)
    page.wait_for_load_state("networkidle")
    assert not {"/_dash-layout", "/_dash-dependencies"} & desktop.paths
    assert len(asked) == len(set(asked)) == 3
    assert sorted(page.evaluate("window.drawn")) == ["run-map", "run-profile", "run-repeats"]
    assert desktop.complaints == []


def test_a_run_opens_from_the_list_in_the_same_page(desktop: Seen, address: str) -> None:
    """A run is opened from the list without loading anything anew, and back leads to the list."""
    page = desktop.open(f"{address}/athlete/maya/runs", ".ag-row a")
    page.evaluate("window.sameDocument = true")
    link = page.locator(".ag-row a").first
    href = link.get_attribute("href")
    link.click()
    page.wait_for_selector("#run-profile .scatterlayer .trace", timeout=WAIT_MS)
    assert page.url == f"{address}{href}"
    assert page.evaluate("window.sameDocument")
    page.go_back()
    page.wait_for_selector(".ag-row a", timeout=WAIT_MS)
    assert desktop.complaints == []
