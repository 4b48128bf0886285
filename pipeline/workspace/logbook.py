"""The balance log as it is kept: what was logged stays as it is, the athlete's own names are laid over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from pipeline.adherence import count_weeks_in_plan, derive_adherence
from pipeline.drills import find_drill, normalise
from pipeline.plan import days_without_work
from pipeline.settings import AthleteSettings
from pipeline.tables import (
    Adherence,
    BalanceSessions,
    DataFrame,
    DrillNames,
    NormalRanges,
    ProposedSessions,
    Settings,
)
from pipeline.triage import derive_normal_ranges
from pipeline.workspace import catalogue
from pipeline.workspace.frames import to_rows
from pipeline.workspace.reading import Reading


class Logbook(Reading):
    """The part of Workspace that keeps the balance log and what belongs to it."""

    def load_balance_sessions(self, athlete_id: str | None = None) -> DataFrame[BalanceSessions]:
        """The balance log, by day, each drill under the name that it has today."""
        return with_names(self.load_logged(athlete_id), self.load_drill_names(athlete_id))

    def load_logged(self, athlete_id: str | None = None) -> DataFrame[BalanceSessions]:
        """The balance log, by day, each drill under the name that it was logged by."""
        table = catalogue.balance_sessions
        return self._load(BalanceSessions, table, athlete_id, order=("athlete_id", "date", "session_id"))

    def load_drill_names(self, athlete_id: str | None = None) -> DataFrame[DrillNames]:
        """The names that athletes gave to drills of their log."""
        return self._load(DrillNames, catalogue.drill_names, athlete_id)

    def load_settings(self, athlete_id: str | None = None) -> DataFrame[Settings]:
        """The settings that differ from their defaults."""
        return self._load(Settings, catalogue.settings, athlete_id)

    def load_settings_of(self, athlete_id: str) -> AthleteSettings:
        """The athlete's settings: the defaults with what was set over them."""
        return AthleteSettings.of(dict(self.load_settings(athlete_id).select("key", "value").iter_rows()))

    def sharers(self, athlete_id: str) -> list[str]:
        """The others of whose passes this athlete learns places, since all of them set `share_places`."""
        settings = self.load_settings().filter(pl.col("key") == "share_places", pl.col("value") > 0)
        sharing = settings["athlete_id"].sort().to_list()
        return [other for other in sharing if other != athlete_id] if athlete_id in sharing else []

    def load_adherence(
        self, athlete_id: str | None = None, until: date | None = None
    ) -> DataFrame[Adherence]:
        """The log beside the plan, week by week up to `until` (default: this day)."""
        until = until or datetime.now().astimezone().date()
        athletes = self.athletes() if athlete_id is None else [athlete_id]
        weeks = [
            derive_adherence(
                self.load_balance_sessions(athlete),
                until=until,
                thresholds=self.load_settings_of(athlete),
                without=days_without_work(self.load_plans(athlete)),
            )
            for athlete in athletes
        ]
        return Adherence.cast(pl.concat([Adherence.create_empty(), *weeks]))

    def load_normal_ranges(self, athlete_id: str | None = None) -> DataFrame[NormalRanges]:
        """Where a run is expected, from each athlete's own last weeks."""
        return derive_normal_ranges(self.load_runs(athlete_id), self.load_stability(athlete_id))

    def count_weeks_in_plan(self, athlete_id: str, until: date) -> tuple[int, int]:
        """`adherence.count_weeks_in_plan` of the athlete's log, beside the own thresholds and plans."""
        return count_weeks_in_plan(
            self.load_balance_sessions(athlete_id),
            until=until,
            thresholds=self.load_settings_of(athlete_id),
            without=days_without_work(self.load_plans(athlete_id)),
        )

    def save_balance_sessions(
        self, athlete_id: str, sessions: DataFrame[BalanceSessions]
    ) -> tuple[int, int, int]:
        """Add the sessions of a log; one already there by its id is updated. (new, updated, unchanged)."""
        mine = sessions.with_columns(athlete_id=pl.lit(athlete_id))
        table = catalogue.balance_sessions
        with self._writing() as connection:
            before = {row["session_id"]: row for row in to_rows(self.load_logged(athlete_id))}
            rows = to_rows(mine)
            known = [row for row in rows if row["session_id"] in before]
            changed = [row for row in known if row != before[row["session_id"]]]
            for row in changed:
                same = table.c.session_id == row["session_id"]
                connection.execute(table.delete().where(table.c.athlete_id == athlete_id, same))
            new = [row for row in rows if row["session_id"] not in before]
            if new or changed:
                connection.execute(table.insert(), new + changed)
        return len(new), len(changed), len(known) - len(changed)

    def replace_sessions(
        self, athlete_id: str, remove: Sequence[str], put: DataFrame[BalanceSessions]
    ) -> None:
        """Take sessions out by their ids and put others in, in one transaction."""
        table = catalogue.balance_sessions
        with self._writing() as connection:
            for session_id in remove:
                same = (table.c.athlete_id == athlete_id) & (table.c.session_id == session_id)
                connection.execute(table.delete().where(same))
            if len(put):
                connection.execute(table.insert(), to_rows(put))

    def name_drill(self, athlete_id: str, logged: str, drill: str) -> None:
        """Let a drill of the athlete's log mean `drill`, in stored sessions and later ones.

        A drill that is named as itself has its own name again.
        """
        names = catalogue.drill_names
        key = normalise(logged)
        with self._writing() as connection:
            connection.execute(names.delete().where(names.c.athlete_id == athlete_id, names.c.logged == key))
            if normalise(drill) != key:
                connection.execute(names.insert().values(athlete_id=athlete_id, logged=key, drill=drill))

    def load_proposed_sessions(
        self, athlete_id: str | None = None, status: str = "proposed"
    ) -> DataFrame[ProposedSessions]:
        """Sessions that watches recorded, by day, each drill under the name that it has today."""
        rows = self._load_recorded(athlete_id, status)
        return ProposedSessions.cast(_named(rows, self.load_drill_names(athlete_id)))

    def _load_recorded(self, athlete_id: str | None, status: str) -> DataFrame[ProposedSessions]:
        table, order = catalogue.proposed_sessions, ("athlete_id", "date", "session_id")
        return self._load(ProposedSessions, table, athlete_id, table.c.status == status, order=order)

    def decide_proposals(self, athlete_id: str, session_ids: Sequence[str], status: str) -> None:
        """Accept or decline proposals; an accepted one is a session of the log from then on."""
        recorded = self._load_recorded(athlete_id, "proposed")
        chosen = recorded.filter(pl.col("session_id").is_in(session_ids))
        table = catalogue.proposed_sessions
        with self._writing() as connection:
            same = (table.c.athlete_id == athlete_id) & table.c.session_id.in_(chosen["session_id"].to_list())
            connection.execute(table.update().where(same).values(status=status))
            if status == "accepted" and len(chosen):
                empty = BalanceSessions.create_empty()
                log = pl.concat([empty, chosen.drop("source_name", "status")], how="diagonal")
                connection.execute(
                    catalogue.balance_sessions.insert(), to_rows(BalanceSessions.validate(log))
                )

    def save_settings(self, athlete_id: str, values: Mapping[str, float | None]) -> AthleteSettings:
        """Change settings of the athlete; None gives the default back. Gives all of them.

        Raises SurefootError, and changes nothing, where they make none.
        """
        table = catalogue.settings
        before = dict(self.load_settings(athlete_id).select("key", "value").iter_rows())
        merged = {key: value for key, value in {**before, **values}.items() if value is not None}
        settings = AthleteSettings.of(merged)
        with self._writing() as connection:
            connection.execute(table.delete().where(table.c.athlete_id == athlete_id))
            for key, value in merged.items():
                connection.execute(table.insert().values(athlete_id=athlete_id, key=key, value=value))
        return settings


