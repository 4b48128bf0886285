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
from playwright.sync_api import Page, Route, expect

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
    assert set(asked) == {"page.children", "athlete.data", "run-head.children", "run-profile.figure"}
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


def questions_of(page: Page) -> list[str]:
    """The first output of every question that a page asks the server from now on, as it is asked."""
    asked: list[str] = []
    page.on(
        "request",
        lambda sent: (
            asked.append(json.loads(sent.post_data)["output"].strip(".").split("...")[0])
            if UPDATE in sent.url
            else None
        ),
    )
    return asked


def test_a_run_is_asked_for_once_and_drawn_once(desktop: Seen, address: str, run_id: str) -> None:
    """Layout, callbacks and page are not asked for, no question is asked twice, no chart is drawn empty."""
    asked = questions_of(desktop.page)
    desktop.page.add_init_script(f"({COUNT})()")
    page = desktop.open(f"{address}/run/{run_id}", "#run-profile .scatterlayer .trace")
    expect(page.locator("#run-segments tbody tr").first).to_be_attached(timeout=WAIT_MS)
    page.wait_for_load_state("networkidle")
    assert not {"/_dash-layout", "/_dash-dependencies"} & desktop.paths
    assert sorted(asked) == ["athlete.data", "run-head.children", "run-profile.figure"]
    assert sorted(page.evaluate("window.drawn")) == ["run-map", "run-profile", "run-repeats"]
    assert desktop.complaints == []


def test_a_long_table_is_whole_after_the_first_frame(desktop: Seen, address: str) -> None:
    """The rows that are in sight come first, all others after them in their order."""
    page = desktop.open(f"{address}/nowhere", ".notice")
    at_first = page.evaluate(
        """() => {
          const rows = Array.from({ length: 100 }, (_, i) => [String(i)]);
          const table = dash_clientside.surefoot.makeTable({ columns: ["n"], rows, right: [false] });
          document.body.append(table);
          table.id = "long";
          return table.tBodies[0].rows.length;
        }"""
    )
    assert 20 <= at_first < 100
    rows = page.locator("#long tbody tr")
    expect(rows).to_have_count(100, timeout=WAIT_MS)
    assert rows.all_text_contents() == [str(n) for n in range(100)]


def test_the_frame_is_there_before_the_answers(desktop: Seen, address: str, run_id: str) -> None:
    """While the server works on a run its page waits, whole; the frame and its links do not."""
    held: list[Route] = []
    asks_for_run = re.compile("run-(head|profile)")
    desktop.page.route(
        f"**{UPDATE}",
        lambda route: (
            held.append(route) if asks_for_run.search(route.request.post_data or "") else route.continue_()
        ),
    )
    page = desktop.open(f"{address}/run/{run_id}", "#nav a")
    assert page.locator("#page *").count() == 0
    for route in held:
        route.continue_()
    expect(page.locator("#run-head h1")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("#run-profile .scatterlayer .trace").first).to_be_attached(timeout=WAIT_MS)
    assert desktop.complaints == []


def test_a_closed_card_is_not_asked_for(desktop: Seen, address: str) -> None:
    """Of the answer's page only what is shown is asked for; each card once it is opened."""
    asked = questions_of(desktop.page)
    page = desktop.open(f"{address}/athlete/maya", "#answer-trend .scatterlayer .trace")
    page.wait_for_load_state("networkidle")
    assert sorted(asked) == ["answer-due.children", "answer-head.children", "athlete.data"]
    page.locator("#answer-dose-card summary").first.click()
    expect(page.locator("#answer-dose .scatterlayer .trace").first).to_be_attached(timeout=WAIT_MS)
    assert asked[3:] == ["answer-dose.figure"]


def test_an_answer_that_does_not_come_is_asked_for_again(desktop: Seen, address: str, run_id: str) -> None:
    """Where the early questions fail, or are not answered in time, the page is shown and Dash asks anew."""
    desktop.page.add_init_script(
        "const wait = AbortSignal.timeout; AbortSignal.timeout = (ms) => wait.call(AbortSignal, ms / 20)"
    )
    held: list[str] = []

    def lose_the_first(route: Route) -> None:
        asked = json.loads(route.request.post_data or "")["output"]
        if asked in held:
            return route.continue_()
        held.append(asked)
        return route.abort() if "profile" in asked else None

    desktop.page.route(f"**{UPDATE}", lose_the_first)
    page = desktop.open(f"{address}/run/{run_id}", "#run-head h1")
    expect(page.locator("#run-profile .scatterlayer .trace").first).to_be_attached(timeout=WAIT_MS)
    expect(page.locator("#nav a").first).to_be_visible(timeout=WAIT_MS)
    assert len(held) == 3


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
