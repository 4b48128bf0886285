"""The page Balance in a real browser, over a workspace on disk."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browsing import WAIT_MS, Seen, chooses, serve
from playwright.sync_api import Page, expect

from pipeline.ingest.balance_log import parse_balance_log
from pipeline.log_changes import take_in_log
from pipeline.workspace import Workspace

IN_SIGHT = """() => {
  const cells = (...names) => names.flatMap(
    (name) => [...document.querySelectorAll(`#balance-grid .ag-row .ag-cell[col-id=${name}]`)]
  );
  const whole = cells("date", "drill", "minutes");
  const right = Math.max(...whole.map((cell) => cell.getBoundingClientRect().right));
  const [first] = cells("remove").map((cell) => cell.getBoundingClientRect().left);
  return whole.length && right <= first + 1 && whole.every((cell) => cell.scrollWidth <= cell.clientWidth);
}"""
LOG = b"date,drill,minutes\n2026-01-05,tree pose,10\n2026-01-07,plank,20\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with a log of two exercises."""
    with Workspace(tmp_path / "w") as workspace:
        take_in_log(workspace, "ada", parse_balance_log("log.csv", LOG, "ada"))
    return tmp_path / "w"


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """The page of that log, in its month."""
    with Workspace(folder, read_only=True) as workspace, serve(workspace) as address:
        yield f"{address}/athlete/ada/balance?month=2026-01"


def entries(folder: Path) -> list[tuple[str, str, float]]:
    """(day, drill, minutes) of the log."""
    with Workspace(folder, read_only=True) as workspace:
        rows = workspace.load_balance_sessions("ada").select("date", "drill", "minutes").rows()
    return [(day.isoformat(), drill, minutes) for day, drill, minutes in rows]


def says(page: Page, sentence: str) -> None:
    """Wait until the page has said this."""
    expect(page.locator("#balance-said")).to_contain_text(sentence, timeout=WAIT_MS)


def test_the_log_is_kept_by_keyboard_alone(desktop: Seen, address: str, folder: Path) -> None:
    """A day, a drill, wrong minutes, right ones, and undo: no mouse, and the calendar follows."""
    page = desktop.open(address, "#balance-grid .ag-row")
    page.locator("[data-day='2026-01-09']").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".drill-editor", timeout=WAIT_MS)
    page.keyboard.type("wobble board")
    page.keyboard.press("Tab")
    says(page, "still missing: minutes")
    page.keyboard.type("many")
    page.keyboard.press("Enter")
    says(page, "'many' is not a number of 0 or more")
    expect(page.locator("#balance-grid .ag-cell.problem", has_text="'many'")).to_be_visible()
    assert len(entries(folder)) == 2
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    says(page, "Saved.")
    expect(page.locator("[data-day='2026-01-09'] .minutes")).to_have_text("12\u00a0min", timeout=WAIT_MS)
    assert entries(folder)[-1] == ("2026-01-09", "wobble board", 12.0)
    page.locator("#balance-undo").focus()
    # A grid that keeps a cell focused takes the focus back when it draws itself anew.
    assert page.evaluate("() => window.dash_ag_grid.getApi('balance-grid').getFocusedCell()") is None
    page.keyboard.press("Enter")
    says(page, "Taken back.")
    assert len(entries(folder)) == 2
    assert desktop.complaints == []
    assert desktop.hosts <= {urlsplit(address).netloc, ""}


def test_a_phone_imports_names_and_deletes(phone: Seen, address: str, folder: Path) -> None:
    """At 390 px a file is imported with its errors shown, a drill named, an exercise deleted; day, drill and
    minutes of each are whole.
    """
    more = b"date,drill,minutes\n2026-01-12,hop,5\n2026-01-13,plank,lots\n"
    chooses(phone, {"name": "more.csv", "mimeType": "text/csv", "buffer": more})
    page = phone.open(address, "#balance-grid .ag-row")
    page.locator("#balance-import").click()
    says(page, "more.csv: 1\u00a0new session")
    assert "'lots' is not a number" in page.inner_text("#balance-result")
    page.get_by_label("The drill that tree pose means").fill("single-leg stance")
    page.get_by_role("button", name="Name tree pose").click()
    says(page, "“tree pose” is single-leg stance")
    page.get_by_role("button", name="Delete plank of 2026-01-07").click()
    says(page, "Deleted: plank of 2026-01-07")
    drills = [row[1] for row in entries(folder)]
    assert drills[0] == "single-leg stance"
    assert "plank" not in drills
    page.wait_for_function("() => document.documentElement.scrollWidth <= window.innerWidth", timeout=WAIT_MS)
    page.wait_for_function(IN_SIGHT, timeout=WAIT_MS)
    assert phone.complaints == []
