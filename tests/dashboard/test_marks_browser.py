"""The runner's word on a stretch: the routes, and the page of a run in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import pytest
from browsing import WAIT_MS, Seen, serve
from flask.testing import FlaskClient
from playwright.sync_api import expect

from dashboard.app import create_app
from pipeline.batch import find_files, import_files
from pipeline.workspace import Workspace
from tests.imports import HereEngine
from tests.made_runs import fit_file

HOST = {"Host": "127.0.0.1:8050"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of ada's with three passes of one loop."""
    path = tmp_path_factory.mktemp("marks")
    for number in range(3):
        (path / f"{number}.fit").write_bytes(fit_file(number))
    with Workspace(path / "w") as workspace:
        files = [path / f"{number}.fit" for number in range(3)]
        import_files(workspace, find_files(files, workspace.path), "ada", HereEngine())
    return path / "w"


@pytest.fixture
def client(folder: Path) -> FlaskClient:
    """A browser that sees 500 as an answer."""
    app = create_app(folder)
    app.server.config["PROPAGATE_EXCEPTIONS"] = False
    client: FlaskClient = app.server.test_client()
    return client


def post(client: FlaskClient, path: str, body: Any, athlete: str = "ada", **headers: str) -> Any:
    """Ask for a change."""
    sent = {"query_string": {"athlete": athlete}, "headers": HOST | headers}
    return client.post(f"/_marks/{path}", json=body, **sent)


def smooth_stretch(folder: Path) -> dict[str, Any]:
    """The longest smooth segment of the first run."""
    with Workspace(folder, read_only=True) as workspace:
        first = workspace.load_runs("ada")["run_id"][0]
        own = workspace.load_segments("ada", first).filter(terrain="smooth")
    return own.sort(pl.col("end_m") - pl.col("start_m")).row(-1, named=True)


def marked_runs(folder: Path) -> int:
    """How many runs have a stretch that is marked."""
    with Workspace(folder, read_only=True) as workspace:
        return workspace.load_segments("ada").filter(pl.col("edited"))["run_id"].n_unique()


def test_a_mark_is_added_and_taken_back(client: FlaskClient, folder: Path) -> None:
    """By its routes a stretch is marked on all three runs, and is as before once it is taken back."""
    stretch = smooth_stretch(folder)
    body = {name: stretch[name] for name in ("start_m", "end_m")}
    assert post(client, "add", body | {"run": stretch["run_id"], "terrain": "technical"}).status_code == 200
    assert marked_runs(folder) == 3
    with Workspace(folder, read_only=True) as workspace:
        (mark_id,) = workspace.load_marks("ada")["mark_id"]
    assert post(client, "undo", {"mark": mark_id}).status_code == 200
    assert marked_runs(folder) == 0
    assert post(client, "undo", {"mark": mark_id}).status_code == 409


GOOD = {"run": "r", "start_m": 0, "end_m": 100, "terrain": "smooth"}


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        GOOD | {"terrain": "lava"},
        GOOD | {"start_m": "0"},
        GOOD | {"end_m": True},
        GOOD | {"end_m": float("inf")},
        GOOD | {"run": "x" * 3000},
        GOOD | {"run": 7},
        GOOD | {"more": 1},
    ],
)
def test_what_the_page_never_sends_is_refused(client: FlaskClient, body: Any) -> None:
    """Whatever is not a mark is a 400, never a 500."""
    assert post(client, "add", body).status_code == 400


def test_what_cannot_be_marked_is_said(client: FlaskClient, folder: Path) -> None:
    """A run that is not there, and a stretch that is not on it, are a sentence; a stranger is a 404."""
    stretch = smooth_stretch(folder)
    assert post(client, "add", GOOD).status_code == 409
    far = post(client, "add", GOOD | {"run": stretch["run_id"], "end_m": 1e9})
    assert (far.status_code, "no stretch" in far.json["said"]) == (409, True)
    assert post(client, "add", GOOD, athlete="nobody").status_code == 404
    assert post(client, "add", GOOD, Origin="https://elsewhere.example").status_code == 403


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """The page of the first run."""
    with Workspace(folder, read_only=True) as workspace, serve(workspace) as address:
        yield f"{address}/run/{smooth_stretch(folder)['run_id']}"


def test_the_page_marks_and_takes_back(desktop: Seen, address: str, folder: Path) -> None:
    """A stretch is chosen, called technical, seen in its table and with the answer, and taken back."""
    stretch = smooth_stretch(folder)
    page = desktop.open(address, "#run-profile .main-svg")
    page.locator("#mark-stretch").select_option(f"{stretch['start_m']:.0f} {stretch['end_m']:.0f}")
    expect(page.locator("#mark-from")).to_have_value(f"{stretch['start_m'] / 1000:g}")
    expect(page.locator("#mark-to")).to_have_value(f"{stretch['end_m'] / 1000:g}")
    page.locator("#mark-technical").click()
    expect(page.locator("#mark-list li")).to_have_count(1, timeout=WAIT_MS)
    expect(page.locator("#run-segments")).to_contain_text("marked by you", timeout=WAIT_MS)
    assert marked_runs(folder) == 3
    page.get_by_role("link", name="Answer", exact=True).click()
    note = page.locator("#answer-marked")
    expect(note).to_have_text(
        "Stretches marked by hand, for every run over them: 1 as technical.", timeout=WAIT_MS
    )
    page.go_back()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#mark-list li")).to_have_count(0, timeout=WAIT_MS)
    assert marked_runs(folder) == 0
    page.get_by_role("link", name="Answer", exact=True).click()
    expect(page.locator("#answer-head h1")).to_be_visible(timeout=WAIT_MS)
    expect(note).to_be_empty()
    assert desktop.complaints == []
    assert desktop.hosts <= {urlsplit(address).netloc, ""}


def test_a_phone_shows_the_form(phone: Seen, address: str) -> None:
    """At 390 px the form is there, and nothing makes the page wider than the screen."""
    page = phone.open(address, "#run-profile .main-svg")
    page.locator("#mark-technical").scroll_into_view_if_needed()
    page.wait_for_function("() => document.documentElement.scrollWidth <= window.innerWidth", timeout=WAIT_MS)
