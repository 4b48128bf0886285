"""The workspace as one who is signed in may see it: the athletes of the request, and no word of others.

Whatever id a request brings, an athlete of somebody else is one that is not there. A query that is not
written here cannot be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.settings import AthleteSettings
from pipeline.tables import (
    BalanceSessions,
    DataFrame,
    Effects,
    Groups,
    Plans,
    ProposedSessions,
    Repeats,
    Runs,
    Stability,
    Starts,
    Zones,
)
from pipeline.workspace import Workspace

NOBODY = ""
"""No athlete has this name: what is asked of others is asked of nobody."""


class Visible:
    """The read API of a workspace (queries.Workspace) over the athletes that `seen` gives.

    What says where somebody lives, and the SHA-256 by which an original is kept, is for the one in `own`
    alone; groups are those that `groups` gives.
    """

    def __init__(
        self,
        workspace: Workspace,
        seen: Callable[[], frozenset[str]],
        own: Callable[[], str | None],
        groups: Callable[[], DataFrame[Groups]],
    ) -> None:
        self.path: Path = workspace.path
        self._workspace = workspace
        self._seen = seen
        self._own = own
        self._groups = groups

    def _only(self, athlete_id: str) -> str:
        return athlete_id if athlete_id in self._seen() else NOBODY

    def _alone(self, athlete_id: str) -> str:
        return athlete_id if athlete_id == self._own() else NOBODY

    def state(self) -> Hashable:
        """As Workspace.state."""
        return self._workspace.state()

    def athletes(self) -> list[str]:
        """Those who are seen, sorted."""
        return sorted(self._seen())

    def load_runs(self, athlete_id: str) -> DataFrame[Runs]:
        """As Workspace.load_runs; others have no content_sha256."""
        runs = self._workspace.load_runs(self._only(athlete_id))
        return runs if athlete_id == self._own() else Runs.cast(runs.with_columns(content_sha256=pl.lit("")))

    def load_run(self, run_id: str) -> dict[str, Any]:
        """As Workspace.load_run: the row of the one who is seen, where others have the same recording."""
        run = self._workspace.load_run(run_id, self._seen())
        return run if run["athlete_id"] == self._own() else run | {"content_sha256": ""}

    def load_track(self, run_id: str) -> pl.DataFrame:
        """As Workspace.load_track."""
        return self._workspace.load_track(run_id, self.load_run(run_id)["athlete_id"])

    def load_grounds(self, run_id: str) -> pl.DataFrame:
        """As Workspace.load_grounds."""
        return self._workspace.load_grounds(run_id, self.load_run(run_id)["athlete_id"])

    def load_segments(self, athlete_id: str | None = None, run_id: str | None = None) -> pl.DataFrame:
        """As Workspace.load_segments; of a run without an athlete those of its runner."""
        if athlete_id is None:
            athlete_id = NOBODY if run_id is None else self.load_run(run_id)["athlete_id"]
        return self._workspace.load_segments(self._only(athlete_id), run_id)

    def load_stability(self, athlete_id: str) -> DataFrame[Stability]:
        """As Workspace.load_stability."""
        return self._workspace.load_stability(self._only(athlete_id))

    def load_repeats(self, athlete_id: str) -> DataFrame[Repeats]:
        """As Workspace.load_repeats."""
        return self._workspace.load_repeats(self._only(athlete_id))

    def load_balance_sessions(self, athlete_id: str) -> DataFrame[BalanceSessions]:
        """As Workspace.load_balance_sessions."""
        return self._workspace.load_balance_sessions(self._only(athlete_id))

    def load_proposed_sessions(self, athlete_id: str) -> DataFrame[ProposedSessions]:
        """As Workspace.load_proposed_sessions."""
        return self._workspace.load_proposed_sessions(self._only(athlete_id))

    def load_adherence(self, athlete_id: str) -> pl.DataFrame:
        """As Workspace.load_adherence."""
        return self._workspace.load_adherence(self._only(athlete_id))

    def count_weeks_in_plan(self, athlete_id: str, until: date) -> tuple[int, int]:
        """As Workspace.count_weeks_in_plan."""
        return self._workspace.count_weeks_in_plan(self._only(athlete_id), until)

    def load_settings_of(self, athlete_id: str) -> AthleteSettings:
        """As Workspace.load_settings_of."""
        return self._workspace.load_settings_of(self._only(athlete_id))

    def load_plans(self, athlete_id: str) -> DataFrame[Plans]:
        """As Workspace.load_plans."""
        return self._workspace.load_plans(self._only(athlete_id))

    def load_dose(self, athlete_id: str) -> pl.DataFrame:
        """As Workspace.load_dose."""
        return self._workspace.load_dose(self._only(athlete_id))

    def load_dose_by_category(self, athlete_id: str) -> pl.DataFrame:
        """As Workspace.load_dose_by_category."""
        return self._workspace.load_dose_by_category(self._only(athlete_id))

    def load_residuals(self, athlete_id: str) -> pl.DataFrame:
        """As Workspace.load_residuals."""
        return self._workspace.load_residuals(self._only(athlete_id))

    def load_marks(self, athlete_id: str) -> pl.DataFrame:
        """As Workspace.load_marks."""
        return self._workspace.load_marks(self._only(athlete_id))

    def load_effects(self, athlete_id: str) -> DataFrame[Effects]:
        """As Workspace.load_effects."""
        return self._workspace.load_effects(self._only(athlete_id))

    def load_jobs(self, athlete_id: str | None = None) -> pl.DataFrame:
        """As Workspace.load_jobs, of an athlete; without one of nobody."""
        return self._workspace.load_jobs(self._only(athlete_id or NOBODY))

    def find_job(self, job_id: str) -> dict[str, Any] | None:
        """As Workspace.find_job."""
        job = self._workspace.find_job(job_id)
        return job if job is not None and job["athlete_id"] in self._seen() else None

    def upload_folder(self, athlete_id: str, job_id: str) -> Path:
        """As Workspace.upload_folder."""
        return self._workspace.upload_folder(self._only(athlete_id), job_id)

    def load_zones(self, athlete_id: str) -> DataFrame[Zones]:
        """As Workspace.load_zones, of oneself: a zone says what it hides."""
        return self._workspace.load_zones(self._alone(athlete_id))

    def load_starts(self, athlete_id: str, n: int) -> DataFrame[Starts]:
        """As Workspace.load_starts, of oneself."""
        return self._workspace.load_starts(self._alone(athlete_id), n)

    def load_tiles(self) -> str:
        """As Workspace.load_tiles."""
        return self._workspace.load_tiles()

    def load_groups(self) -> DataFrame[Groups]:
        """Into which groups the one who asks put whom; nobody else's."""
        return self._groups()

    def load_rejected(self, athlete_id: str) -> pl.DataFrame:
        """As Workspace.load_rejected; others have no content_sha256."""
        rejected = self._workspace.load_rejected(self._only(athlete_id))
        return rejected if athlete_id == self._own() else rejected.with_columns(content_sha256=pl.lit(""))

    def counts(self, athlete_id: str) -> dict[str, int]:
        """As Workspace.counts."""
        return self._workspace.counts(self._only(athlete_id))
