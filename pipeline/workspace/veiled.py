"""A workspace to be looked at: of what says where or when, all in a zone of its athlete is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import polars as pl

from pipeline.privacy import (
    Hidden,
    find_hidden,
    show_grid,
    show_marks,
    show_repeats,
    show_seconds,
    show_segments,
    show_track,
    within,
)
from pipeline.tables import DataFrame, Grid, Marks, Repeats, Segments, Starts, Stretches, Track, Zones
from pipeline.workspace.store import Workspace


class VeiledWorkspace(Workspace):
    """A `Workspace` for the dashboard, the report and exports. What is derived of whole runs stays."""

    def load_tracks(
        self, run_ids: Sequence[str], athlete_id: str | None = None
    ) -> Iterator[tuple[str, DataFrame[Track]]]:
        """The tracks of `run_ids` without their hidden seconds."""
        for run_id, track in super().load_tracks(run_ids, athlete_id):
            yield run_id, show_track(track, self._hidden(run_id, track))

    def _hidden(self, run_id: str, track: pl.DataFrame | None = None) -> Hidden:
        zones = self.load_zones_of_run(run_id)
        if track is None:
            track = self._whole_track(run_id)
        return find_hidden(track, zones)

    def _whole_track(self, run_id: str) -> DataFrame[Track]:
        return next(super().load_tracks([run_id]))[1]

    def load_segments(self, athlete_id: str | None = None, run_id: str | None = None) -> DataFrame[Segments]:
        """Segments cut back to what is shown of their run."""
        segments = super().load_segments(athlete_id, run_id)
        if not len(self.load_zones()):
            return segments
        shown = []
        for (each,), own in segments.group_by("run_id", maintain_order=True):
            track = self._whole_track(str(each))
            hidden = self._hidden(str(each), track)
            shown.append(show_segments(cast(DataFrame[Segments], own), track, hidden))
        return Segments.cast(pl.concat([segments.clear(), *shown]))

    def load_channels(self, run_id: str) -> pl.DataFrame:
        """A run's further channels without its hidden seconds."""
        return show_seconds(super().load_channels(run_id), self._hidden(run_id))

    def load_grid(self, athlete_id: str) -> DataFrame[Grid]:
        """The grids of an athlete's runs without their hidden cells."""
        grid = super().load_grid(athlete_id)
        if not len(self.load_zones()):
            return grid
        shown = []
        for (run_id,), own in grid.group_by("run_id", maintain_order=True):
            zones = self.load_zones_of_run(str(run_id))
            shown.append(show_grid(cast(DataFrame[Grid], own), self._hidden(str(run_id)), zones))
        return Grid.cast(pl.concat([grid.clear(), *shown]))

    def load_repeats(self, athlete_id: str | None = None) -> DataFrame[Repeats]:
        """The passes of those stretches that no zone comes near."""
        athletes = self.athletes() if athlete_id is None else [athlete_id]
        shown = [
            show_repeats(
                super(VeiledWorkspace, self).load_repeats(each),
                super(VeiledWorkspace, self).load_stretches(each),
                self.load_zones_about(each),
            )
            for each in athletes
        ]
        return Repeats.cast(pl.concat([Repeats.create_empty(), *shown]))

    def load_stretches(self, athlete_id: str) -> DataFrame[Stretches]:
        """Their points outside the zones."""
        stretches = super().load_stretches(athlete_id)
        return cast(DataFrame[Stretches], _outside(stretches, self.load_zones_about(athlete_id)))

    def load_marks(self, athlete_id: str | None = None) -> DataFrame[Marks]:
        """Marks cut back to what is shown."""
        marks = super().load_marks(athlete_id)
        shown = [
            show_marks(cast(DataFrame[Marks], own), zones) if len(zones) else own
            for (each,), own in marks.group_by("athlete_id", maintain_order=True)
            for zones in [self.load_zones_about(str(each))]
        ]
        return Marks.cast(pl.concat([marks.clear(), *shown]))

    def load_starts(self, athlete_id: str, n: int) -> DataFrame[Starts]:
        """Where runs began, unless that is hidden."""
        starts = super().load_starts(athlete_id, n)
        return cast(DataFrame[Starts], _outside(starts, self.load_zones_about(athlete_id)))


def _outside(places: pl.DataFrame, zones: DataFrame[Zones]) -> pl.DataFrame:
    inside = within(places["lat_deg"].to_numpy(), places["lon_deg"].to_numpy(), zones)
    return places.filter(~inside)
