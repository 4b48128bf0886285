"""A Dask cluster behind the same `Engine` as the cores of this machine.

    driver -> scheduler -> worker (Dask's process) -> one process of a LocalEngine, which does the work

What a bad file can do to a process, `LocalEngine` bears inside the worker: Dask's own process stays, so that
its neighbours are not blamed. Dask does the rest: who is free, and what a machine that is lost had in hand.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from pipeline.engine import ITEM_LIMIT_S, Done, Item, LocalEngine, Lost, Result
from pipeline.errors import SurefootError

CONNECT_S = 10
AHEAD = 2
"""Batches a thread of the cluster has at hand: one at work, one that waits."""

Event = Done[Result] | Lost[Item]


class DaskEngine:
    """The workers of the Dask scheduler at `address`, which share no disk with this process.

    Raises SurefootError where Dask is not installed, nothing answers, or a worker has no Surefoot, or another
    one. A batch whose machine is lost is done again elsewhere; only where one is lost each time, as often as
    the scheduler allows, its items are tried one by one at the end, each with nothing beside it.
    """

    shares_disk = False

    def __init__(self, address: str, item_limit_s: float = ITEM_LIMIT_S) -> None:
        try:
            import distributed  # of the extra `cluster`
        except ImportError:
            raise SurefootError(
                "a cluster needs Dask, which is not installed", "`pip install 'surefoot[cluster]'` brings it"
            ) from None
        self._dask = distributed
        self._address = address
        self._item_limit_s = item_limit_s
        try:
            self._client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError):
            raise SurefootError(
                f"no Dask scheduler answers at {address}", "start one with `dask scheduler`, or check it"
            ) from None
        try:
            self._check_workers()
        except BaseException:
            self.close()
            raise

    def _check_workers(self) -> None:
        here = version("surefoot")
        there: dict[str, Any] = self._client.run(version, "surefoot", on_error="return")
        if not there:
            raise SurefootError(
                f"the Dask scheduler at {self._address} has no workers",
                f"start some with `dask worker {self._address} --nworkers 2 --nthreads 1`",
            )
        for worker, found in sorted(there.items()):
            if found != here:
                what = "has no Surefoot" if isinstance(found, Exception) else f"has Surefoot {found}"
                raise SurefootError(f"the worker {worker} {what}", f"install Surefoot {here} on it")

    def run(
        self, fn: Callable[[list[Item]], Result], batches: Iterable[list[Item]]
    ) -> Iterator[Done[Result] | Lost[Item]]:
        """See Engine.run. Takes no more than two batches a thread of the cluster ahead of the results."""
        suspects: deque[Item] = deque()
        for batch, outcome in self._work(fn, batches, None):
            if isinstance(outcome, str):
                suspects.extend(batch)
            else:
                yield from outcome
        for item in suspects:
            for _, outcome in self._work(fn, [[item]], 1):
                if isinstance(outcome, str):
                    yield Lost(item, outcome)
                else:
                    yield from outcome

    def _work(
        self, fn: Callable[[list[Item]], Result], batches: Iterable[list[Item]], width: int | None
    ) -> Iterator[tuple[list[Item], list[Event[Result, Item]] | str]]:
        """Each batch with what came of it, or in words why there is nothing."""
        fresh = (batch for batch in batches if batch)
        given: dict[Any, list[Item]] = {}
        done = self._dask.as_completed(loop=self._client.loop)
        try:
            while True:
                while len(given) < (width or self._width()) and (batch := next(fresh, None)) is not None:
                    future = self._client.submit(_work_apart, fn, batch, self._item_limit_s, pure=False)
                    given[future] = batch
                    done.add(future)
                if not given:
                    return
                future = next(done)
                outcome = self._collect(future)
                yield given.pop(future), outcome
        finally:
            with suppress(Exception):  # where the scheduler is gone there is nothing to cancel
                self._client.cancel(list(given))

    def _width(self) -> int:
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return max(1, AHEAD * sum(int(worker["nthreads"]) for worker in workers))

    def _collect(self, future: Any) -> list[Any] | str:
        if future.status not in ("finished", "error"):
            raise self._scheduler_lost()
        try:
            return list(future.result())
        except SurefootError:
            raise
        except self._dask.KilledWorker:
            return "each machine that worked on it was lost"
        except (self._dask.CancelledError, OSError):
            raise self._scheduler_lost() from None

    def _scheduler_lost(self) -> SurefootError:
        return SurefootError(
            f"the Dask scheduler at {self._address} is lost",
            "what was finished is kept: start it again, and the same call goes on from there",
        )

    def close(self) -> None:
        """Leave the cluster; its workers stay."""
        with suppress(Exception):  # where the scheduler is gone there is nobody to leave
            self._client.close(timeout=CONNECT_S)


# In a worker: the process that does the work, one a thread of Dask's.
_mine = threading.local()


def _work_apart(
    fn: Callable[[list[Item]], Result], batch: list[Item], item_limit_s: float
) -> list[Event[Result, Item]]:
    """In a worker of Dask: one batch on a process of its own."""
    # Dask starts its workers as daemons, which could have no children; ours leave when their parent does.
    multiprocessing.current_process().daemon = False
    engine: LocalEngine | None = getattr(_mine, "engine", None)
    if engine is None:
        engine = _mine.engine = LocalEngine(1, item_limit_s)
    return list(engine.run(fn, [batch]))
