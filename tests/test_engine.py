"""The engine: what a bad item costs, and who is left behind."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine import Done, LocalEngine, start_item
from pipeline.errors import SurefootError

THREADS = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
EXIT, KILL, SEGFAULT, HANG, RAISE, REFUSE, MEMORY = -1, -2, -3, -4, -5, -6, -7


def work(batch: list[int]) -> list[int]:
    """Ten times each item, unless it is one of the bad ones."""
    for item in batch:
        start_item()
        if item == EXIT:
            os._exit(1)
        if item == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        if item == SEGFAULT:
            ctypes.string_at(0)
        if item == HANG:
            threading.Event().wait()
        if item == RAISE:
            raise EOFError("cut short")
        if item == MEMORY:
            take_too_much_memory()
        if item == REFUSE:
            raise SurefootError("the disk is full", "make room")
    return [item * 10 for item in batch]


def take_too_much_memory() -> None:
    """Ask for a gigabyte where the system gives this process no more than 64 MB beside what it has."""
    used_bytes = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used_bytes + 2**26, before[1]))
    try:
        bytearray(2**30)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def threads(batch: list[int]) -> list[str | None]:
    """What a worker knows of how many threads it may use."""
    return [
        os.environ.get(name) for name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    ]


def touch(batch: list[Path]) -> int:
    """Leave a trace of having been here."""
    for path in batch:
        path.touch()
    return len(batch)


def die_once(batch: list[Path]) -> int:
    """Die the first time a path is seen, as when somebody ends a worker by hand."""
    for path in batch:
        if not path.exists():
            path.touch()
            os._exit(1)
    return len(batch)


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    """Two workers for the whole module; one second an item."""
    engine = LocalEngine(2, item_limit_s=1)
    yield engine
    engine.close()


def outcome(engine: LocalEngine, batches: list[list[int]]) -> tuple[list[int], dict[int, str]]:
    """Results sorted, and the reasons by lost item."""
    results: list[int] = []
    lost: dict[int, str] = {}
    for event in engine.run(work, batches):
        if isinstance(event, Done):
            results += event.result
        else:
            assert event.item not in lost
            lost[event.item] = event.reason
    return sorted(results), lost


def test_every_item_once(engine: LocalEngine) -> None:
    """Without bad items each result comes once."""
    assert outcome(engine, [[1, 2], [3], [], [4, 5, 6]]) == ([10, 20, 30, 40, 50, 60], {})


def test_nothing_to_do(engine: LocalEngine) -> None:
    """No batches give no results."""
    assert outcome(engine, []) == ([], {})


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (EXIT, "the process that worked on it died (exit code 1)"),
        (KILL, "the process that worked on it died (SIGKILL)"),
        (SEGFAULT, "the process that worked on it died (SIGSEGV)"),
        (HANG, "it took longer than 1 s"),
        (MEMORY, "it needs more memory than a worker may have"),
        (RAISE, "it failed in an unforeseen way (EOFError: cut short)"),
    ],
)
def test_bad_item_costs_itself_alone(engine: LocalEngine, bad: int, words: str) -> None:
    """One item that kills, hangs or breaks its process is lost with the reason; all others are done."""
    results, lost = outcome(engine, [[1, 2, bad, 4], [5, 6]])
    assert results == [10, 20, 40, 50, 60]
    assert lost == {bad: words}


def test_refusal_ends_the_run(engine: LocalEngine) -> None:
    """An error for people from the function reaches the caller as it is."""
    with pytest.raises(SurefootError, match="the disk is full: make room"):
        list(engine.run(work, [[1], [REFUSE], [2]]))
    assert outcome(engine, [[1]]) == ([10], {})


def test_death_by_chance_is_forgiven(engine: LocalEngine, tmp_path: Path) -> None:
    """An item whose process died once only is done at the second attempt."""
    events = list(engine.run(die_once, [[tmp_path / "once"]]))
    assert events == [Done(1)]


def test_one_thread_each(engine: LocalEngine) -> None:
    """Workers are told to do their sums on one thread, and the driver's own setting is untouched."""
    before = os.environ.get("POLARS_MAX_THREADS")
    assert list(engine.run(threads, [[1]])) == [Done(["1", "1", "1"])]
    assert os.environ.get("POLARS_MAX_THREADS") == before


