"""What can be read from a workspace, as the tables of pipeline.tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

import dataframely as dy
import polars as pl
import sqlalchemy as sa

from pipeline.columns import dtypes
from pipeline.errors import SurefootError
from pipeline.grounds import summarise_grounds
from pipeline.repeats import MIN_RUNS
from pipeline.results import Origin, Passes, Seen
from pipeline.tables import (
    CadenceRules,
    Channels,
    DataFrame,
    Dose,
    DoseByCategory,
    Effects,
    Files,
    Grid,
    LabelChanges,
    Marks,
    Plans,
    RejectedFiles,
    Repeats,
    Residuals,
    Runs,
    Segments,
    Stability,
    Stretches,
    Track,
)
from pipeline.workspace import catalogue
from pipeline.workspace.access import Access
from pipeline.workspace.frames import to_frame
from pipeline.workspace.originals import is_intact, kept_originals, load_original
from pipeline.workspace.packs import JOINED, PackReader, StoredFrames, pack_files
from pipeline.workspace.passes import load_origins, load_passes

S = TypeVar("S", bound=dy.Schema)


def no_run(run_id: str) -> SurefootError:
    """What is said where a run is missing."""
    return SurefootError(f"no run {run_id} is in the workspace", "`surefoot export runs` lists them")


def athletes_in(table: sa.Table) -> sa.Select[Any]:
    """The athletes of whom a table has rows, each found from the one before by the table's key.

    DISTINCT reads every row: half a second of a million.
    """
    key = table.c.athlete_id
    found = sa.select(sa.func.min(key).label("name")).cte("found", recursive=True)
    after = sa.select(sa.func.min(key)).where(key > found.c.name).scalar_subquery()
    found = found.union_all(sa.select(after).where(found.c.name.is_not(None)))
    return sa.select(found.c.name).where(found.c.name.is_not(None))


class Reading(Access):
    """The reading half of Workspace. `athlete_id` None means everyone."""

    def athletes(self) -> list[str]:
        """Everyone of whom anything is kept, sorted; who has an account as well."""
        owners = (catalogue.files, catalogue.balance_sessions, catalogue.accounts)
        with self._reading() as connection:
            return sorted({name for table in owners for name in connection.scalars(athletes_in(table))})

    def _load(
        self,
        schema: type[S],
        table: sa.Table,
        athlete_id: str | None,
        *conditions: sa.ColumnElement[bool],
        order: Sequence[str] = (),
    ) -> DataFrame[S]:
        columns = [table.c[name] for name in dtypes(schema)]
        query = sa.select(*columns).where(*conditions)
        if athlete_id is not None:
            query = query.where(table.c.athlete_id == athlete_id)
        keys = [table.c[name] for name in order] or list(table.primary_key)
        with self._reading() as connection:
            return to_frame(schema, connection.execute(query.order_by(*keys)))

    def load_runs(self, athlete_id: str | None = None) -> DataFrame[Runs]:
        """The runs of one athlete or of all, by start time."""
        return self._load(Runs, catalogue.runs, athlete_id, order=("start_time", "run_id", "athlete_id"))

    def load_run(self, run_id: str, among: Collection[str] | None = None) -> dict[str, Any]:
        """One run's row by column name, of these athletes only. Raises SurefootError where there is none."""
        runs = catalogue.runs
        whose = [] if among is None else [runs.c.athlete_id.in_(among)]
        found = self._load(Runs, runs, None, runs.c.run_id == run_id, *whose)
        if found.is_empty():
            raise no_run(run_id)
        return found.row(0, named=True)

    def load_segments(self, athlete_id: str | None = None, run_id: str | None = None) -> DataFrame[Segments]:
        """Segments of one athlete, one run, or all, by run and place along it."""
        segments, runs = catalogue.segments, catalogue.runs
        whose = sa.select(runs.c.athlete_id).where(runs.c.run_id == run_id)
        of_run = [segments.c.run_id == run_id, segments.c.athlete_id.in_(whose)]
        return self._load(Segments, segments, athlete_id, *(of_run if run_id is not None else ()))

    def load_stability(self, athlete_id: str | None = None) -> DataFrame[Stability]:
        """Steadiness per run, terrain, direction and metric."""
        return self._load(Stability, catalogue.stability, athlete_id)

    def load_repeats(self, athlete_id: str | None = None) -> DataFrame[Repeats]:
        """Each pass of the stretches of trail that five runs or more of an athlete passed."""
        table = catalogue.repeats
        key = (table.c.athlete_id, table.c.stretch_id)
        runs = sa.func.count(table.c.run_id.distinct())
        whose = sa.true() if athlete_id is None else table.c.athlete_id == athlete_id
        often = sa.select(*key).where(whose).group_by(*key).having(runs >= MIN_RUNS)
        order = ("stretch_id", "local_date", "run_id", "pass_in_run")
        return self._load(Repeats, table, athlete_id, sa.tuple_(*key).in_(often), order=order)

    def load_stretches(self, athlete_id: str) -> DataFrame[Stretches]:
        """The points of all stretches of trail that an athlete's runs are compared on."""
        return self._load(Stretches, catalogue.stretches, athlete_id, order=("rank", "point"))

    def load_dose(self, athlete_id: str | None = None) -> DataFrame[Dose]:
        """The decayed dose per day."""
        return self._load(Dose, catalogue.dose, athlete_id)

    def load_dose_by_category(self, athlete_id: str | None = None) -> DataFrame[DoseByCategory]:
        """The same, category by category."""
        return self._load(DoseByCategory, catalogue.dose_by_category, athlete_id)

    def load_effects(self, athlete_id: str | None = None) -> DataFrame[Effects]:
        """The answers."""
        return self._load(Effects, catalogue.effects, athlete_id)

    def load_residuals(self, athlete_id: str | None = None) -> DataFrame[Residuals]:
        """What the answer's model leaves of each run, by day."""
        return self._load(
            Residuals, catalogue.residuals, athlete_id, order=("athlete_id", "local_date", "run_id")
        )

    def load_plans(self, athlete_id: str | None = None) -> DataFrame[Plans]:
        """Plans that were drawn; all athletes where none is given."""
        return self._load(Plans, catalogue.plans, athlete_id)

    def load_cadence_rules(self, athlete_id: str | None = None) -> DataFrame[CadenceRules]:
        """The devices whose cadence unit was set by hand."""
        return self._load(CadenceRules, catalogue.cadence_rules, athlete_id)

    def load_marks(self, athlete_id: str | None = None) -> DataFrame[Marks]:
        """The stretches that their runner marked, in the order of marking."""
        return self._load(Marks, catalogue.marks, athlete_id, order=("athlete_id", "marked_at", "mark_id"))

    def load_label_changes(self, athlete_id: str | None = None) -> DataFrame[LabelChanges]:
        """When and why the labels of runs changed."""
        return self._load(LabelChanges, catalogue.label_changes, athlete_id)

    def load_given_units(self, athlete_id: str) -> dict[str, str]:
        """SHA-256 → cadence unit, of the contents for which one was given."""
        files = catalogue.files
        given = sa.select(files.c.content_sha256, files.c.cadence_unit_given).where(
            files.c.athlete_id == athlete_id, files.c.cadence_unit_given != ""
        )
        with self._reading() as connection:
            return dict(connection.execute(given).all())

    def load_files(self, athlete_id: str | None = None) -> DataFrame[Files]:
        """What became of every content."""
        return self._load(Files, catalogue.files, athlete_id)

    def load_rejected(self, athlete_id: str | None = None) -> DataFrame[RejectedFiles]:
        """The files that could not be used, by name."""
        rejected = catalogue.files.c.status == "rejected"
        order = ("source_name", "content_sha256")
        return self._load(RejectedFiles, catalogue.files, athlete_id, rejected, order=order)

    def load_cadence_moments(self, athlete_id: str) -> dict[str, list[float]]:
        """Run → the moments of its cadence, as the analysis handed them over."""
        table = catalogue.placements
        query = sa.select(table.c.run_id, table.c.cadence_moments).where(table.c.athlete_id == athlete_id)
        with self._reading() as connection:
            return dict(connection.execute(query).all())

    def load_passes(self, athlete_id: str) -> dict[str, Passes]:
        """Run → what it says of the places it crossed; none for a run that an earlier version analysed."""
        with self._reading() as connection:
            return load_passes(connection, athlete_id)

    def load_origins(self, athlete_id: str) -> dict[str, Origin]:
        """Run → what its labels and its steadiness were made of."""
        with self._reading() as connection:
            return load_origins(connection, athlete_id)

    def counts(self, athlete_id: str | None = None) -> dict[str, int]:
        """How many files became runs, duplicates, skipped or rejected; `files` is their sum.

        A second path with the same content counts as a duplicate.
        """
        files, seen = catalogue.files, catalogue.seen
        by_status = sa.select(files.c.status, sa.func.count()).group_by(files.c.status)
        same = (seen.c.athlete_id == files.c.athlete_id) & (seen.c.content_sha256 == files.c.content_sha256)
        paths = sa.select(sa.func.count()).select_from(seen.join(files, same))
        contents = sa.select(seen.c.athlete_id, seen.c.content_sha256).select_from(seen.join(files, same))
        if athlete_id is not None:
            by_status = by_status.where(files.c.athlete_id == athlete_id)
            paths = paths.where(files.c.athlete_id == athlete_id)
            contents = contents.where(files.c.athlete_id == athlete_id)
        distinct = sa.select(sa.func.count()).select_from(contents.distinct().subquery())
        with self._reading() as connection:
            found: dict[str, int] = dict(connection.execute(by_status).all())
            copies = connection.execute(paths).scalar_one() - connection.execute(distinct).scalar_one()
        counted = {
            "runs": found.get("run", 0),
            "duplicates": found.get("duplicate", 0) + copies,
            "skipped": found.get("skipped", 0),
            "rejected": found.get("rejected", 0),
        }
        return counted | {"files": sum(counted.values())}

    def load_track(self, run_id: str, athlete_id: str | None = None) -> DataFrame[Track]:
        """One run's track, second by second, with its segments joined.

        Values carry the rounding of packs (positions 11 mm, speeds 1 mm/s, cadence 1/256). Raises
        SurefootError where there is no such run.
        """
        return next(self.load_tracks([run_id], athlete_id))[1]

    def load_tracks(
        self, run_ids: Sequence[str], athlete_id: str | None = None
    ) -> Iterator[tuple[str, DataFrame[Track]]]:
        """The tracks of `run_ids`, in that order, one in memory at a time."""
        reader = PackReader(self.kept, Track)
        try:
            for run_id in run_ids:
                stored, segments = self._load_stored(reader, run_id, athlete_id)
                yield run_id, _with_segments(stored, segments)
        finally:
            reader.close()

    def _load_stored(
        self, reader: PackReader, run_id: str, athlete_id: str | None
    ) -> tuple[pl.DataFrame, DataFrame[Segments]]:
        try:
            return self._read_placed(reader, run_id, athlete_id)
        except FileNotFoundError:
            # A newer analysis replaced the pack between the two reads: the catalogue knows the new one.
            return self._read_placed(reader, run_id, athlete_id)

    def _read_placed(
        self, reader: PackReader, run_id: str, athlete_id: str | None
    ) -> tuple[pl.DataFrame, DataFrame[Segments]]:
        segments = catalogue.segments
        stored = (_PLACED if athlete_id is None else _of(athlete_id)).where(catalogue.runs.c.run_id == run_id)
        with self._reading() as connection:
            placement = connection.execute(stored).mappings().first()
            if placement is None:
                raise no_run(run_id)
            of_run = (segments.c.run_id == run_id) & (segments.c.athlete_id == placement["athlete_id"])
            columns = [segments.c[name] for name in dtypes(Segments)]
            found = to_frame(Segments, connection.execute(sa.select(*columns).where(of_run)))
            return reader.read(dict(placement)), found

    def load_grounds(self, run_id: str, athlete_id: str | None = None) -> pl.DataFrame:
        """The whole of one run on its two grounds. Raises SurefootError where there is no such run."""
        track = next(Reading.load_tracks(self, [run_id], athlete_id))[1]
        return summarise_grounds(track, Reading.load_segments(self, athlete_id, run_id))

    def load_channels(self, run_id: str) -> pl.DataFrame:
        """One run's further channels: elapsed_s, then a float32 column each; no rows where it has none.

        Raises SurefootError where there is no such run.
        """
        reader = PackReader(self.kept, Channels)
        try:
            while True:
                placement = self._placement(run_id)
                try:
                    stored = reader.read(placement).drop("run_id")
                except FileNotFoundError:
                    # None of the pack's runs has any, unless a newer analysis replaced the pack meanwhile.
                    key = ("athlete_id", "analysis_version", "pack_id")
                    if not pack_files(self.kept, *(placement[name] for name in key))[0].is_file():
                        continue
                    return pl.DataFrame(schema={"elapsed_s": pl.Int64})
                known = [name for name in stored.columns[1:] if stored[name].count()]
                return stored.select("elapsed_s", *known)
        finally:
            reader.close()

    def _placement(self, run_id: str) -> dict[str, Any]:
        with self._reading() as connection:
            placed = connection.execute(_PLACED.where(catalogue.runs.c.run_id == run_id)).mappings()
            placement = placed.first()
        if placement is None:
            raise no_run(run_id)
        return dict(placement)

    def load_grid(self, athlete_id: str) -> DataFrame[Grid]:
        """The grids of all runs of an athlete, run after run by start time."""
        reader = PackReader(self.kept, Grid)
        try:
            with self._reading() as connection:
                placements = connection.execute(_of(athlete_id)).mappings().all()
                # Still inside the read: a writer removes a pack only after the catalogue has let it go.
                grids = [reader.read(dict(placement)) for placement in placements]
        finally:
            reader.close()
        return Grid.cast(pl.concat([Grid.create_empty(), *grids]))

    def are_tables_sound(self) -> bool:
        """Whether every row of every table can be read as what its table declares."""
        try:
            for table in catalogue.metadata.sorted_tables:
                if "schema" in table.info:
                    self._load(table.info["schema"], table, None)
                else:
                    with self._reading() as connection:
                        connection.execute(sa.select(table)).all()
        except (pl.exceptions.PolarsError, TypeError, ValueError, SurefootError):
            return False
        return True

    def load_packs(self, athlete_id: str | None = None) -> list[dict[str, Any]]:
        """The packs: whose, of which analysis, their id and size."""
        query = sa.select(catalogue.packs).order_by(catalogue.packs.c.pack_id)
        if athlete_id is not None:
            query = query.where(catalogue.packs.c.athlete_id == athlete_id)
        with self._reading() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def open_frames(self, athlete_id: str, track: tuple[str, ...], channels: tuple[str, ...]) -> StoredFrames:
        """Grids, and the columns of tracks and channels that end so, run by run, under the writer lock."""
        with self._reading() as connection:
            placements = connection.execute(_of(athlete_id)).mappings().all()
        return StoredFrames(self.kept, {row["run_id"]: dict(row) for row in placements}, track, channels)

    def load_original(self, content_sha256: str) -> bytes:
        """A file's content as it came. Raises SurefootError where it is not kept or damaged."""
        return load_original(self.kept, content_sha256)

    def find_damaged_originals(self) -> list[str]:
        """The SHA-256 of those originals whose content has another one, or cannot be read."""
        return [sha for sha, file in kept_originals(self.kept) if not is_intact(sha, file)]

    def known_files(self, athlete_id: str) -> dict[str, tuple[str, int]]:
        """SHA-256 → (status, version of the analysis that decided)."""
        files = catalogue.files
        query = sa.select(files.c.content_sha256, files.c.status, files.c.analysis_version)
        with self._reading() as connection:
            rows = connection.execute(query.where(files.c.athlete_id == athlete_id))
            return {content_sha256: (status, version) for content_sha256, status, version in rows}

    def load_seen(self, athlete_id: str) -> dict[str, Seen]:
        """Path → what was there when it was last read."""
        table = catalogue.seen
        query = sa.select(table.c.path, table.c.size_bytes, table.c.mtime_ns, table.c.content_sha256)
        with self._reading() as connection:
            rows = connection.execute(query.where(table.c.athlete_id == athlete_id))
            return {row[0]: Seen(*row) for row in rows}


