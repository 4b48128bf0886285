"""`python -m tests.load [--soak]`: 50 coaches click and 10 runners upload archives at the hosted dashboard.

Served by gunicorn as `surefoot dashboard --accounts` serves it, on this machine's own address; threads stand
for people. Every click asks for what the page asks for. It ends by itself: after two minutes of clicking and
when the uploads are read, or with `--soak` after ten minutes of clicks without a pause and an upload of each
runner every half minute.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import socket
import subprocess
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from urllib3 import PoolManager, Retry
from urllib3.exceptions import HTTPError

from dashboard.serve import gunicorn_command
from pipeline import accounts
from pipeline.batch import find_files, import_files
from pipeline.engine import LocalEngine
from pipeline.ingest.balance_log import parse_balance_log
from pipeline.jobs import is_at_work
from pipeline.log_changes import take_in_log
from pipeline.workspace import AccountBook, Workspace
from sample_data import STEADIED, UNAFFECTED
from sample_data.write_season import write_season

COACHES, RUNNERS = 50, 10
CLICK_S, SOAK_S = 120.0, 600.0
PAUSE_S = (1.0, 3.0)
UPLOAD_EVERY_S = 30.0
PATIENCE_S = 900.0
READ_RUNS = 100
PIECE_BYTES = 2**20
WORD = "correct horse battery"
WEEKS = 56
PAGES = ("answer", "runs", "run", "stretches", "balance", "plan", "roster", "account")


@dataclass
class Seen:
    """What everybody saw: kind of request and seconds, answers that are no success, uploads by outcome, and
    how long each waited to be read.
    """

    times: list[tuple[str, float]] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    clicks: int = 0
    sent: int = 0
    arrived: int = 0
    lost: list[str] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)


class Person:
    """Somebody's browser, signed in."""

    def __init__(self, site: str, name: str, seen: Seen) -> None:
        self.site, self.seen = site, seen
        self.http = PoolManager(retries=Retry(total=2, redirect=0, backoff_factor=0.1), timeout=120)
        self.headers = {"Origin": site}
        entered = self.ask("sign in", "POST", "/sign-in", fields={"name": name, "password": WORD})
        self.headers["Cookie"] = entered.headers.get("Set-Cookie", "").split(";")[0]
        self.callbacks: list[dict[str, Any]] = self.ask("page", "GET", "/_dash-dependencies").json()

    def ask(self, kind: str, method: str, path: str, **given: Any) -> Any:
        """A request; its time, and its status where that is no success, are noted."""
        begun = time.perf_counter()
        headers = {**self.headers, **given.pop("headers", {})}
        if method == "POST" and "fields" in given:
            given["encode_multipart"] = False
        answered = self.http.request(method, self.site + path, headers=headers, redirect=False, **given)
        self.seen.times.append((kind, time.perf_counter() - begun))
        if answered.status >= 400:
            self.seen.faults[f"{answered.status} {kind}"] += 1
        return answered

    def click(self, page: str, athlete_id: str, run_id: str) -> None:
        """Open a page as a browser does that has the scripts: its frame, and each of its callbacks."""
        self.seen.clicks += 1
        path = {"run": f"/run/{run_id}", "roster": "/roster", "account": "/account"}.get(
            page, f"/athlete/{athlete_id}" + ("" if page == "answer" else f"/{page}")
        )
        values = {"url.pathname": path, "colours.data": "light", "run-id.data": run_id}
        values |= {"roster-open.data": "yes", f"{page}-athlete.data": athlete_id}
        self.ask("page", "GET", path)
        for callback in self.callbacks:
            asked = {f"{item['id']}.{item['property']}" for item in callback["inputs"]}
            mine = {f"{page}-athlete.data", f"{page}-id.data", f"{page}-open.data", f"{page}-changed.data"}
            if callback["clientside_function"] is None and (asked & mine or asked == {"url.pathname"}):
                self._call(page, callback, values)

    def _call(self, page: str, callback: dict[str, Any], values: dict[str, str]) -> None:
        key = callback["output"]
        names = key.strip(".").split("...") if key.startswith("..") else [key]
        outputs = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]

        def filled(items: list[dict[str, str]]) -> list[dict[str, Any]]:
            return [
                {"id": i["id"], "property": i["property"], "value": values.get(f"{i['id']}.{i['property']}")}
                for i in items
            ]

        body = {
            "output": key,
            "outputs": outputs if key.startswith("..") else outputs[0],
            "inputs": filled(callback["inputs"]),
            "state": filled(callback["state"]),
            "changedPropIds": [],
        }
        self.ask(f"callback of {page}", "POST", "/_dash-update-component", json=body)

    def upload(self, athlete_id: str, name: str, archive: bytes) -> str:
        """Send an archive in pieces; the number of the upload."""
        query = urlencode({"athlete": athlete_id})
        begun = self.ask("upload", "POST", f"/_upload/begin?{query}", json={"files": [[name, len(archive)]]})
        job_id = str(begun.json()["job_id"])
        for at in range(0, len(archive), PIECE_BYTES):
            piece = archive[at : at + PIECE_BYTES]
            self.ask("upload", "PUT", f"/_upload/{job_id}/0?offset={at}", body=piece)
        self.ask("upload", "POST", f"/_upload/{job_id}/finish", json={})
        return job_id

    def wait_for(self, athlete_id: str, job_id: str, files: int) -> str:
        """Ask until the upload is read: empty where all of it arrived, else what is wrong."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            time.sleep(2)
            listed = self.ask("upload", "GET", f"/_upload/list?{urlencode({'athlete': athlete_id})}").json()
            job = next((job for job in listed if job["job_id"] == job_id), None)
            if job is None or job["state"] == "failed":
                return "gone" if job is None else str(job["reason"])
            if job["state"] == "done":
                counts = job["result"]["counts"]
                found = sum(counts[name] for name in ("run", "duplicate", "known"))
                return "" if found == files else f"{counts} of {files} files"
        return "still not read"


def main() -> None:
    """Make the world, serve it, let everybody in, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--soak", action="store_true", help="ten minutes without a pause")
    soak = parser.parse_args().soak
    seasons = [write_season(Path("build/season"), who, WEEKS) for who in (STEADIED, UNAFFECTED)]
    with tempfile.TemporaryDirectory(prefix="surefoot-load-") as place:
        path = Path(place) / "workspace"
        archives = make_world(path, seasons, per_archive=3 if soak else None)
        with serving(path) as (site, server):
            seen = run(path, site, server, archives, soak)
        while is_at_work(path):
            time.sleep(0.5)
        report(seen, soak)


