"""Uploads and what becomes of them: a list in the catalogue, the pieces in the folder `uploads`.

Rows are changed one at a time and without the writer lock, which an import holds until it is done: the list
must be open to a browser meanwhile.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipeline.tables import DataFrame, Jobs
from pipeline.workspace import catalogue
from pipeline.workspace.folder import UPLOADS
from pipeline.workspace.frames import to_row
from pipeline.workspace.packs import owner_name
from pipeline.workspace.reading import Reading


class JobList(Reading):
    """The part of Workspace that knows of long work: uploads, and what is to be made again."""

    def upload_folder(self, athlete_id: str, job_id: str) -> Path:
        """Where an upload's files lie: `0`, `1` and so on in the order of its list, never by their names."""
        return self.path / UPLOADS / owner_name(athlete_id) / job_id

    def add_job(
        self, athlete_id: str, job_id: str, files: Sequence[tuple[str, int]], created_at: datetime
    ) -> None:
        """Begin an upload of files, (name, bytes) each."""
        row = to_row({"created_at": created_at})
        nothing = dict.fromkeys(("progress", "result"), "{}")
        with self._noting() as connection:
            connection.execute(
                catalogue.jobs.insert().values(
                    athlete_id=athlete_id,
                    job_id=job_id,
                    kind="upload",
                    state="uploading",
                    files=json.dumps(files),
                    reason="",
                    attempts=0,
                    **row,
                    **nothing,
                )
            )
        self.upload_folder(athlete_id, job_id).mkdir(mode=0o700, parents=True, exist_ok=True)

    def ask_again(self, athlete_id: str, kind: str, asked_at: datetime) -> str:
        """Let an athlete's answer, or labels and answer, be made again; gives the job's number.

        One that waits already will do. What was done or failed before is let go.
        """
        table = catalogue.jobs
        with self._noting() as connection:
            same = (table.c.athlete_id == athlete_id) & (table.c.kind == kind)
            waiting = connection.scalar(sa.select(table.c.job_id).where(same, table.c.state == "waiting"))
            if waiting is not None:
                return str(waiting)
            connection.execute(table.delete().where(same, table.c.state.in_(("done", "failed"))))
            job_id = secrets.token_hex(16)
            connection.execute(
                table.insert().values(
                    athlete_id=athlete_id,
                    job_id=job_id,
                    kind=kind,
                    state="waiting",
                    files="[]",
                    progress="{}",
                    result="{}",
                    reason="",
                    attempts=0,
                    **to_row({"created_at": asked_at}),
                )
            )
        return job_id

    def load_jobs(self, athlete_id: str | None = None) -> DataFrame[Jobs]:
        """All of them, the newest last."""
        return self._load(Jobs, catalogue.jobs, athlete_id, order=("created_at", "job_id"))

    def find_job(self, job_id: str) -> dict[str, Any] | None:
        """One job's row, or None."""
        found = self._load(Jobs, catalogue.jobs, None, catalogue.jobs.c.job_id == job_id)
        return found.row(0, named=True) if len(found) else None

    def move_job(self, job_id: str, before: Collection[str], **values: Any) -> bool:
        """Change a job that is in one of these states; False where it is in none of them."""
        table = catalogue.jobs
        with self._noting() as connection:
            mine = (table.c.job_id == job_id) & table.c.state.in_(before)
            return connection.execute(table.update().where(mine).values(**values)).rowcount == 1

    def drop_job(self, athlete_id: str, job_id: str, before: Collection[str]) -> bool:
        """Remove an upload that is in one of these states, and its files."""
        table = catalogue.jobs
        with self._noting() as connection:
            mine = (table.c.job_id == job_id) & table.c.state.in_(before)
            is_gone = connection.execute(table.delete().where(mine)).rowcount == 1
        if is_gone:
            self.drop_uploaded(athlete_id, job_id)
        return is_gone

    def drop_uploaded(self, athlete_id: str, job_id: str) -> None:
        """Remove the files of an upload."""
        shutil.rmtree(self.upload_folder(athlete_id, job_id), ignore_errors=True)
