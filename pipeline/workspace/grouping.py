"""The groups into which who has the workspace put its athletes. Those of accounts are in `accounts`."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.tables import DataFrame, Groups
from pipeline.workspace import catalogue
from pipeline.workspace.reading import Reading


class Grouping(Reading):
    """The part of Workspace that knows groups of athletes."""

    def load_groups(self, athlete_id: str | None = None) -> DataFrame[Groups]:
        """Who is in which group."""
        return self._load(Groups, catalogue.groups, athlete_id)

    def save_groups(self, athlete_id: str, names: Iterable[str]) -> None:
        """Put the athlete into these groups and no others."""
        table = catalogue.groups
        rows = [{"athlete_id": athlete_id, "name": name} for name in names]
        with self._writing() as connection:
            connection.execute(table.delete().where(table.c.athlete_id == athlete_id))
            if rows:
                connection.execute(table.insert(), rows)
