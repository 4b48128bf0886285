"""`make bench`, second part: how fast the dashboard is over 5 athletes and 3,000 runs.

Served by gunicorn as `surefoot dashboard` serves it, and opened in headless Chromium with a profile on disk,
as a person has one: with nothing kept, then often, with files and compiled scripts kept. A page is *drawn*
when what a reader came for is there (of a run its name, track and profile), and *all there* when the last of
its tables is too, of a long one the rows that are in sight without scrolling in it; each counts from the
request to the frame that shows it. Beside it stands the bound, a page of Dash with one small chart. Then
every callback that was sent is sent again, and timed at the server.
"""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright
from urllib3 import PoolManager, Retry

from dashboard.app import create_app
from dashboard.serve import gunicorn_command
from pipeline.workspace import Workspace
from tests.many_runs import make_many_runs

CHROMIUM = Path("/usr/bin/chromium")
ATHLETES, RUNS = 5, 3000
ROUNDS = 9
OPENINGS = 5
CALLBACK = "/_dash-update-component"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
TITLES = ("first paint, ms", "drawn, ms", "all there, ms", "CPU of it, ms", "sent, kB")
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


# When the first frame was shown that had all of each list of selectors in it (ms since the request).
WATCH = """wanted => {
  const times = (window.openedAt = {});
  const look = () => {
    for (const [name, selectors] of Object.entries(wanted)) {
      if (name in times || !selectors.every((one) => document.querySelector(one))) continue;
      times[name] = 0;
      const tell = () => (times[name] = performance.now() - (window.clickedAt || 0));
      requestAnimationFrame(() => setTimeout(tell));
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true });
}"""


@dataclass
class Opened:
    """What one opening of a page took: to the first paint, to its content, to all of it, CPU of its thread
    (ms), bytes.
    """

    paint_ms: float = 0.0
    drawn_ms: float = 0.0
    all_ms: float = 0.0
    cpu_ms: float = 0.0
    n_bytes: int = 0
    bodies: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """A page: its address, what is there when it is drawn, and what else when all of it is."""

    address: str
    drawn: list[str]
    rest: list[str]


def pages(athlete: str, run_id: str, long_id: str) -> dict[str, Shown]:
    """The pages by name."""
    whose = f"/athlete/{athlete.replace(' ', '%20')}"
    of_run = [f"#{chart} .scatterlayer .trace" for chart in ("run-map", "run-profile")]
    return {
        "answer": Shown(
            whose, ["#answer-head h1", "#answer-trend .scatterlayer .trace"], ["#answer-tiles .tile"]
        ),
        "runs": Shown(f"{whose}/runs", [".ag-row a"], []),
        "run": Shown(f"/run/{run_id}", ["#run-head h1", *of_run], ["#run-segments td"]),
        "run of 6 hours": Shown(f"/run/{long_id}", ["#run-head h1", *of_run], ["#run-segments td"]),
        "stretches": Shown(f"{whose}/stretches", ["#stretches-chart .main-svg .trace"], []),
        "balance": Shown(f"{whose}/balance", ["#balance-grid .ag-row"], []),
        "upload": Shown(f"{whose}/upload", ["#upload-name"], []),
        "plan": Shown(f"{whose}/plan", ["#plan-designs .main-svg .trace"], []),
        "roster": Shown("/roster", ["#roster-forest .main-svg .trace"], []),
    }


BOUND = Shown("", ["#chart .main-svg .trace"], [])


@contextmanager
def served(command: Callable[[int], list[str]]) -> Iterator[str]:
    """The address of what the command serves at a port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(command(port), stderr=subprocess.DEVNULL) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            asked = Retry(connect=400, backoff_factor=0.1, backoff_max=0.3)
            PoolManager().request("GET", f"{address}/healthz", retries=asked, timeout=60)
            yield address
        finally:
            server.terminate()


def open_page(context: BrowserContext, address: str, wanted: Shown, click: str = "") -> Opened:
    """Open a page in a new tab; where there is something to click, from the page at the address."""
    opened, page = Opened(), context.new_page()
    page.bring_to_front()  # a page behind another draws no frame
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
    times = {"drawn": wanted.drawn, "all": [*wanted.drawn, *wanted.rest]}
    page.add_init_script(f"({WATCH})({json.dumps(times)})")
    page.goto(address, wait_until="commit")
    if click:
        page.wait_for_selector(click, timeout=60_000)
        page.wait_for_load_state("networkidle")
        page.evaluate(
            "link => { window.clickedAt = performance.now(); document.querySelector(link).click(); }", click
        )
    page.wait_for_function("() => window.openedAt.all", timeout=60_000)
    page.wait_for_load_state("networkidle")
    found = page.evaluate("window.openedAt")
    opened.drawn_ms, opened.all_ms = found["drawn"], found["all"]
    opened.paint_ms = page.evaluate(PAINT)
    spent = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
    opened.cpu_ms = 1000 * spent["ThreadTime"]
    page.close()
    return opened


def open_often(playwright: Playwright, address: str, wanted: Shown, click: str = "") -> tuple[Opened, Opened]:
    """The first opening of a new profile, and the median of those when all is kept that a browser keeps.

    Compiled scripts are kept from the second or third opening on.
    """
    with tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu"],
            viewport={"width": 1440, "height": 900},
        )
        first, *rest = [open_page(context, address, wanted, click) for _ in range(3 + OPENINGS)]
        context.close()
    kept = rest[2:]
    middle = Opened(bodies=kept[-1].bodies)
    for name in ("paint_ms", "drawn_ms", "all_ms", "cpu_ms", "n_bytes"):
        setattr(middle, name, statistics.median(getattr(one, name) for one in kept))
    return first, middle


def print_opened(name: str, first: Opened, kept: Opened) -> None:
    """A line of the table: each figure with nothing kept, and with all."""
    pairs = [
        (getattr(first, of) / scale, getattr(kept, of) / scale)
        for of, scale in (("paint_ms", 1), ("drawn_ms", 1), ("all_ms", 1), ("cpu_ms", 1), ("n_bytes", 1000))
    ]
    print(f"{name:<24}" + "".join(f"{before:>10.0f}{after:>8.0f}" for before, after in pairs), flush=True)


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


def bare(port: int) -> list[str]:
    """The command that serves the bound as the dashboard is served."""
    command = gunicorn_command(Path(), port)
    return ["tests.bare_page:served()" if "dashboard.serve" in part else part for part in command]


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
        print(
            f"\nDashboard, {ATHLETES} athletes, {n_runs:,} runs: nothing kept, all kept ({OPENINGS}, median)"
        )
        print(f"{'':<24}" + "".join(f"{name:>18}" for name in TITLES))
        with sync_playwright() as playwright, served(bare) as address:
            print_opened("bound: one small chart", *open_often(playwright, address, BOUND))
        with served(lambda port: gunicorn_command(path, port)) as address, sync_playwright() as playwright:
            asked: dict[str, str] = {}
            shown = pages(athlete, run_id, long_id)
            for name, wanted in shown.items():
                first, kept = open_often(playwright, address + wanted.address, wanted)
                print_opened(name, first, kept)
                asked |= {name_of(output): body for output, body in kept.bodies.items()}
                if name == "run of 6 hours":
                    long_body = next(b for o, b in kept.bodies.items() if "run-head.children" in o)
            from_list = open_often(playwright, address + shown["runs"].address, shown["run"], ".ag-row a")
            print_opened("run, from the list", *from_list)
            browser = playwright.chromium.launch(
                executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
            )
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
