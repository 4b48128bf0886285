"""`Workspace`: one folder with everything that is kept, and the only way in and out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from pipeline.errors import SurefootError
from pipeline.results import Answer, FileResult, Origin, PackRef, Relabelled, RunResult, Seen
from pipeline.tables import DataFrame, Plans, Repeats, Runs, Segments, Stability, Stretches
from pipeline.workspace import catalogue, originals, packs
from pipeline.workspace.frames import insert, insert_rows, to_row, to_rows
from pipeline.workspace.grouping import Grouping
from pipeline.workspace.joblist import JobList
from pipeline.workspace.kept import put
from pipeline.workspace.logbook import add_proposals
from pipeline.workspace.passes import to_passes_row
from pipeline.workspace.reading import Reading, no_run
from pipeline.workspace.showing import Showing
from pipeline.workspace.transfer import Transfer


class Workspace(Transfer, JobList, Showing, Grouping):
    __doc__ = Reading.__doc__

    def save_pack(self, athlete_id: str, runs: Sequence[RunResult]) -> PackRef:
        """`packs.save_pack` in this workspace; hold `writer_lock` until the pack is committed."""
        return packs.save_pack(self.kept, athlete_id, runs)

    def keep_original(self, content_sha256: str, content: bytes) -> None:
        """`originals.keep_original` in this workspace; hold `writer_lock` until its file is committed."""
        originals.keep_original(self.kept, content_sha256, content)

    def put_file(self, name: str, content: bytes) -> None:
        """Put a file of a pack, or an original, in its place; hold `writer_lock` until it is committed."""
        put(self.kept / name, content)

    def commit(
        self,
        athlete_id: str,
        pack: PackRef | None,
        results: Sequence[FileResult],
        seen: Sequence[Seen] = (),
    ) -> None:
        """Save what became of some contents, their runs, and where they were seen, in one transaction.

        Replaces an earlier analysis of the same content whole; its name stays the one first given, and so
        do its cadence unit and its sport unless new ones are given. A content that comes twice in
        `results` counts once, the first time. `pack` holds the frames of all runs in `results`. Raises
        SurefootError where the pack is not there.
        """
        unique = {result.content_sha256: result for result in reversed(results)}
        with self._writing() as connection:
            if pack is not None:
                self._add_pack(connection, pack)
            anew = _replace_files(connection, athlete_id, list(unique.values()))
            add_proposals(connection, athlete_id, [p for r in unique.values() for p in r.proposals])
            _add_runs(connection, athlete_id, [run for r in unique.values() for run in r.runs], pack)
            _add_label_changes(connection, athlete_id, anew)
            _remember(connection, athlete_id, seen)
            dead = _drop_dead_packs(connection, athlete_id)
        for row in dead:
            packs.remove_pack(self.kept, athlete_id, row.analysis_version, row.pack_id)

    def forget_files(self, athlete_id: str, *, paths: Sequence[str], contents: Sequence[str]) -> None:
        """Forget where contents were seen, and files that could not be read then; nothing of any run."""
        seen, files = catalogue.seen, catalogue.files
        with self._writing() as connection:
            for column, values in ((seen.c.path, paths), (files.c.content_sha256, contents)):
                same = (column.table.c.athlete_id == athlete_id) & (column == sa.bindparam("old"))
                if values:
                    connection.execute(sa.delete(column.table).where(same), [{"old": v} for v in values])

    def _add_pack(self, connection: sa.Connection, pack: PackRef) -> None:
        for file in packs.pack_files(self.kept, pack.athlete_id, pack.analysis_version, pack.pack_id):
            if not file.is_file():
                raise SurefootError(f"the pack {file} is gone", "analyse the files again")
        names = ("pack_id", "athlete_id", "analysis_version", "size_bytes")
        insert_rows(connection, catalogue.packs, [{name: getattr(pack, name) for name in names}])

    def save_athlete(
        self,
        athlete_id: str,
        *,
        runs: DataFrame[Runs],
        segments: DataFrame[Segments],
        stability: DataFrame[Stability],
        answer: Answer,
        origins: Mapping[str, Origin],
        relabelled: Sequence[Relabelled] = (),
        repeats: DataFrame[Repeats] | None = None,
        new_stretches: DataFrame[Stretches] | None = None,
    ) -> None:
        """Put what is derived from an athlete's runs together, in one transaction.

        Of `runs`, `segments`, `stability` and `repeats`, the rows of the runs in `origins` are replaced;
        `new_stretches` are added, and `relabelled` goes into the history of labels. Raises SurefootError
        where there is no such run.
        """
        with self._writing() as connection:
            changed = pl.col("run_id").is_in(list(origins))
            _update_runs(connection, athlete_id, runs.filter(changed))
            for of_runs, frame in ((catalogue.segments, segments), (catalogue.stability, stability)):
                _replace_runs(connection, of_runs, athlete_id, frame.filter(changed), origins)
            if repeats is not None:
                _replace_runs(connection, catalogue.repeats, athlete_id, repeats.filter(changed), origins)
            if new_stretches is not None:
                _add(connection, catalogue.stretches, athlete_id, new_stretches)
            _keep_origins(connection, athlete_id, origins)
            _add_label_changes(connection, athlete_id, relabelled)
            _replace_answer(connection, athlete_id, answer)

    def save_answer(self, athlete_id: str, answer: Answer) -> None:
        """Replace an athlete's dose and answer in one transaction."""
        with self._writing() as connection:
            _replace_answer(connection, athlete_id, answer)

    def save_mark(self, row: Mapping[str, Any]) -> None:
        """Keep a row of tables.Marks."""
        with self._writing() as connection:
            connection.execute(catalogue.marks.insert(), [to_row(dict(row))])

    def remove_mark(self, athlete_id: str, mark_id: str) -> None:
        """Take a mark back. Raises SurefootError where there is none of that name."""
        table = catalogue.marks
        with self._writing() as connection:
            same = (table.c.athlete_id == athlete_id) & (table.c.mark_id == mark_id)
            if not connection.execute(table.delete().where(same)).rowcount:
                raise SurefootError(
                    f"{athlete_id} has no mark {mark_id}",
                    f"`surefoot mark --athlete {athlete_id}` lists them",
                )

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


