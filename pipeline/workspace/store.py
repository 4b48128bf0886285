"""`Workspace`: one folder with everything that is kept, and the only way in and out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import polars as pl
import sqlalchemy as sa

from pipeline.errors import SurefootError
from pipeline.results import FileResult, PackRef, RunResult, Seen
from pipeline.tables import DataFrame, Dose, Effects, Plans, Runs, Segments, Stability
from pipeline.workspace import catalogue, originals, packs
from pipeline.workspace.frames import to_row, to_rows
from pipeline.workspace.logbook import add_proposals
from pipeline.workspace.reading import Reading, no_run
from pipeline.workspace.transfer import Transfer


class Workspace(Transfer):
    __doc__ = Reading.__doc__

    def save_pack(self, athlete_id: str, runs: Sequence[RunResult]) -> PackRef:
        """`packs.save_pack` in this workspace; hold `writer_lock` until the pack is committed."""
        return packs.save_pack(self.path, athlete_id, runs)

    def keep_original(self, content_sha256: str, content: bytes) -> None:
        """`originals.keep_original` in this workspace; hold `writer_lock` until its file is committed."""
        originals.keep_original(self.path, content_sha256, content)

    def commit(
        self,
        athlete_id: str,
        pack: PackRef | None,
        results: Sequence[FileResult],
        seen: Sequence[Seen] = (),
    ) -> None:
        """Save what became of some contents, their runs, and where they were seen, in one transaction.

        Replaces an earlier analysis of the same content whole; its name stays the one first given, and so
        does its cadence unit unless a new one is given. A content that comes twice in `results` counts
        once, the first time. `pack` holds the frames of all runs in `results`. Raises SurefootError where
        the pack is not there.
        """
        unique = {result.content_sha256: result for result in reversed(results)}
        positions = {} if pack is None else {run_id: i for i, run_id in enumerate(pack.run_ids)}
        with self._writing() as connection:
            if pack is not None:
                self._add_pack(connection, pack)
            _replace_files(connection, athlete_id, list(unique.values()))
            add_proposals(connection, athlete_id, [p for r in unique.values() for p in r.proposals])
            for run in (run for result in unique.values() for run in result.runs):
                if pack is None or run.run["run_id"] not in positions:
                    raise SurefootError(f"the track of {run.run['source_name']} is in no pack")
                _add_run(connection, athlete_id, run, pack.pack_id, positions[run.run["run_id"]])
            _remember(connection, athlete_id, seen)
            dead = _drop_dead_packs(connection, athlete_id)
        for row in dead:
            packs.remove_pack(self.path, athlete_id, row.analysis_version, row.pack_id)

    def _add_pack(self, connection: sa.Connection, pack: PackRef) -> None:
        for file in packs.pack_files(self.path, pack.athlete_id, pack.analysis_version, pack.pack_id):
            if not file.is_file():
                raise SurefootError(f"the pack {file} is gone", "analyse the files again")
        connection.execute(
            catalogue.packs.insert().values(
                pack_id=pack.pack_id,
                athlete_id=pack.athlete_id,
                analysis_version=pack.analysis_version,
                size_bytes=pack.size_bytes,
            )
        )

    def save_athlete(
        self,
        athlete_id: str,
        *,
        runs: DataFrame[Runs],
        segments: DataFrame[Segments],
        stability: DataFrame[Stability],
        dose: DataFrame[Dose],
        effects: DataFrame[Effects],
    ) -> None:
        """Replace all that is derived from an athlete's runs together, in one transaction.

        `runs` updates the rows of runs that are there. Raises SurefootError where one is not.
        """
        with self._writing() as connection:
            _update_runs(connection, athlete_id, runs)
            for table, frame in (
                (catalogue.segments, segments),
                (catalogue.stability, stability),
                (catalogue.dose, dose),
                (catalogue.effects, effects),
            ):
                _replace(connection, table, athlete_id, frame)

    def save_answer(self, athlete_id: str, *, dose: DataFrame[Dose], effects: DataFrame[Effects]) -> None:
        """Replace an athlete's dose and answer in one transaction."""
        with self._writing() as connection:
            _replace(connection, catalogue.dose, athlete_id, dose)
            _replace(connection, catalogue.effects, athlete_id, effects)

    def save_plans(self, athlete_id: str, plans: DataFrame[Plans]) -> None:
        """Replace an athlete's plans."""
        with self._writing() as connection:
            _replace(connection, catalogue.plans, athlete_id, plans)

    def set_cadence_rule(
        self, athlete_id: str, device: str, source_formats: Sequence[str], cadence_unit: str
    ) -> int:
        """Say what a device's cadence counts from now on; an empty unit leaves it to the files again.

        Its stored runs, and recordings set aside as duplicates, which a corrected run may now be worse
        than, are marked to be analysed anew. Gives the number of runs marked, 0 where nothing changes.
        """
        rules, files, runs = catalogue.cadence_rules, catalogue.files, catalogue.runs
        rows = [
            {
                "athlete_id": athlete_id,
                "device": device,
                "source_format": source_format,
                "cadence_unit": cadence_unit,
            }
            for source_format in source_formats
            if cadence_unit
        ]
        mine = (rules.c.athlete_id == athlete_id) & (rules.c.device == device)
        mine &= rules.c.source_format.in_(source_formats)
        of_device = sa.select(runs.c.content_sha256).where(
            runs.c.athlete_id == athlete_id, runs.c.device == device, runs.c.source_format.in_(source_formats)
        )
        own = (files.c.athlete_id == athlete_id) & files.c.content_sha256.in_(of_device)
        with self._writing() as connection:
            before = {
                row.source_format: row.cadence_unit for row in connection.execute(rules.select().where(mine))
            }
            given = connection.scalar(sa.select(sa.func.count()).where(own, files.c.cadence_unit_given != ""))
            if before == {row["source_format"]: row["cadence_unit"] for row in rows} and not given:
                return 0
            connection.execute(rules.delete().where(mine))
            if rows:
                connection.execute(rules.insert(), rows)
            twice = (files.c.athlete_id == athlete_id) & (files.c.status == "duplicate")
            connection.execute(files.update().where(twice).values(analysis_version=0))
            changed = connection.execute(
                files.update().where(own).values(analysis_version=0, cadence_unit_given="")
            )
            return changed.rowcount


