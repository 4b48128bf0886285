"""What the dashboard's tests share."""

import os
from collections.abc import Iterator

import pytest
from browsing import CHROMIUM, DESKTOP, FLAGS, PHONE, Seen, watch
from fake_workspace import FakeWorkspace
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="session")
def workspace() -> FakeWorkspace:
    """Three invented runners in memory."""
    return FakeWorkspace()


@pytest.fixture(scope="session")
def run_id(workspace: FakeWorkspace) -> str:
    """A run of maya's that has one before and one after it."""
    return workspace.load_runs("maya")["run_id"][5]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; skips where the machine has none, and fails for that in CI, which installs it."""
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{CHROMIUM} is missing: CI installs it")
        pytest.skip(f"{CHROMIUM} is not on this machine (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def desktop(browser: Browser) -> Iterator[Seen]:
    """A wide window."""
    seen = watch(browser, DESKTOP)
    yield seen
    seen.page.context.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Seen]:
    """A phone, 390 px wide, dark."""
    seen = watch(browser, PHONE, "dark")
    yield seen
    seen.page.context.close()