def _replace_files(
    connection: sa.Connection, athlete_id: str, results: Sequence[FileResult]
) -> list[Relabelled]:
    """Put the rows of contents in the place of those that were there; gives the runs that come anew."""
    table = catalogue.files
    if not results:
        return []
    same = (table.c.athlete_id == athlete_id) & (table.c.content_sha256 == sa.bindparam("old_sha256"))
    mine = (table.c.athlete_id == athlete_id) & table.c.content_sha256.in_(r.content_sha256 for r in results)
    names = ("content_sha256", "source_name", "cadence_unit_given", "kind_given", "title_given")
    columns = [table.c[name] for name in names]
    first = {sha: rest for sha, *rest in connection.execute(sa.select(*columns).where(mine))}
    rows = []
    for result in results:
        before = first.get(result.content_sha256, (result.source_name, "", "", ""))
        source_name, unit, kind, title = before
        rows.append(
            {
                "athlete_id": athlete_id,
                "content_sha256": result.content_sha256,
                "source_name": source_name,
                "size_bytes": result.size_bytes,
                "status": result.status,
                "reason": result.reason,
                "advice": result.advice,
                "cadence_unit_given": result.cadence_unit_given or unit,
                "kind_given": result.kind_given or kind,
                "title_given": result.title_given or title,
                "analysis_version": result.analysis_version,
            }
        )
    anew = _analysed_anew(connection, athlete_id, results)
    if first:
        connection.execute(table.delete().where(same), [{"old_sha256": sha} for sha in first])
    insert_rows(connection, table, rows)
    return anew


def _analysed_anew(
    connection: sa.Connection, athlete_id: str, results: Sequence[FileResult]
) -> list[Relabelled]:
    """The runs among `results` that are there already."""
    table = catalogue.runs
    new = {str(run.run["run_id"]): run.run["analysis_version"] for r in results for run in r.runs}
    there = sa.select(table.c.run_id).where(table.c.athlete_id == athlete_id, table.c.run_id.in_(new))
    return [
        Relabelled(run_id, None, f"analysed anew from its file by version {new[run_id]} of the method")
        for run_id in connection.scalars(there)
    ]


def _add_label_changes(connection: sa.Connection, athlete_id: str, changes: Sequence[Relabelled]) -> None:
    table = catalogue.label_changes
    if not changes:
        return
    last = sa.select(table.c.run_id, sa.func.max(table.c.version)).where(table.c.athlete_id == athlete_id)
    version: dict[str, int] = dict(connection.execute(last.group_by(table.c.run_id)).all())
    at = datetime.now(UTC).replace(tzinfo=None)
    connection.execute(
        table.insert(),
        [
            {
                "athlete_id": athlete_id,
                "run_id": change.run_id,
                "version": version.get(change.run_id, 1) + 1,
                "changed_at": at,
                "changed_share": change.changed_share,
                "reason": change.reason,
            }
            for change in changes
        ],
    )