def make_world(path: Path, seasons: Sequence[Path], per_archive: int | None) -> list[list[tuple[bytes, int]]]:
    """Two athletes with 100 runs and a log, whom 50 coaches see, and 10 runners; their archives to send."""
    left: list[Path] = []
    with Workspace(path) as workspace:
        engine = LocalEngine(os.cpu_count() or 1)
        for season in seasons:
            files = sorted((season / "runs").iterdir())
            left += files[READ_RUNS:]
            with workspace.writer_lock():
                import_files(workspace, find_files(files[:READ_RUNS], path), season.name, engine)
                log = parse_balance_log("log.csv", (season / "balance-log.csv").read_bytes(), season.name)
                take_in_log(workspace, season.name, log)
        engine.close()
    now = datetime.now(UTC)
    with AccountBook(path) as book:
        names = [*(("coach", n) for n in range(COACHES)), *(("runner", n) for n in range(RUNNERS))]
        accounts.add_account(book, "coach 0", "coach", now=now)
        accounts.set_password(book, "coach 0", WORD, by="", now=now)
        hashed = accounts.find_account(book, "coach 0")["password"]
        for role, n in names[1:]:
            accounts.add_account(book, f"{role} {n}", role, now=now)
            book.change_account(f"{role} {n}", password=hashed)
        for n in range(COACHES):
            for season in seasons:
                book.add_link(season.name, f"coach {n}", now)
    return [_archives(left[n::RUNNERS], per_archive) for n in range(RUNNERS)]


def _archives(files: Sequence[Path], per_archive: int | None) -> list[tuple[bytes, int]]:
    """The files in archives of so many, or in one; each with its number of files."""
    step = per_archive or len(files)
    made = []
    for at in range(0, len(files), step):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files[at : at + step]:
                archive.write(file, file.name)
        made.append((packed.getvalue(), len(files[at : at + step])))
    return made


