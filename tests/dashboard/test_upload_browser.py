"""The page Upload in a real browser: real recordings become runs."""

from pathlib import Path
from urllib.parse import urlsplit

from browsing import WAIT_MS, Seen, chooses, serve
from playwright.sync_api import expect

from pipeline.workspace import Workspace


def test_real_recordings_are_uploaded_and_read(phone: Seen, corpus: Path, tmp_path: Path) -> None:
    """By keyboard, on a phone, from an empty workspace: each file with what became of it, after a reload."""
    recordings = sorted((corpus / "road-season").glob("*.fit"), key=lambda file: file.stat().st_size)[:2]
    files = [*recordings, corpus / "index.csv"]
    Workspace(tmp_path / "w").close()
    with Workspace(tmp_path / "w", read_only=True) as workspace:
        with serve(workspace) as address:
            chooses(phone, files)
            page = phone.open(f"{address}/athlete/ada/upload", "#upload-name")
            expect(page.locator("#upload-names option")).to_have_count(0)
            page.locator("#upload-files").press("Enter")
            expect(page.locator("#upload-said")).to_contain_text("3 files arrived", timeout=WAIT_MS)
            page.reload()
            expect(page.locator(".job")).to_contain_text("2 new runs, 1 not a run", timeout=2 * WAIT_MS)
            expect(page.locator(".job .table tbody tr")).to_have_count(3)
            suggested = page.locator("#upload-names option")
            page.goto(f"{address}/upload")
            expect(suggested).to_have_attribute("value", "ada", timeout=WAIT_MS)
            page.locator("#upload-name").fill("ada")
            page.locator("#upload-name").press("Tab")
            answer = page.get_by_role("link", name="To the answer")
            expect(answer).to_have_attribute("href", "/athlete/ada", timeout=WAIT_MS)
            page.get_by_role("link", name="to the runs").click()
            page.wait_for_selector(".ag-row a", timeout=WAIT_MS)
            page.wait_for_function("() => document.documentElement.scrollWidth <= window.innerWidth")
            assert phone.hosts <= {urlsplit(address).netloc, ""}
        assert workspace.load_runs("ada").height == 2
        assert not list((tmp_path / "w").rglob("uploads/*/*"))
    assert phone.complaints == []