def _add_runs(
    connection: sa.Connection, athlete_id: str, runs: Sequence[RunResult], pack: PackRef | None
) -> None:
    positions = {} if pack is None else {run_id: i for i, run_id in enumerate(pack.run_ids)}
    rows, placed, passed = [], [], []
    for run in runs:
        key = {"athlete_id": athlete_id, "run_id": run.run["run_id"]}
        if pack is None or key["run_id"] not in positions:
            raise SurefootError(f"the track of {run.run['source_name']} is in no pack")
        rows.append(to_row({**run.run, "athlete_id": athlete_id}))
        moments = [float(moment) for moment in run.cadence_moments]
        place = {"pack_id": pack.pack_id, "position": positions[key["run_id"]], "cadence_moments": moments}
        placed.append(key | place)
        passed.append(key | to_passes_row(run.passes))
    insert_rows(connection, catalogue.runs, rows)
    insert_rows(connection, catalogue.placements, placed)
    insert_rows(connection, catalogue.passes, passed)


def _drop_dead_packs(connection: sa.Connection, athlete_id: str) -> Sequence[sa.Row[Any]]:
    """Remove the rows of packs that no run names any more; gives them back."""
    table = catalogue.packs
    unnamed = table.c.pack_id.not_in(sa.select(catalogue.placements.c.pack_id))
    mine = (table.c.athlete_id == athlete_id) & unnamed
    dead = connection.execute(sa.select(table).where(mine)).all()
    if dead:
        connection.execute(table.delete().where(mine))
    return dead


def _update_runs(connection: sa.Connection, athlete_id: str, runs: pl.DataFrame) -> None:
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


def _replace_answer(connection: sa.Connection, athlete_id: str, answer: Answer) -> None:
    for table, frame in (
        (catalogue.dose, answer.dose),
        (catalogue.dose_by_category, answer.dose_by_category),
        (catalogue.effects, answer.effects),
        (catalogue.residuals, answer.residuals),
    ):
        _replace(connection, table, athlete_id, frame)


def _replace(connection: sa.Connection, table: sa.Table, athlete_id: str, frame: pl.DataFrame) -> None:
    """Give an athlete these rows of a table and no others."""
    connection.execute(table.delete().where(table.c.athlete_id == athlete_id))
    _add(connection, table, athlete_id, frame)


def _add(connection: sa.Connection, table: sa.Table, athlete_id: str, frame: pl.DataFrame) -> None:
    if not frame.is_empty():
        insert(connection, table, frame.with_columns(athlete_id=pl.lit(athlete_id)))


def _replace_runs(
    connection: sa.Connection,
    table: sa.Table,
    athlete_id: str,
    frame: pl.DataFrame,
    run_ids: Iterable[str],
) -> None:
    """Give these runs of an athlete these rows of a table and no others."""
    same = (table.c.athlete_id == athlete_id) & (table.c.run_id == sa.bindparam("old_run_id"))
    old = [{"old_run_id": run_id} for run_id in run_ids]
    if old:
        connection.execute(table.delete().where(same), old)
    _add(connection, table, athlete_id, frame)


def _keep_origins(connection: sa.Connection, athlete_id: str, origins: Mapping[str, Origin]) -> None:
    table = catalogue.passes
    if origins:
        same = (table.c.athlete_id == athlete_id) & (table.c.run_id == sa.bindparam("old_run_id"))
        names = ("labels", "ground", "stability")
        new: dict[str, Any] = {f"{name}_origin": sa.bindparam(f"new_{name}") for name in names}
        connection.execute(
            table.update().where(same).values(new),
            [
                {"old_run_id": run_id, **{f"new_{name}": getattr(origin, name) for name in names}}
                for run_id, origin in origins.items()
            ],
        )


def _remember(connection: sa.Connection, athlete_id: str, seen: Sequence[Seen]) -> None:
    """Note where contents were seen; a path seen before has the new content."""
    table = catalogue.seen
    rows = {entry.path: {"athlete_id": athlete_id, **asdict(entry)} for entry in seen}
    if rows:
        same = (table.c.athlete_id == athlete_id) & (table.c.path == sa.bindparam("old_path"))
        connection.execute(table.delete().where(same), [{"old_path": path} for path in rows])
        insert_rows(connection, table, list(rows.values()))
