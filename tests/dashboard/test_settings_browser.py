"""The page Settings in a real browser: by mouse, by keyboard, on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import WAIT_MS, Seen, serve
from playwright.sync_api import expect

from pipeline.batch import find_files, import_files
from pipeline.workspace import VeiledWorkspace, Workspace
from tests import made_runs
from tests.imports import HereEngine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of the made loop, of two athletes."""
    path = tmp_path_factory.mktemp("browser")
    (path / "0.fit").write_bytes(made_runs.fit_file(0))
    with Workspace(path / "w") as workspace:
        import_files(workspace, find_files([path], path / "w"), "ada", HereEngine())
    return path / "w"


@pytest.fixture
def address(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The dashboard over it, without a process for long work."""
    monkeypatch.setattr("dashboard.worker.Worker.start", lambda self: None)
    with VeiledWorkspace(folder, read_only=True) as workspace, serve(workspace) as address:
        yield address


def setting(folder: Path, key: str) -> str:
    """A stored setting as it is written."""
    with Workspace(folder, read_only=True) as workspace:
        return {name: text for name, text, _ in workspace.load_settings_of("ada").with_docs()}[key]


def test_a_field_is_saved_refused_and_taken_back_by_keyboard(
    desktop: Seen, address: str, folder: Path
) -> None:
    """Typed and left it is saved; an error stands beside its field and is read out; undo brings back."""
    page = desktop.open(f"{address}/athlete/ada/settings", "#setting-sessions_max")
    page.focus("#setting-sessions_max")
    page.keyboard.press("Control+a")
    page.keyboard.type("6")
    page.keyboard.press("Tab")
    said = page.locator("#settings-said")
    expect(said).to_have_text(re.compile("^Saved: "), timeout=WAIT_MS)
    assert setting(folder, "sessions_max") == "6"
    page.fill("#setting-half_life_days", "99")
    page.press("#setting-half_life_days", "Enter")
    page.wait_for_selector("#setting-half_life_days[aria-invalid=true]", timeout=WAIT_MS)
    expect(page.locator("#setting-half_life_days-wrong")).to_contain_text("give 10 to 42")
    page.locator("#settings-undo").press("Enter")
    expect(said).to_have_text("Taken back.", timeout=WAIT_MS)
    assert setting(folder, "sessions_max") == "3"
    expect(page.locator("#setting-sessions_max")).to_have_value("3", timeout=WAIT_MS)
    assert [text for text in desktop.complaints if "409" not in text] == []
    assert desktop.hosts == {address.removeprefix("http://")}


def test_a_zone_is_picked_from_a_start_and_hides(desktop: Seen, address: str, folder: Path) -> None:
    """A place from the list, a name, and the start of the run is shown no more; undo shows it."""
    page = desktop.open(f"{address}/athlete/ada/settings", "input[name=zone-place]")
    page.fill("#zone-name", "home")
    page.click("#zone-add")
    page.wait_for_selector("#settings-zones strong", timeout=WAIT_MS)
    with VeiledWorkspace(folder, read_only=True) as workspace:
        [run_id] = workspace.load_runs("ada")["run_id"]
        assert workspace.load_track(run_id)["elapsed_s"][0] > 0
    page.click("#settings-undo")
    page.wait_for_selector("#settings-zones .small", timeout=WAIT_MS)
    with VeiledWorkspace(folder, read_only=True) as workspace:
        assert workspace.load_track(run_id)["elapsed_s"][0] == 0
    assert desktop.complaints == []


def test_dark_is_chosen_and_remembered_on_a_phone(phone: Seen, address: str) -> None:
    """A dark phone: light is chosen, holds after a reload, and nothing is wider than the screen."""
    page = phone.open(f"{address}/athlete/ada/settings", "input[name=look]")
    page_itself, scheme = page.locator("html"), "data-mantine-color-scheme"
    expect(page_itself).to_have_attribute(scheme, "dark", timeout=WAIT_MS)
    page.check("input[name=look][value=light]")
    expect(page_itself).to_have_attribute(scheme, "light", timeout=WAIT_MS)
    page.reload()
    page.wait_for_selector("input[name=look][value=light]:checked", timeout=WAIT_MS)
    expect(page_itself).to_have_attribute(scheme, "light", timeout=WAIT_MS)
    page.check("input[name=look][value=auto]")
    expect(page_itself).to_have_attribute(scheme, "dark", timeout=WAIT_MS)
    page.wait_for_function("() => document.documentElement.scrollWidth <= window.innerWidth", timeout=WAIT_MS)
    assert phone.complaints == []


def test_tiles_are_asked_of_one_host_and_only_if_set(desktop: Seen, address: str, folder: Path) -> None:
    """Without an address a run asks this host alone; with one, that host, and the page names it."""
    with Workspace(folder, read_only=True) as workspace:
        [run_id] = workspace.load_runs("ada")["run_id"]
    here = address.removeprefix("http://")
    page = desktop.open(f"{address}/run/{run_id}", "#run-map .scatterlayer path")
    assert desktop.hosts == {here}
    expect(page.locator("#run-ground")).to_be_empty()
    pixel = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c63f8ffff3f0005fe02fea72d1d340000000049454e44ae426082"
    )
    sent = {"Access-Control-Allow-Origin": "*"}
    page.route(
        "https://tiles.example/**", lambda r: r.fulfill(body=pixel, content_type="image/png", headers=sent)
    )
    page.goto(f"{address}/athlete/ada/settings")
    page.wait_for_selector("#setting-tiles", timeout=WAIT_MS)
    page.fill("#setting-tiles", "https://tiles.example/{z}/{x}/{y}.png")
    with page.expect_navigation(timeout=WAIT_MS):
        page.press("#setting-tiles", "Enter")
    page.goto(f"{address}/run/{run_id}")
    page.wait_for_selector("#run-map .imagelayer image, #run-map .layer-below image", timeout=WAIT_MS)
    expect(page.locator("#run-ground")).to_contain_text("tiles.example, which learns where this run was")
    assert desktop.hosts == {here, "tiles.example"}
    with Workspace(folder) as workspace:
        workspace.save_tiles("")
