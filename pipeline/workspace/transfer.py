"""All of one athlete: copied into another workspace, taken over from one, forgotten."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import polars as pl
import sqlalchemy as sa

from pipeline.errors import SurefootError
from pipeline.workspace import catalogue, originals, packs
from pipeline.workspace.accounts import accounts_of, forget_account
from pipeline.workspace.copying import copy_rows
from pipeline.workspace.folder import UPLOADS, copies
from pipeline.workspace.kept import check_no_versions, move_in, place_below
from pipeline.workspace.logbook import Logbook
from pipeline.workspace.reading import athletes_in
from pipeline.workspace.traces import SHORTEST_BYTES, Searched, Sought, search_tables, search_traces

_OF_EACH = 5
_TRIED = 50
_POSITIONS = 3
_AT_ONCE = 100_000


class Transfer(Logbook):
    """The part of Workspace that handles an athlete whole."""

    def everyone(self) -> set[str]:
        """All athletes of whom any row of any table is kept."""
        return self._athletes_in(_owned())

    def _athletes_in(self, tables: Sequence[sa.Table]) -> set[str]:
        with self._reading() as connection:
            return {str(name) for t in tables for name in connection.scalars(athletes_in(t))}

    def copy_athlete(self, athlete_id: str, target: Transfer) -> None:
        """Copy an athlete's rows and packs, not the originals, into a workspace that knows nothing of them.

        Raises FileNotFoundError where another process replaces a pack meanwhile.
        """
        with self._reading() as source, target._writing() as connection:
            copy_rows(source, connection, _movable(), athlete_id)
        for pack in self.load_packs(athlete_id):
            for file in packs.all_pack_files(
                self.kept, athlete_id, pack["analysis_version"], pack["pack_id"]
            ):
                place = target.path / place_below(file, self.kept)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(file.read_bytes())

    def adopt(self, source: Transfer, athlete_id: str, *, replace: bool = False) -> None:
        """Take an athlete over, rows, packs and originals, from a workspace on the same disk that is left so.

        With `replace` the athlete of that name who is here is forgotten. Without, raises SurefootError where
        there is one.
        """
        with self.writer_lock():
            is_here = athlete_id in self._athletes_in(_movable())
            if is_here and not replace:
                raise SurefootError(
                    f"there is an athlete {athlete_id!r} in {self.path} already",
                    "--replace puts the archive's in that one's place",
                )
            taken = source.load_packs(athlete_id)
            for pack in taken:
                key = (athlete_id, pack["analysis_version"], pack["pack_id"])
                for file in packs.all_pack_files(source.path, *key):
                    move_in(file, self.kept / place_below(file, source.path))
            for content_sha256, file in list(originals.kept_originals(source.path)):
                place = originals.original_file(self.kept, content_sha256)
                if not place.is_file():
                    move_in(file, place)
            os.sync()
            with self._writing() as connection, source._reading() as rows:
                dead = _delete_rows(connection, athlete_id) if is_here else []
                copy_rows(rows, connection, _movable(), athlete_id)
                used = set(connection.scalars(sa.select(catalogue.files.c.content_sha256)))
            alive = {pack["pack_id"] for pack in taken}
            if is_here:
                self._drop(athlete_id, [pack for pack in dead if pack.pack_id not in alive], used)

    def names_originals_of(self, other: Transfer) -> bool:
        """Whether a file here has no original, but one of that content is kept in `other`.

        Whoever took such a row over could export a recording by knowing no more than its SHA-256.
        """
        with self._reading() as connection:
            named = set(connection.scalars(sa.select(catalogue.files.c.content_sha256)))
        return any(
            originals.original_file(other.kept, sha).is_file()
            and not originals.original_file(self.kept, sha).is_file()
            for sha in named
        )

    def gather_traces(self, athlete_id: str) -> Sought:
        """What would be a trace of the athlete once forgotten: nothing that another one has as well."""
        files, seen, runs = catalogue.files, catalogue.seen, catalogue.runs
        theirs = sa.select(files.c.content_sha256).where(files.c.athlete_id != athlete_id)
        others = self.everyone() - {athlete_id}
        with self._reading() as connection:
            kinds = {
                "the name of the account": list(accounts_of(connection, athlete_id)),
                "the name": [athlete_id],
            }
            for column, what in (
                (files.c.source_name, "the name of a recording"),
                (seen.c.path, "the path of a recording"),
                (files.c.content_sha256, "the SHA-256 of a recording"),
                (runs.c.run_id, "the number of a run"),
            ):
                table = column.table
                mine = (table.c.athlete_id == athlete_id) & table.c.content_sha256.not_in(theirs)
                found = [str(word) for word in connection.scalars(sa.select(column).where(mine))]
                kinds[what] = _spread(found, _TRIED)
            tried = {word for words in kinds.values() for word in words}
            common = _find_in(tried, sorted(others))
            for column in (files.c.source_name, seen.c.path):
                query = sa.select(column).where(column.table.c.athlete_id != athlete_id)
                with connection.execute(query.execution_options(yield_per=_AT_ONCE)) as rows:
                    for part in rows.scalars().partitions():
                        common |= _find_in(tried - common, part)
        words = {packs.owner_name(athlete_id): "the folder's name"}
        for what, tried_of in kinds.items():
            words |= dict.fromkeys(islice((word for word in tried_of if word not in common), _OF_EACH), what)
        tracks = self.load_tracks(_spread(found, _POSITIONS))
        places = [track.select("lat_deg", "lon_deg").drop_nulls() for _, track in tracks]
        zones = catalogue.zones
        middles = sa.select(zones.c.lat_deg, zones.c.lon_deg).where(zones.c.athlete_id == athlete_id)
        with self._reading() as connection:
            hidden = [(float(lat), float(lon)) for lat, lon in connection.execute(middles)]
        return Sought(
            {word.encode(): what for word, what in words.items() if len(word.encode()) >= SHORTEST_BYTES},
            [*(place.row(len(place) // 2) for place in places if len(place)), *hidden],
        )

    def forget(self, athlete_id: str) -> None:
        """Remove every trace of an athlete: rows, packs, and originals that nobody else's files name.

        The copy of the catalogue that an upgrade left goes too. Raises SurefootError where traces remain
        because another process is reading.
        """
        with self.writer_lock():
            with self._writing() as connection:
                dead = _delete_rows(connection, athlete_id)
                forget_account(connection, athlete_id, datetime.now(UTC))
                used = set(connection.scalars(sa.select(catalogue.files.c.content_sha256)))
            self._drop(athlete_id, dead, used)
            for copy in copies(self.path):
                copy.unlink()
            with catalogue.in_plain_words(self.path):
                self._database.scrub()

    def search_traces(self, sought: Sought) -> Searched:
        """Search all that the workspace keeps.

        Raises SurefootError where a file cannot be read, or what was removed is kept by the storage.
        """
        check_no_versions(self.kept)
        searched = search_traces(self.path, sought, self.kept)
        with catalogue.in_plain_words(self.path):
            search_tables(self._database.contents(), sought, searched)
        return searched

    def _drop(self, athlete_id: str, dead: Sequence[sa.Row[Any]], used: Collection[str]) -> None:
        for row in dead:
            packs.remove_pack(self.kept, athlete_id, row.analysis_version, row.pack_id)
        originals.drop_originals(self.kept, used)
        shutil.rmtree(self.path / UPLOADS / packs.owner_name(athlete_id), ignore_errors=True)


def _find_in(words: Collection[str], texts: Sequence[str]) -> set[str]:
    """Those words that are in one of the texts, found in one pass over them."""
    if not words:
        return set()
    found = pl.Series(texts, dtype=pl.String).str.extract_many(sorted(words), overlapping=True)
    return set(found.explode().drop_nulls())


def _spread(found: list[str], n: int) -> list[str]:
    """At most `n`, from all over the list."""
    return found[:: max(1, len(found) // n)][:n]


def _owned() -> list[sa.Table]:
    """The tables that hold data of an athlete, those that others refer to first."""
    return [
        table
        for table in catalogue.metadata.sorted_tables
        if "athlete_id" in table.c and "of_accounts" not in table.info
    ]


def _movable() -> list[sa.Table]:
    """The tables that go with an athlete: an upload that is not done belongs to its folder."""
    return [table for table in _owned() if table is not catalogue.jobs]


def _delete_rows(connection: sa.Connection, athlete_id: str) -> Sequence[sa.Row[Any]]:
    """Remove an athlete's rows; gives those of the packs."""
    mine = sa.select(catalogue.packs).where(catalogue.packs.c.athlete_id == athlete_id)
    dead = connection.execute(mine).all()
    for table in reversed(_owned()):
        connection.execute(table.delete().where(table.c.athlete_id == athlete_id))
    return dead
