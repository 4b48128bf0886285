"""`make bench`, third part: many athletes' files on one core, on two, and on a Dask cluster of two workers.

The FIT files of the corpus's trail season, or of a made-up one, dealt to eight athletes. The wall clock is
what counts here, and other work on the machine disturbs it: all are measured in turn, and medians are told.
What two cores of the machine can give is measured beside it, by two imports that have nothing in common.
Every import has a new process, as the command has one. Workers import this module as well: what only the
driver needs is imported where it is used.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from pipeline.batch import find_folders, import_folders
from pipeline.engine import Engine, LocalEngine
from pipeline.workspace import Workspace

ATHLETES, ROUNDS, WEEKS = 8, 5, 16
ALL, EVEN, ODD = slice(None), slice(0, None, 2), slice(1, None, 2)


@dataclass(frozen=True)
class Took:
    """Seconds by the clock, and of CPU in the driver."""

    files: int
    wall_s: float
    driver_s: float


Import = TypeVar("Import", bound=Took)


@dataclass(frozen=True)
class Worker:
    """What a worker has used until now: seconds of CPU, and the most memory at once.

    `shared_mb` of that are pages of libraries, which the machine holds once for all processes.
    """

    cpu_s: float
    peak_mb: float
    shared_mb: float


@dataclass(frozen=True)
class Local(Took):
    """And the workers, when they were ready and at the end."""

    ready: list[Worker]
    ended: list[Worker]

    def cpu_s(self) -> float:
        """Seconds of CPU in the workers, without their start."""
        return sum(worker.cpu_s for worker in self.ended) - sum(worker.cpu_s for worker in self.ready)


def deal(folder: Path) -> tuple[Path, Path | None]:
    """A folder of athletes' folders, and one with a folder of odd recordings, where they are there."""
    from sample_data import STEADIED
    from sample_data.write_season import write_season
    from tests.conftest import CORPUS

    odd = None
    if (CORPUS / "index.csv").is_file():
        files = sorted((CORPUS / "trail-season").glob("*.fit"))
        odd = Path(shutil.copytree(CORPUS / "odd", folder / "others" / "odd")).parent
    else:
        files = sorted((write_season(folder, STEADIED, WEEKS) / "runs").glob("*.fit"))
    for n, file in enumerate(files):
        place = folder / "club" / f"athlete {n % ATHLETES}"
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place / file.name)
    return folder / "club", odd


def import_all(club: Path, athletes: slice, engine: Engine) -> Took:
    """The files of these athletes into an empty workspace."""
    with tempfile.TemporaryDirectory() as place:
        wall, cpu = time.perf_counter(), time.process_time()
        with Workspace(Path(place) / "workspace") as workspace:
            found = find_folders([club], workspace.path)
            folders = dict(sorted(found.items())[athletes])
            done = list(import_folders(workspace, folders, engine))
        took = time.perf_counter() - wall, time.process_time() - cpu
        n_files = sum(len(imported.results) + imported.copies for _, imported in done)
        assert n_files == sum(map(len, folders.values()))
        return Took(n_files, *took)


def look(_: list[int]) -> Worker:
    """In a worker: what it has used."""
    lines = Path("/proc/self/status").read_text().splitlines()
    status = {name: value.split() for name, value in (line.split(":", 1) for line in lines)}
    peak, shared = (int(status[name][0]) / 1024 for name in ("VmHWM", "RssFile"))
    return Worker(time.process_time(), peak, shared)


def local(club: Path, athletes: slice, cores: set[int]) -> Local:
    """In a process of its own: an import on these cores, a worker each."""
    os.sched_setaffinity(0, cores)
    with closing(LocalEngine(len(cores))) as engine:
        each = [[n] for n in range(len(cores))]
        ready = [worker.result for worker in engine.run(look, each)]
        took = import_all(club, athletes, engine)
        ended = [worker.result for worker in engine.run(look, each)]
        return Local(took.files, took.wall_s, took.driver_s, ready, ended)


def dask(club: Path) -> Took:
    """In a process of its own: an import on a scheduler and two workers of this machine."""
    from pipeline.cluster import DaskEngine
    from tests import bench_batch
    from tests.test_cluster import Cluster

    with Cluster(2) as cluster, closing(DaskEngine(cluster.address)) as engine:
        list(engine.run(bench_batch.look, [[0], [1]]))  # by a name that the cluster knows: this is __main__
        return import_all(club, ALL, engine)


def at_once(*calls: Callable[[], Import]) -> list[Import]:
    """Each in a new process, all at the same time."""
    with ExitStack() as stack:
        spawn = get_context("spawn")
        pools = [stack.enter_context(ProcessPoolExecutor(1, mp_context=spawn)) for _ in calls]
        for started in [pool.submit(os.getpid) for pool in pools]:
            started.result()
        return [
            took.result() for took in [pool.submit(call) for pool, call in zip(pools, calls, strict=True)]
        ]


def main() -> None:
    """Print the table."""
    from tests.bench import say

    first, second = sorted(os.sched_getaffinity(0))[:2]
    one, two, apart, clustered = [], [], [], []
    with tempfile.TemporaryDirectory() as place:
        club, odd = deal(Path(place))
        for _ in range(ROUNDS):
            one += at_once(partial(local, club, ALL, {first}))
            two += at_once(partial(local, club, ALL, {first, second}))
            apart += at_once(partial(local, club, EVEN, {first}), partial(local, club, ODD, {second}))
            clustered += at_once(partial(dask, club))
        strange = at_once(partial(local, odd, ALL, {first, second})) if odd else []

    def speed(walls_s: Sequence[float]) -> float:
        return one[0].files / statistics.median(walls_s)

    on_one, on_two = speed([took.wall_s for took in one]), speed([took.wall_s for took in two])
    halves = zip(apart[::2], apart[1::2], strict=True)
    bound = speed([max(a.wall_s, b.wall_s) for a, b in halves])
    on_dask = speed([took.wall_s for took in clustered])
    cpu = [statistics.median(took.cpu_s() for took in one), statistics.median(took.driver_s for took in one)]
    start_s = statistics.median(worker.cpu_s for took in one for worker in took.ready)
    say(f"\n{one[0].files} files of {ATHLETES} athletes on one core", f"{on_one:8.1f} a second")
    say("  CPU of its worker, and of the driver", *(f"{seconds:8.1f} s" for seconds in cpu))
    say("  start of the worker, not in these", f"{start_s:8.1f} s")
    say("on two cores", f"{on_two:8.1f} a second", f"{on_two / on_one:8.2f} x", "goal 1.8")
    say("  two imports that share nothing", f"{bound:8.1f} a second", f"{bound / on_one:8.2f} x")
    for name, imports in ("the most memory of a worker", [*one, *two]), ("  on odd recordings", strange):
        if imports:
            most = max(
                (worker for took in imports for worker in took.ended), key=lambda worker: worker.peak_mb
            )
            say(
                f"  {name}",
                f"{most.peak_mb:8.0f} MB",
                f"{most.shared_mb:8.0f} MB of libraries",
                "goal under 300",
            )
    say("on Dask, two workers", f"{on_dask:8.1f} a second", f"{on_dask / on_two:8.2f} x of two cores")


if __name__ == "__main__":
    main()
