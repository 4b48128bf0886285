"""What may be seen of a workspace: the zones in which runs are hidden, and the ground under their tracks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import sqlalchemy as sa

from pipeline.columns import dtypes
from pipeline.errors import SurefootError
from pipeline.tables import DataFrame, Starts, Zones
from pipeline.workspace import catalogue
from pipeline.workspace.frames import to_frame, to_row
from pipeline.workspace.reading import Reading

_TILES = "tiles"
_UNDO_FOR = timedelta(days=1)


class Showing(Reading):
    """The part of Workspace that knows what may be seen."""

    def load_zones(self, athlete_id: str | None = None) -> DataFrame[Zones]:
        """The zones that hide, by name."""
        table = catalogue.zones
        order = ("athlete_id", "name", "zone_id")
        return self._load(Zones, table, athlete_id, table.c.removed_at.is_(None), order=order)

    def load_zones_of_run(self, run_id: str) -> DataFrame[Zones]:
        """The zones of everyone whose run it is."""
        zones, runs = catalogue.zones, catalogue.runs
        whose = sa.select(runs.c.athlete_id).where(runs.c.run_id == run_id)
        columns = [zones.c[name] for name in dtypes(Zones)]
        mine = sa.select(*columns).where(zones.c.removed_at.is_(None), zones.c.athlete_id.in_(whose))
        with self._reading() as connection:
            return to_frame(Zones, connection.execute(mine))

    def load_zones_about(self, athlete_id: str) -> DataFrame[Zones]:
        """The zones of an athlete, and of everyone who has a run in common with that one."""
        zones, own, same = catalogue.zones, catalogue.runs.alias(), catalogue.runs.alias()
        whose = sa.select(same.c.athlete_id).join(own, own.c.run_id == same.c.run_id)
        others = zones.c.athlete_id.in_(whose.where(own.c.athlete_id == athlete_id))
        about = (zones.c.athlete_id == athlete_id) | others
        return self._load(Zones, zones, None, zones.c.removed_at.is_(None), about)

    def save_zone(self, row: Mapping[str, Any]) -> None:
        """Keep a row of tables.Zones. Zones that were taken back a day ago or earlier are let go.

        Raises SurefootError where the athlete has one of that name.
        """
        table = catalogue.zones
        with self._writing() as connection:
            mine = table.c.athlete_id == row["athlete_id"]
            _require_free(connection, row["athlete_id"], row["name"])
            old = (datetime.now(UTC) - _UNDO_FOR).replace(tzinfo=None)
            connection.execute(table.delete().where(mine, table.c.removed_at < old))
            connection.execute(table.insert(), [to_row(dict(row))])

    def move_zone(self, athlete_id: str, zone_id: str, removed_at: datetime | None) -> None:
        """Take a zone back, or back into force with None. Raises SurefootError where there is none."""
        table = catalogue.zones
        values = to_row({"removed_at": removed_at})
        with self._writing() as connection:
            same = (table.c.athlete_id == athlete_id) & (table.c.zone_id == zone_id)
            if removed_at is None and (name := connection.scalar(sa.select(table.c.name).where(same))):
                _require_free(connection, athlete_id, name)
            if not connection.execute(table.update().where(same).values(**values)).rowcount:
                raise SurefootError(f"{athlete_id} has no such zone", "the settings list them")

    def find_start(self, run_id: str) -> tuple[float, float] | None:
        """Latitude and longitude of a run's first position; None where it has none."""
        known = next(Reading.load_tracks(self, [run_id]))[1].select("lat_deg", "lon_deg").drop_nulls()
        return None if known.is_empty() else known.row(0)

    def load_starts(self, athlete_id: str, n: int) -> DataFrame[Starts]:
        """Where the latest `n` runs with positions began, the latest first."""
        days = self.load_runs(athlete_id).select("run_id", "local_date").reverse()
        try:
            found = self._starts(athlete_id, days, n)
        except FileNotFoundError:
            # A newer analysis replaced a pack between the two reads: the catalogue knows the new one.
            found = self._starts(athlete_id, days, n)
        return Starts.cast(pl.DataFrame(found, schema=dtypes(Starts), orient="row"))

    def _starts(self, athlete_id: str, days: pl.DataFrame, n: int) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        with self.open_frames(athlete_id, ("lat_deg", "lon_deg"), ()) as stored:
            for run_id, day in days.iter_rows():
                if len(found) == n:
                    break
                known = stored.track(run_id).select("lat_deg", "lon_deg").drop_nulls()
                if len(known):
                    found.append((run_id, day, *known.row(0)))
        return found

    def load_tiles(self) -> str:
        """The address of the map tiles under tracks, with {z}, {x} and {y}; empty for none."""
        table = catalogue.meta
        with self._reading() as connection:
            return connection.scalar(sa.select(table.c.value).where(table.c.key == _TILES)) or ""

    def save_tiles(self, template: str) -> None:
        """Set that address; an empty one takes it away."""
        table = catalogue.meta
        with self._writing() as connection:
            connection.execute(table.delete().where(table.c.key == _TILES))
            if template:
                connection.execute(table.insert().values(key=_TILES, value=template))


def _require_free(connection: sa.Connection, athlete_id: str, name: str) -> None:
    """Raises SurefootError where the athlete has a zone of that name that hides."""
    table = catalogue.zones
    named = (table.c.athlete_id == athlete_id) & (table.c.name == name) & table.c.removed_at.is_(None)
    if connection.scalar(sa.select(table.c.zone_id).where(named)) is not None:
        raise SurefootError(f"there is a zone {name!r} already", "choose another name")
