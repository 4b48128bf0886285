"""Many batches on many processes, where a bad item costs itself and nothing else.

An engine takes a function of one batch (a list of items) and batches, and gives what came of each, in
whatever order they end. Another engine (a cluster's) need only keep `Engine`.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, Protocol, TypeVar

from pipeline.errors import SurefootError

Item = TypeVar("Item")
Result = TypeVar("Result")

ITEM_LIMIT_S = 60.0
_ENVIRONMENT = {
    **dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    # Give the arrays of one file back to the system before the next: 10 MB less a worker, for 6 % more time
    # (at 64 KiB a call the same 10 MB cost 13 %). Arrow's own pool would keep another 20 to 40 MB.
    **dict.fromkeys(("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), "262144"),
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """What the function gave for one batch, or for a part of a batch that had to be split."""

    result: Result


@dataclass(frozen=True, slots=True)
class Lost(Generic[Item]):
    """An item that cannot be worked on, and why, in words."""

    item: Item
    reason: str


class Engine(Protocol):
    """Where batches are worked on; `shares_disk`: whether the workers see the files that the driver sees."""

    shares_disk: bool

    def run(
        self, fn: Callable[[list[Item]], Result], batches: Iterable[list[Item]]
    ) -> Iterator[Done[Result] | Lost[Item]]:
        """Yield a Done per batch or part of one, and a Lost per item that twice ended its process, took
        too long or made `fn` raise. Every item is in exactly one of them. A SurefootError of `fn` is
        raised here and ends the run."""

    def close(self) -> None:
        """End the workers; a later run has new ones."""


class LocalEngine:
    """This machine's cores: `workers` processes, one batch each at a time.

    `fn`, its items and its results must be picklable. A batch whose process dies is split in two until
    the guilty item is alone; that one is tried once more at the end, with nothing beside it, before it
    is lost. Workers are spawned, never forked (Polars deadlocks in a forked child), do their sums on one
    thread each, and leave with the driver even when it is killed. `fn` has `item_limit_s` seconds an
    item: times the items for a whole batch, or, where it calls `start_item`, from one call to the next.
    """

    shares_disk = True

    def __init__(self, workers: int, item_limit_s: float = ITEM_LIMIT_S) -> None:
        self._workers = workers
        self._item_limit_s = item_limit_s
        self._idle: list[_Worker] = []
        self._busy: dict[object, _Worker] = {}

    def run(
        self, fn: Callable[[list[Item]], Result], batches: Iterable[list[Item]]
    ) -> Iterator[Done[Result] | Lost[Item]]:
        """See Engine.run. Takes no more than a batch a worker, and one, ahead of the results."""
        suspects: list[Lost[Item]] = []
        try:
            yield from self._work(fn, batches, self._workers, suspects)
            for suspect in suspects:
                lost: list[Lost[Item]] = []
                yield from self._work(fn, [[suspect.item]], 1, lost)
                yield from lost
        finally:
            for worker in self._busy.values():
                worker.end()
            self._busy.clear()

    def _work(
        self,
        fn: Callable[[list[Item]], Result],
        batches: Iterable[list[Item]],
        width: int,
        suspects: list[Lost[Item]],
    ) -> Iterator[Done[Result]]:
        fresh = (batch for batch in batches if batch)
        at_hand: deque[list[Item]] = deque()
        while True:
            while at_hand or (at_hand := deque(islice(fresh, 1))):
                if len(self._busy) == width:
                    break
                self._give(fn, at_hand.popleft())
            if not self._busy:
                return
            for connection in wait([worker.connection for worker in self._busy.values()]):
                worker = self._busy[connection]
                outcome = worker.collect()
                if outcome is None:
                    continue
                batch = worker.batch
                del self._busy[connection]
                if worker.alive:
                    self._idle.append(worker)
                if at_hand:  # before the driver stores what came: nobody waits for that
                    self._give(fn, at_hand.popleft())
                if isinstance(outcome, Done):
                    yield outcome
                elif len(batch) == 1:
                    suspects.append(Lost(batch[0], outcome))
                else:
                    half = len(batch) // 2
                    at_hand += [batch[:half], batch[half:]]

    def _give(self, fn: Callable[[list[Item]], Result], batch: list[Item]) -> None:
        worker = self._idle.pop() if self._idle else _Worker(self._item_limit_s)
        self._busy[worker.connection] = worker
        worker.give(fn, batch)

    def close(self) -> None:
        """End the workers."""
        for worker in (*self._idle, *self._busy.values()):
            worker.end()
        self._idle.clear()
        self._busy.clear()


class _Worker:
    """A process, as the driver sees it: the batch it has, and the ends of two pipes."""

    def __init__(self, item_limit_s: float) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._watchdog, their_watchdog = context.Pipe(duplex=False)
        self._item_limit_s = item_limit_s
        self._ready = False
        self.alive = True
        self.batch: list[Any] = []
        self._process = context.Process(
            target=_serve, args=(theirs, their_watchdog, item_limit_s), daemon=True
        )
        with _environment(_ENVIRONMENT), _without_ctrl_c():
            self._process.start()
        theirs.close()
        their_watchdog.close()

    def give(self, fn: Callable[[list[Item]], Result], batch: list[Item]) -> None:
        """Hand over a batch; what comes of it, a death included, is told by `collect`."""
        self.batch = batch
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send((fn, batch))

    def collect(self) -> Done[Any] | str | None:
        """What came of the batch: its result, or in words why there is none; None: not yet."""
        try:
            kind, payload = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return self._cause_of_death()
        if kind == "ready":
            self._ready = True
            return None
        if kind == "refused":
            raise payload
        return Done(payload) if kind == "done" else str(payload)

    def _cause_of_death(self) -> str:
        self._process.join()
        code = self._process.exitcode or 0
        too_long = os.read(self._watchdog.fileno(), 7) == b"Timeout"
        self.end()
        if not self._ready:
            raise SurefootError(
                f"a worker process could not be started (exit code {code})",
                "try again with fewer workers, or free some memory",
            )
        if too_long:
            return f"it took longer than {self._item_limit_s:g} s"
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"the process that worked on it died ({how})"

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.alive = False
        self._process.kill()
        self._process.join()
        self.connection.close()
        self._watchdog.close()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Let a process that is started here be deaf to Ctrl-C from its first moment.

    Ctrl-C reaches the whole group; the driver alone decides what it means, once the start is done.
    """
    resource_tracker.ensure_running()  # starting it would end the silence
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# In the worker: seconds an item may take, and the descriptor that learns of one that took longer.
_watch: tuple[float, int] | None = None


