"""`make bench`, third part: many athletes' files on one core, on two, and on a Dask cluster of two workers.

The FIT files of the corpus's trail season, or of a made-up one, dealt to eight athletes. The wall clock is
what counts here, and other work on the machine disturbs it: three rounds, of which the best pair is told.
Workers import this module as well: what only the driver needs is imported where it is used.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.batch import find_folders, import_folders
from pipeline.engine import Engine, LocalEngine
from pipeline.workspace import Workspace
from sample_data import STEADIED
from sample_data.write_season import write_season

ATHLETES, ROUNDS, WEEKS = 8, 3, 16


@dataclass(frozen=True)
class Took:
    """Seconds by the clock, and of CPU in this process."""

    wall_s: float
    driver_s: float


def deal(folder: Path) -> tuple[Path, int]:
    """A folder of athletes' folders, and the number of files in them."""
    from tests.conftest import CORPUS

    if (CORPUS / "index.csv").is_file():
        files = sorted((CORPUS / "trail-season").glob("*.fit"))
    else:
        files = sorted((write_season(folder, STEADIED, WEEKS) / "runs").glob("*.fit"))
    for n, file in enumerate(files):
        place = folder / "club" / f"athlete {n % ATHLETES}"
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place / file.name)
    return folder / "club", len(files)


def import_all(club: Path, engine: Engine, n_files: int) -> Took:
    """All of it into an empty workspace."""
    with tempfile.TemporaryDirectory() as place:
        wall, cpu = time.perf_counter(), time.process_time()
        with Workspace(Path(place) / "workspace") as workspace:
            folders = find_folders([club], workspace.path)
            done = list(import_folders(workspace, folders, engine))
        assert sum(len(imported.results) for _, imported in done) == n_files
        return Took(time.perf_counter() - wall, time.process_time() - cpu)


@contextmanager
def on_cores(n: int) -> Iterator[None]:
    """Let this process, and those that it starts, run on so many cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:n])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def watch(done: threading.Event, peaks_mb: list[float]) -> None:
    """Until `done`, note the most memory that each child of this process has held so far."""
    while not done.wait(0.1):
        for child in multiprocessing.active_children():
            with suppress(OSError, IndexError):  # it has just ended
                status = Path(f"/proc/{child.pid}/status").read_text()
                peaks_mb.append(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def local(club: Path, n_files: int, cores: int) -> tuple[Took, float, float]:
    """On so many cores: what it took, CPU time of the workers [s], the most memory of one [MB]."""
    done, peaks_mb = threading.Event(), [0.0]
    watcher = threading.Thread(target=watch, args=(done, peaks_mb))
    with on_cores(cores):
        engine = LocalEngine(cores)
        list(engine.run(list, [[n] for n in range(cores)]))
        watcher.start()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = import_all(club, engine, n_files)
        engine.close()
    done.set()
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, max(peaks_mb)


def dask(club: Path, n_files: int) -> Took:
    """On a scheduler and two workers of this machine."""
    from pipeline.cluster import DaskEngine
    from tests.test_cluster import Cluster

    with Cluster(2) as cluster, closing(DaskEngine(cluster.address)) as engine:
        list(engine.run(list, [[0], [1]]))
        return import_all(club, engine, n_files)


def main() -> None:
    """Print the table."""
    from tests.bench import say

    with tempfile.TemporaryDirectory() as place:
        club, n_files = deal(Path(place))
        rounds = [(local(club, n_files, 1), local(club, n_files, 2)) for _ in range(ROUNDS)]
        (one, cpu_s, _), (two, _, _) = max(rounds, key=lambda pair: pair[0][0].wall_s / pair[1][0].wall_s)
        peak = max(memory for pair in rounds for _, _, memory in pair)
        say(f"\n{n_files} files of {ATHLETES} athletes on one core", f"{n_files / one.wall_s:8.1f} a second")
        say("  CPU of its worker, and of the driver", f"{cpu_s:8.1f} s", f"{one.driver_s:8.1f} s")
        times = one.wall_s / two.wall_s
        say("on two cores", f"{n_files / two.wall_s:8.1f} a second", f"{times:8.2f} x", "goal 1.8")
        say("  the most memory of a worker", f"{peak:8.0f} MB", "goal under 300")
        clustered = min(dask(club, n_files).wall_s for _ in range(ROUNDS))
        times = two.wall_s / clustered
        say("on Dask, two workers", f"{n_files / clustered:8.1f} a second", f"{times:8.2f} x of two cores")


if __name__ == "__main__":
    main()
