"""Keep what takes long to read or to work out for as long as the workspace stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

from pipeline.tables import Adherence, BalanceSessions, DataFrame, Repeats, Runs, Stability, Starts
from pipeline.workspace import VeiledWorkspace

T = TypeVar("T")
MOST_KEPT = 200


class Memo:
    """Results by key, the newest ones; all are let go when `look`, the state of the catalogue, changed."""

    def __init__(self, look: Callable[[], Hashable]) -> None:
        self._look = look
        self._results: dict[Hashable, object] = {}
        self._state: Hashable = None

    def __call__(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, or gave for this key since the catalogue was last written to."""
        state = self._look()
        if state != self._state or not state:
            self._results, self._state = {}, state
        # What another thread lets go meanwhile takes a result that is too old with it.
        results = self._results
        if key not in results:
            made = make()
            if len(results) >= MOST_KEPT:
                results.pop(next(iter(results)), None)
            results[key] = made
            return made
        return results[key]  # type: ignore[return-value]


class KeptWorkspace(VeiledWorkspace):
    """A workspace to look at, which reads an athlete's long tables once while nothing is written to it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, read_only=True)
        self._memo = Memo(self.state)

    def load_runs(self, athlete_id: str | None = None) -> DataFrame[Runs]:
        """As VeiledWorkspace.load_runs."""
        load = super().load_runs
        return self._memo(("runs", athlete_id), lambda: load(athlete_id))

    def load_stability(self, athlete_id: str | None = None) -> DataFrame[Stability]:
        """As VeiledWorkspace.load_stability."""
        load = super().load_stability
        return self._memo(("stability", athlete_id), lambda: load(athlete_id))

    def load_adherence(
        self, athlete_id: str | None = None, until: date | None = None
    ) -> DataFrame[Adherence]:
        """As VeiledWorkspace.load_adherence."""
        load, until = super().load_adherence, until or datetime.now().astimezone().date()
        return self._memo(("adherence", athlete_id, until), lambda: load(athlete_id, until))

    def load_starts(self, athlete_id: str, n: int) -> DataFrame[Starts]:
        """As VeiledWorkspace.load_starts."""
        load = super().load_starts
        return self._memo(("starts", athlete_id, n), lambda: load(athlete_id, n))

    def load_repeats(self, athlete_id: str | None = None) -> DataFrame[Repeats]:
        """As VeiledWorkspace.load_repeats."""
        load = super().load_repeats
        return self._memo(("repeats", athlete_id), lambda: load(athlete_id))

    def load_balance_sessions(self, athlete_id: str | None = None) -> DataFrame[BalanceSessions]:
        """As VeiledWorkspace.load_balance_sessions."""
        load = super().load_balance_sessions
        return self._memo(("balance", athlete_id), lambda: load(athlete_id))