def _replace_files(connection: sa.Connection, athlete_id: str, results: Sequence[FileResult]) -> None:
    table = catalogue.files
    for result in results:
        same = (table.c.athlete_id == athlete_id) & (table.c.content_sha256 == result.content_sha256)
        first = connection.execute(
            sa.select(table.c.source_name, table.c.cadence_unit_given).where(same)
        ).first()
        connection.execute(table.delete().where(same))
        connection.execute(
            table.insert().values(
                athlete_id=athlete_id,
                content_sha256=result.content_sha256,
                source_name=first.source_name if first else result.source_name,
                size_bytes=result.size_bytes,
                status=result.status,
                reason=result.reason,
                advice=result.advice,
                cadence_unit_given=result.cadence_unit_given or (first.cadence_unit_given if first else ""),
                analysis_version=result.analysis_version,
            )
        )


def _add_run(connection: sa.Connection, athlete_id: str, run: RunResult, pack_id: str, position: int) -> None:
    values: dict[str, Any] = {**run.run, "athlete_id": athlete_id}
    connection.execute(catalogue.runs.insert().values(to_row(values)))
    connection.execute(
        catalogue.placements.insert().values(
            athlete_id=athlete_id,
            run_id=run.run["run_id"],
            pack_id=pack_id,
            position=position,
            cadence_moments=[float(moment) for moment in run.cadence_moments],
        )
    )


def _drop_dead_packs(connection: sa.Connection, athlete_id: str) -> Sequence[sa.Row[Any]]:
    """Remove the rows of packs that no run names any more; gives them back."""
    table = catalogue.packs
    unnamed = table.c.pack_id.not_in(sa.select(catalogue.placements.c.pack_id))
    mine = (table.c.athlete_id == athlete_id) & unnamed
    dead = connection.execute(sa.select(table).where(mine)).all()
    connection.execute(table.delete().where(mine))
    return dead


def _update_runs(connection: sa.Connection, athlete_id: str, runs: DataFrame[Runs]) -> None:
    table = catalogue.runs
    stored = set(connection.scalars(sa.select(table.c.run_id).where(table.c.athlete_id == athlete_id)))
    rows = to_rows(runs)
    for row in rows:
        if row["run_id"] not in stored:
            raise no_run(row["run_id"])
    if rows:
        values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in runs.columns}
        same = (table.c.athlete_id == athlete_id) & (table.c.run_id == sa.bindparam("new_run_id"))
        del values["run_id"], values["athlete_id"]
        connection.execute(
            table.update().where(same).values(values),
            [{f"new_{name}": value for name, value in row.items()} for row in rows],
        )


def _replace(connection: sa.Connection, table: sa.Table, athlete_id: str, frame: pl.DataFrame) -> None:
    """Give an athlete these rows of a table and no others."""
    connection.execute(table.delete().where(table.c.athlete_id == athlete_id))
    if not frame.is_empty():
        connection.execute(table.insert(), to_rows(frame.with_columns(athlete_id=pl.lit(athlete_id))))


def _remember(connection: sa.Connection, athlete_id: str, seen: Sequence[Seen]) -> None:
    """Note where contents were seen; a path seen before has the new content."""
    table = catalogue.seen
    rows = {entry.path: {"athlete_id": athlete_id, **asdict(entry)} for entry in seen}
    if rows:
        same = (table.c.athlete_id == athlete_id) & (table.c.path == sa.bindparam("old_path"))
        connection.execute(table.delete().where(same), [{"old_path": path} for path in rows])
        connection.execute(table.insert(), list(rows.values()))
