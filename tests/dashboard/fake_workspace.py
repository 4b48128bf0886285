"""A workspace in memory with the read API of pipeline.workspace, of invented runners: for the tests."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from fake_tables import (
    FIRST_DAY,
    HOSTILE,
    balance_sessions,
    dose,
    effects,
    frame_of,
    proposed_sessions,
    repeats,
    season,
    segments,
    track,
)

from pipeline import tables
from pipeline.adherence import Thresholds, count_weeks_in_plan, derive_adherence
from pipeline.balance import derive_dose_by_category
from pipeline.effect import derive_residuals
from pipeline.errors import SurefootError
from pipeline.grounds import summarise_grounds
from pipeline.settings import AthleteSettings

GROUP = "<b>&group=x"


class FakeWorkspace:
    """`maya` has a whole answer, `new runner/2` six runs and no log, the hostile name runs and an answer."""

    path = Path("no-workspace")
    RUNS = {"maya": 118, "new runner/2": 6, HOSTILE: 34}  # noqa: RUF012

    def state(self) -> tuple[int, ...]:
        return ()

    def athletes(self) -> list[str]:
        return list(self.RUNS)

    def load_runs(self, athlete_id: str) -> pl.DataFrame:
        return season(athlete_id, self.RUNS[athlete_id])[0]

    def load_run(self, run_id: str) -> dict[str, Any]:
        for athlete_id in self.RUNS:
            found = self.load_runs(athlete_id).filter(pl.col("run_id") == run_id)
            if found.height:
                return found.row(0, named=True)
        raise SurefootError(f"no run {run_id} is in the workspace")

    def load_track(self, run_id: str) -> pl.DataFrame:
        return track(run_id)

    def load_grounds(self, run_id: str) -> pl.DataFrame:
        return summarise_grounds(track(run_id), segments(run_id))

    def load_segments(self, athlete_id: str | None = None, run_id: str | None = None) -> pl.DataFrame:
        assert run_id is not None
        return segments(run_id)

    def load_stability(self, athlete_id: str) -> pl.DataFrame:
        return season(athlete_id, self.RUNS[athlete_id])[1]

    def load_repeats(self, athlete_id: str) -> pl.DataFrame:
        frame = repeats(athlete_id, self.RUNS[athlete_id])
        return frame.clear() if athlete_id.startswith("new") else frame

    def load_balance_sessions(self, athlete_id: str) -> pl.DataFrame:
        frame = balance_sessions(athlete_id)
        return frame.clear() if athlete_id.startswith("new") else frame

    def load_proposed_sessions(self, athlete_id: str) -> pl.DataFrame:
        return proposed_sessions(athlete_id)

    def load_adherence(self, athlete_id: str) -> pl.DataFrame:
        return derive_adherence(self.load_balance_sessions(athlete_id), until=date(2026, 11, 20))

    def count_weeks_in_plan(self, athlete_id: str, until: date) -> tuple[int, int]:
        return count_weeks_in_plan(
            self.load_balance_sessions(athlete_id), until=until, thresholds=Thresholds()
        )

    def load_jobs(self, athlete_id: str | None = None) -> pl.DataFrame:
        return tables.Jobs.create_empty()

    def find_job(self, job_id: str) -> dict[str, Any] | None:
        return None

    def upload_folder(self, athlete_id: str, job_id: str) -> Path:
        return self.path / job_id

    def load_settings_of(self, athlete_id: str) -> AthleteSettings:
        return AthleteSettings()

    def load_plans(self, athlete_id: str) -> pl.DataFrame:
        return tables.Plans.create_empty()

    def load_dose(self, athlete_id: str) -> pl.DataFrame:
        frame = dose(athlete_id)
        return frame.clear() if athlete_id.startswith("new") else frame

    def load_dose_by_category(self, athlete_id: str) -> pl.DataFrame:
        return derive_dose_by_category(self.load_balance_sessions(athlete_id), until=date(2026, 11, 20))

    def load_residuals(self, athlete_id: str) -> pl.DataFrame:
        return derive_residuals(
            athlete_id,
            self.load_runs(athlete_id),
            self.load_stability(athlete_id),
            self.load_balance_sessions(athlete_id),
        )

    def load_effects(self, athlete_id: str) -> pl.DataFrame:
        frame = effects(athlete_id)
        return frame.clear() if athlete_id.startswith("new") else frame

    def load_marks(self, athlete_id: str) -> pl.DataFrame:
        return tables.Marks.create_empty()

    def load_zones(self, athlete_id: str) -> pl.DataFrame:
        return tables.Zones.create_empty()

    def load_starts(self, athlete_id: str, n: int) -> pl.DataFrame:
        row = {"run_id": "r", "local_date": FIRST_DAY, "lat_deg": -30.0, "lon_deg": -100.0}
        return frame_of(tables.Starts, [row, row | {"run_id": "s", "lat_deg": -30.02}])

    def load_tiles(self) -> str:
        return ""

    def load_groups(self) -> pl.DataFrame:
        rows = [("maya", "juniors"), (HOSTILE, "juniors"), (HOSTILE, GROUP)]
        known = [row for row in rows if row[0] in self.RUNS]
        return tables.Groups.cast(pl.DataFrame(known, schema=["athlete_id", "name"], orient="row"))

    def load_rejected(self, athlete_id: str) -> pl.DataFrame:
        return frame_of(
            tables.RejectedFiles,
            [
                {
                    "source_name": "broken.fit",
                    "content_sha256": "0" * 64,
                    "reason": "the file is empty",
                    "advice": "export it again from the watch",
                }
            ],
        )

    def counts(self, athlete_id: str) -> dict[str, int]:
        return {
            "runs": self.RUNS[athlete_id],
            "duplicates": 2,
            "skipped": 1,
            "rejected": 1,
            "files": 4 + self.RUNS[athlete_id],
        }


class EmptyWorkspace(FakeWorkspace):
    """A workspace that has just been made."""

    RUNS = {}  # noqa: RUF012