def start_item() -> None:
    """Say, inside a batch function, that the next item begins: its time limit starts anew.

    Does nothing outside a worker.
    """
    _watch_over(1)


def _watch_over(items: int) -> None:
    if _watch is not None:
        limit_s, descriptor = _watch
        # A C thread: it also stops code that never comes back to Python. Its words go to the driver.
        faulthandler.dump_traceback_later(limit_s * items, exit=True, file=descriptor)


def _serve(connection: Connection, watchdog: Connection, item_limit_s: float) -> None:
    """A worker's life: batches in, results out, until the driver has no more."""
    global _watch
    threading.Thread(target=_leave_with_driver, daemon=True).start()
    _watch = item_limit_s, watchdog.fileno()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        connection.send(("ready", None))
        while True:
            connection.send_bytes(_outcome([connection.recv_bytes()]))


def _outcome(messages: list[bytes]) -> bytes:
    try:
        fn, batch = pickle.loads(messages.pop())  # nobody holds the bytes while the batch is worked on
        _watch_over(len(batch))
        return pickle.dumps(("done", fn(batch)))
    except SurefootError as error:
        return pickle.dumps(("refused", error))
    except MemoryError:
        return pickle.dumps(("failed", "it needs more memory than a worker may have"))
    except Exception as error:
        return pickle.dumps(("failed", f"it failed in an unforeseen way ({type(error).__name__}: {error})"))
    finally:
        faulthandler.cancel_dump_traceback_later()


def _leave_with_driver() -> None:
    driver = multiprocessing.parent_process()
    if driver is not None:
        driver.join()
        os._exit(1)