@contextmanager
def serving(path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The dashboard with accounts, by gunicorn, while it is served."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    site = f"http://127.0.0.1:{port}"
    with subprocess.Popen(gunicorn_command(path, port, site=site)) as server:
        try:
            waiting = Retry(connect=300, backoff_factor=0.1, backoff_max=0.5)
            PoolManager().request("GET", f"{site}/healthz", retries=waiting, timeout=120)
            yield site, server
        finally:
            server.terminate()


def run(
    path: Path,
    site: str,
    server: subprocess.Popen[bytes],
    archives: list[list[tuple[bytes, int]]],
    soak: bool,
) -> Seen:
    """Everybody at once, until the time is over and the uploads are read."""
    seen, ended = Seen(), threading.Event()
    with Workspace(path, read_only=True) as workspace:
        runs = {
            athlete_id: workspace.load_runs(athlete_id)["run_id"].to_list()
            for athlete_id in workspace.athletes()
        }
    clicked = {athlete_id: ids for athlete_id, ids in runs.items() if ids}
    people = [
        threading.Thread(target=coach, args=(site, n, clicked, seen, ended, soak)) for n in range(COACHES)
    ]
    senders = [
        threading.Thread(target=runner, args=(site, n, archives[n], seen, ended)) for n in range(RUNNERS)
    ]
    begun = time.monotonic()
    for thread in (*people, *senders):
        thread.start()
    while time.monotonic() - begun < (SOAK_S if soak else CLICK_S):
        seen.memory_mb.append(memory_mb(server.pid))
        time.sleep(5)
    ended.set()
    for thread in (*people, *senders):
        thread.join()
    seen.memory_mb.append(memory_mb(server.pid))
    return seen


def coach(
    site: str, n: int, runs: dict[str, list[str]], seen: Seen, ended: threading.Event, soak: bool
) -> None:
    """Click about until it is over."""
    rng = random.Random(n)
    try:
        person = Person(site, f"coach {n}", seen)
        while not ended.is_set():
            athlete_id = rng.choice(list(runs))
            person.click(rng.choice(PAGES), athlete_id, rng.choice(runs[athlete_id]))
            if not soak:
                ended.wait(rng.uniform(*PAUSE_S))
    except (HTTPError, ValueError, KeyError) as error:
        seen.faults[f"a coach gave up: {type(error).__name__}"] += 1


def runner(site: str, n: int, archives: list[tuple[bytes, int]], seen: Seen, ended: threading.Event) -> None:
    """Send the archives, the next one after a pause, and wait until each is read."""
    name = f"runner {n}"
    try:
        person = Person(site, name, seen)
        for number, (archive, files) in enumerate(archives):
            if number and ended.wait(UPLOAD_EVERY_S):
                return
            seen.sent += 1
            job_id = person.upload(name, f"archive {number}.zip", archive)
            sent_at = time.monotonic()
            wrong = person.wait_for(name, job_id, files)
            seen.waits_s.append(time.monotonic() - sent_at)
            seen.arrived += not wrong
            seen.lost += [f"{name}, archive {number}: {wrong}"] if wrong else []
    except (HTTPError, ValueError, KeyError) as error:
        seen.lost.append(f"{name}: {type(error).__name__} {error}")


def memory_mb(pid: int) -> float:
    """Memory of the server's processes, the one named and its workers, without what they have mapped (MB).

    A part of the libraries counts for each process that has them mapped, so that such a figure would rise by
    tens of MB when others, as those that read uploads, end.
    """
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = 0
    for each in (str(pid), *children):
        lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))
    return total / 1024


def report(seen: Seen, soak: bool) -> None:
    """Print the figures."""
    print(f"{'soak' if soak else 'load'}: {COACHES} coaches, {RUNNERS} runners, load of the machine", end=" ")
    print(", ".join(f"{load:.0f}" for load in os.getloadavg()))
    print(f"{seen.clicks} clicks, {len(seen.times)} requests")
    kinds = sorted({kind for kind, _ in seen.times})
    for kind in (*kinds, "all"):
        times = np.array([spent for of, spent in seen.times if kind in (of, "all")])
        p50, p95 = np.percentile(times, [50, 95])
        print(f"  {kind:22} {len(times):6}  p50 {p50:6.2f} s  p95 {p95:6.2f} s  most {times.max():6.2f} s")
    waits = ", ".join(f"{wait:.0f}" for wait in sorted(seen.waits_s))
    print(f"uploads: {seen.sent} sent, {seen.arrived} read whole, after {waits} s")
    print("not a success:", json.dumps(dict(seen.faults)) if seen.faults else "none")
    for lost in seen.lost:
        print("  lost:", lost)
    minutes = [seen.memory_mb[i : i + 12] for i in range(0, len(seen.memory_mb), 12)]
    print("memory of the server, MB, median of each minute:", end=" ")
    print(", ".join(f"{np.median(of_minute):.0f}" for of_minute in minutes))


if __name__ == "__main__":
    main()
