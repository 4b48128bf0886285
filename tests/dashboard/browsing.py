"""What the tests in a real browser share: the dashboard served, and pages that note what they do."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from fake_workspace import HOSTILE
from flask import Flask
from playwright.sync_api import Browser, Page, TimeoutError
from werkzeug.serving import make_server

from dashboard import queries
from dashboard.app import build_app

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = (1440, 900), (390, 844)
WAIT_MS = 60_000
POINT_MS = 500


@dataclass
class Seen:
    """What a page did besides being shown."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)

    def open(self, url: str, wanted: str) -> Page:
        """Go to an address and wait for an element of it."""
        self.page.goto(url)
        self.page.wait_for_selector(wanted, timeout=WAIT_MS)
        return self.page


@contextmanager
def serve(workspace: queries.Workspace) -> Iterator[str]:
    """The address of the dashboard over a workspace, while it is served."""
    with serve_app(lambda _address: build_app(workspace).server) as address:
        yield address


@contextmanager
def serve_app(make: Callable[[str], Flask]) -> Iterator[str]:
    """The address of the app that `make` gives for it, while it is served."""
    server = make_server("127.0.0.1", 0, Flask("nothing"), threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    server.app = make(address)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def watch(browser: Browser, size: tuple[int, int], scheme: str = "light") -> Seen:
    """A new page that notes what it does."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    seen = Seen(context.new_page())
    seen.page.on(
        "console",
        lambda note: seen.complaints.append(note.text) if note.type in ("error", "warning") else None,
    )
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))

    def note(url: str) -> None:
        asked = urlsplit(url)
        seen.hosts.add(asked.netloc)
        seen.paths.add(asked.path)

    seen.page.on("request", lambda asked: note(asked.url))
    return seen


def chooses(seen: Seen, files: Any) -> None:
    """These files are chosen in every window of files. To be called before the page is opened: Chromium's
    own window is kept away only from some time after the first listener on."""
    seen.page.on("filechooser", lambda chooser: chooser.set_files(files))


def point(page: Page, wanted: str, places: Callable[[], Iterable[tuple[float, float]]]) -> None:
    """Move the pointer over these places until the page shows what is wanted: a chart that is being drawn, or
    is not linked to the other yet, does not answer, and a person would point at it again."""
    for _ in range(WAIT_MS // POINT_MS):
        for x, y in places():
            page.mouse.move(x, y)
        with suppress(TimeoutError):
            page.wait_for_selector(wanted, state="attached", timeout=POINT_MS)
            return
    pytest.fail(f"pointing there shows no {wanted}")


def every_page(run_id: str) -> list[tuple[str, str]]:
    """Address of every page over the invented runners, and the element that shows that it is there."""
    return [
        ("/", "#answer-trend .main-svg"),
        (f"/athlete/{quote(HOSTILE, safe='')}", "#answer-trend .main-svg"),
        ("/athlete/new%20runner%2F2", ".command"),
        ("/athlete/maya/runs", ".ag-row a"),
        ("/athlete/maya/balance?month=2026-03", ".bar-of-day"),
        ("/athlete/maya/plan", "#plan-designs .main-svg"),
        ("/roster", "#roster-forest .main-svg"),
        (f"/run/{run_id}", "#run-profile .main-svg"),
        ("/athlete/maya/upload", "#upload-name"),
        ("/athlete/maya/stretches/stretch1", "#stretches-chart .main-svg"),
        ("/athlete/maya/settings", "#settings-starts .main-svg .scatterlayer"),
        ("/athlete/new%20runner%2F2/stretches", ".notice"),
        ("/nowhere", ".notice"),
    ]