def test_batches_are_taken_as_needed(engine: LocalEngine) -> None:
    """No more than a batch a worker, and one that waits, is taken ahead of the results."""
    taken = 0

    def batches() -> Iterator[list[int]]:
        nonlocal taken
        for number in range(1, 50):
            taken += 1
            yield [number]

    for done, _ in enumerate(engine.run(work, batches()), 1):
        assert taken <= done + 2


def test_nobody_waits_for_the_driver(engine: LocalEngine, tmp_path: Path) -> None:
    """The next batch is at work before what came of the last is handed out."""
    paths = [tmp_path / name for name in "abc"]
    events = engine.run(touch, [[path] for path in paths])
    next(events)
    deadline = time.monotonic() + 60
    while not all(path.exists() for path in paths) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [path.name for path in paths if path.exists()] == ["a", "b", "c"]
    assert list(events) == [Done(1), Done(1)]


def test_abandoned_run_leaves_the_engine_usable(engine: LocalEngine) -> None:
    """Who stops listening half way may start another run."""
    events = engine.run(work, [[1], [2], [3], [4]])
    next(events)
    events.close()
    assert outcome(engine, [[7]]) == ([70], {})


@settings(max_examples=5, deadline=None)
@given(
    batches=st.lists(st.lists(st.integers(0, 99), max_size=5), max_size=6),
    bad=st.lists(st.sampled_from([EXIT, KILL, RAISE]), unique=True, max_size=2),
    data=st.data(),
)
def test_results_do_not_depend_on_order(
    engine: LocalEngine, batches: list[list[int]], bad: list[int], data: st.DataObject
) -> None:
    """Wherever the bad items lie, the good ones give the same results and only the bad are lost."""
    spoilt = [list(batch) for batch in batches] + [[]]
    for item in bad:
        batch = data.draw(st.sampled_from(spoilt))
        batch.insert(data.draw(st.integers(0, len(batch))), item)
    results, lost = outcome(engine, spoilt)
    assert results == sorted(item * 10 for batch in batches for item in batch)
    assert set(lost) == set(bad)


DRIVER = """
    import os, sys, threading
    from pipeline.engine import LocalEngine

    def wait(batch):
        print(os.getpid(), flush=True)
        threading.Event().wait()

    if __name__ == "__main__":
        list(LocalEngine(2).run(wait, [[1], [2]]))
"""


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_leave_with_the_driver(tmp_path: Path, signal_number: signal.Signals) -> None:
    """However the driver ends, its workers end too."""
    script = tmp_path / "driver.py"
    script.write_text(textwrap.dedent(DRIVER))
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        workers = [int(driver.stdout.readline()) for _ in range(2)]
        driver.send_signal(signal_number)
        # The workers hold the other end of this pipe: it ends when the last of them has.
        assert driver.stdout.read() == ""
    assert not any(Path(f"/proc/{pid}/exe").exists() for pid in workers)


def test_interrupt_says_nothing_of_workers(tmp_path: Path) -> None:
    """Ctrl-C stops the driver at once, and no worker prints a traceback of its own."""
    script = tmp_path / "driver.py"
    script.write_text(textwrap.dedent(DRIVER))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, script], text=True, start_new_session=True, **pipes) as driver:
        assert driver.stdout is not None
        for _ in range(2):
            driver.stdout.readline()
        os.killpg(driver.pid, signal.SIGINT)
        _, errors = driver.communicate(timeout=30)
    assert errors.count("Traceback") <= 1
    assert "spawn" not in errors


def test_watchdog_is_silent(tmp_path: Path) -> None:
    """A hanging item prints nothing to the terminal."""
    script = tmp_path / "driver.py"
    script.write_text(textwrap.dedent(DRIVER).replace("LocalEngine(2)", "LocalEngine(2, item_limit_s=0.2)"))
    finished = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert finished.stderr == ""


def test_worker_that_cannot_start(tmp_path: Path) -> None:
    """Where no worker comes up the run ends with one line, and no item is blamed."""
    script = tmp_path / "driver.py"
    text = textwrap.dedent(DRIVER).replace("import os, sys, threading", "import os, sys, threading\nSTOP")
    script.write_text(text.replace("STOP", 'if __name__ != "__main__": os._exit(9)'))
    finished = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert "SurefootError: a worker process could not be started (exit code 9)" in finished.stderr
    assert "Lost" not in finished.stdout