_PLACED = (
    sa.select(catalogue.placements, catalogue.packs.c.analysis_version)
    .join(catalogue.packs, catalogue.packs.c.pack_id == catalogue.placements.c.pack_id)
    .join(
        catalogue.runs,
        (catalogue.runs.c.athlete_id == catalogue.placements.c.athlete_id)
        & (catalogue.runs.c.run_id == catalogue.placements.c.run_id),
    )
    .order_by(catalogue.runs.c.start_time, catalogue.placements.c.run_id, catalogue.placements.c.athlete_id)
)


def _of(athlete_id: str) -> sa.Select[Any]:
    return _PLACED.where(catalogue.placements.c.athlete_id == athlete_id)


def _with_segments(stored: pl.DataFrame, segments: DataFrame[Segments]) -> DataFrame[Track]:
    """Give each second the segment whose [start, end) it lies in, and that segment's ground."""
    intervals = segments.lazy().sort("start_s")
    at_s = pl.col("elapsed_s").cast(pl.Float64)
    inside = pl.col("at_s") < pl.col("end_s")
    joined = (
        stored.lazy()
        .with_columns(at_s=at_s)
        .join_asof(
            intervals.select("segment_id", "terrain", "start_s", "end_s", technicality="technicality_mean"),
            left_on="at_s",
            right_on="start_s",
            strategy="backward",
        )
    )
    ground = {name: pl.when(inside).then(pl.col(name)) for name in JOINED}
    return Track.cast(joined.with_columns(**ground).collect())