def add_proposals(connection: sa.Connection, athlete_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store proposals that were not there before: what was accepted or declined does not come back."""
    if not rows:
        return
    table = catalogue.proposed_sessions
    known = set(connection.scalars(sa.select(table.c.session_id).where(table.c.athlete_id == athlete_id)))
    new = {row["session_id"]: row for row in rows if row["session_id"] not in known}
    if new:
        values = [{**row, "athlete_id": athlete_id, "status": "proposed"} for row in new.values()]
        connection.execute(table.insert(), values)


def with_names(
    sessions: DataFrame[BalanceSessions], names: DataFrame[DrillNames]
) -> DataFrame[BalanceSessions]:
    """The sessions, with the drill and category that their athlete's own names mean where there is one."""
    return BalanceSessions.cast(_named(sessions, names))


def _named(sessions: pl.DataFrame, names: DataFrame[DrillNames]) -> pl.DataFrame:
    own: dict[str, dict[str, str]] = {}
    for athlete_id, logged, drill in names.iter_rows():
        own.setdefault(athlete_id, {})[logged] = drill
    meant = [
        (athlete_id, logged, drill.name, drill.category)
        for athlete_id, logged in sessions.select("athlete_id", "drill").unique().rows()
        if normalise(logged) in own.get(athlete_id, {})
        for drill in [find_drill(logged, own[athlete_id])]
    ]
    columns = ("athlete_id", "drill", "own_drill", "own_category")
    found = pl.DataFrame(meant, schema=dict.fromkeys(columns, pl.String), orient="row")
    joined = sessions.join(found, on=["athlete_id", "drill"], how="left", maintain_order="left")
    return joined.with_columns(
        drill=pl.coalesce("own_drill", "drill"), category=pl.coalesce("own_category", "category")
    ).select(sessions.columns)
