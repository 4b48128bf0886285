"""`make bench`, second part: how fast the dashboard is over 5 athletes and 3,000 runs.

Served by gunicorn as `surefoot dashboard` serves it, opened in headless Chromium with an empty cache and
again with a full one; then every callback that the pages sent is sent again, and timed at the server.
"""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from urllib3 import PoolManager, Retry

from dashboard.app import create_app
from dashboard.serve import gunicorn_command
from pipeline.workspace import Workspace
from tests.many_runs import make_many_runs

CHROMIUM = Path("/usr/bin/chromium")
ATHLETES, RUNS = 5, 3000
ROUNDS = 9
CALLBACK = "/_dash-update-component"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
HOVERS = 60
# Points along the profile, one a frame: from the pointer's move to the dot's, of which most is drawing.
HOVER = """async ([selector, dot, n]) => {
  const area = document.querySelector(selector), box = area.getBoundingClientRect();
  const place = () => document.querySelector(dot)?.style.transform;
  const frame = () => new Promise(requestAnimationFrame);
  const times = [];
  for (let i = 0; i < n; i++) {
    const before = place(), begun = performance.now();
    const at = { bubbles: true, clientX: box.x + box.width * (i + 1) / (n + 2), clientY: box.y + 30 };
    area.dispatchEvent(new MouseEvent("mousemove", at));
    while (place() === before && performance.now() - begun < 1000) await frame();
    times.push(performance.now() - begun);
  }
  return times;
}"""


@dataclass
class Opened:
    """What one opening of a page took: to the first paint and to all of it, CPU of its thread (ms), bytes."""

    paint_ms: float = 0.0
    shown_ms: float = 0.0
    cpu_ms: float = 0.0
    n_bytes: int = 0
    bodies: dict[str, str] = field(default_factory=dict)


def pages(athlete: str, run_id: str, long_id: str) -> dict[str, tuple[str, str]]:
    """Name of a page → its address, and the element that shows that all of it is there."""
    whose = f"/athlete/{athlete.replace(' ', '%20')}"
    return {
        "answer": (whose, "#answer-trend .main-svg"),
        "runs": (f"{whose}/runs", ".ag-row a"),
        "run": (f"/run/{run_id}", "#run-profile .main-svg"),
        "run of 6 hours": (f"/run/{long_id}", "#run-profile .main-svg"),
        "stretches": (f"{whose}/stretches", "#stretches-chart .main-svg"),
        "balance": (f"{whose}/balance", "#balance-grid .ag-row"),
        "upload": (f"{whose}/upload", "#upload-name"),
        "plan": (f"{whose}/plan", "#plan-designs .main-svg"),
        "roster": ("/roster", "#roster-forest .main-svg"),
    }


@contextmanager
def served(path: Path) -> Iterator[str]:
    """The address of the dashboard, served as the command serves it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(gunicorn_command(path, port), stderr=subprocess.DEVNULL) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            asked = Retry(connect=400, backoff_factor=0.1, backoff_max=0.3)
            PoolManager().request("GET", f"{address}/healthz", retries=asked, timeout=60)
            yield address
        finally:
            server.terminate()


def open_page(context: BrowserContext, address: str, wanted: str) -> Opened:
    """Open a page in a new tab."""
    opened, page = Opened(), context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Performance.enable")

    def count(event: dict[str, Any]) -> None:
        opened.n_bytes += int(event["encodedDataLength"])

    def keep(request: Any) -> None:
        if urlsplit(request.url).path == CALLBACK:
            opened.bodies[json.loads(request.post_data)["output"]] = request.post_data

    session.on("Network.loadingFinished", count)
    page.on("request", keep)
    begun = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(wanted, timeout=60_000)
    opened.shown_ms = 1000 * (time.perf_counter() - begun)
    page.wait_for_load_state("networkidle")
    opened.paint_ms = page.evaluate(PAINT)
    spent = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
    opened.cpu_ms = 1000 * spent["ThreadTime"]
    page.close()
    return opened


def time_callback(pool: PoolManager, address: str, body: str) -> tuple[float, int]:
    """Median time (ms) from request to answer, and the answer's bytes."""
    times, size = [], 0
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        sent = pool.request(
            "POST", address + CALLBACK, body=body, headers={"Content-Type": "application/json"}
        )
        times.append(1000 * (time.perf_counter() - begun))
        assert sent.status in (200, 204), sent.status
        size = len(sent.data)
    return statistics.median(times), size


def time_hover(browser: Browser, address: str) -> list[float]:
    """Times (ms) from a move over the profile to the dot on the track, over 20,000 points and more."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(address)
    page.wait_for_selector("#run-profile .main-svg", timeout=60_000)
    page.locator("#run-profile").scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    taken: list[float] = page.evaluate(HOVER, ["#run-profile .nsewdrag", ".follow-dot", HOVERS])
    page.close()
    return taken


def cpu_ms(client: FlaskClient, body: str) -> float:
    """Median CPU time (ms) of a callback in this process, which other work on the machine does not change."""
    times = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        headers = {"Content-Type": "application/json", "Host": "127.0.0.1"}
        client.post(CALLBACK, data=body, headers=headers)
        times.append(1000 * (time.process_time() - begun))
    return statistics.median(times)


def name_of(output: str) -> str:
    """The first output of a callback."""
    return output.strip(".").split("...")[0]


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as place:
        path, long_id = make_many_runs(Path(place), ATHLETES, RUNS)
        with Workspace(path, read_only=True) as workspace:
            athlete = workspace.athletes()[0]
            run_id = workspace.load_runs(athlete)["run_id"][7]
            n_runs = workspace.load_runs().height
        print(f"\nDashboard, {ATHLETES} athletes, {n_runs:,} runs: empty cache, then full")
        print(f"{'':<18}{'first paint, ms':>20}{'all there, ms':>20}{'CPU of it, ms':>20}{'sent, kB':>20}")
        with served(path) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
            )
            asked: dict[str, str] = {}
            for name, (where, wanted) in pages(athlete, run_id, long_id).items():
                context = browser.new_context(viewport={"width": 1440, "height": 900})
                first, again = (open_page(context, address + where, wanted) for _ in range(2))
                context.close()
                asked |= {name_of(output): body for output, body in again.bodies.items()}
                print(
                    f"{name:<18}{first.paint_ms:>12.0f}{again.paint_ms:>8.0f}"
                    f"{first.shown_ms:>12.0f}{again.shown_ms:>8.0f}"
                    f"{first.cpu_ms:>12.0f}{again.cpu_ms:>8.0f}"
                    f"{first.n_bytes / 1000:>12.0f}{again.n_bytes / 1000:>8.0f}",
                    flush=True,
                )
                if name == "run of 6 hours":
                    long_body = next(b for o, b in again.bodies.items() if "run-head.children" in o)
            hover = time_hover(browser, f"{address}/run/{long_id}")
            print(f"hover over 6 hours: median {statistics.median(hover):.0f} ms, most {max(hover):.0f} ms")
            browser.close()
            print(f"\n{'callback':<34}{'median, ms':>12}{'CPU, ms':>10}{'kB':>10}")
            pool, client = PoolManager(), create_app(path).server.test_client()
            medians = []
            for name, body in [*asked.items(), ("run-head.children, 6 hours", long_body)]:
                median, size = time_callback(pool, address, body)
                medians.append(median)
                used = cpu_ms(client, body)
                print(f"{name:<34}{median:>12.0f}{used:>10.0f}{size / 1000:>10.1f}", flush=True)
            print(f"{'all, median':<34}{statistics.median(medians):>12.0f}")


if __name__ == "__main__":
    main()
