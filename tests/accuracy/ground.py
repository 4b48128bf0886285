"""Grade and labels against the truth: for one sensor class and one seed, what one runner's passes give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields

import numpy as np

from pipeline.numeric import Array, Mask, stretches
from pipeline.tables import DataFrame, Segments
from pipeline.terrain import CELL_M
from sample_data.routes import make_route
from tests.accuracy.world import (
    ROAD_DAY,
    ROADS,
    SENSORS,
    TRAILS,
    USUAL_DAY,
    Pass,
    label_together,
    make_pass,
    make_runner,
)

PASSES = 5
UNSTEADINESS_SD = 0.15  # of log unsteadiness between runs, as the sample's runners have it


@dataclass(slots=True)
class Labels:
    """What labels got right, in cells, and how far each true border is from the nearest one found (m)."""

    hit: int = 0
    missed: int = 0
    false: int = 0
    smooth: int = 0
    border_m: list[float] = field(default_factory=list)
    technicality: list[Array] = field(default_factory=list)
    truth: list[Mask] = field(default_factory=list)

    def add(self, one: Pass, segments: DataFrame[Segments]) -> None:
        """Compare one run's segments with the truth."""
        truth = one.technical()
        at = np.searchsorted(segments["start_m"].to_numpy(), one.cells["distance_m"].to_numpy(), "right") - 1
        said = (segments["terrain"] == "technical").to_numpy()[at]
        self.hit += int((said & truth).sum())
        self.missed += int((~said & truth).sum())
        self.false += int((said & ~truth).sum())
        self.smooth += int((~truth).sum())
        found = stretches(said)[1:-1]
        for border in stretches(truth)[1:-1]:
            gap = np.abs(found - border).min() * CELL_M if len(found) else np.inf
            self.border_m.append(float(gap))
        self.technicality.append(segments["technicality_mean"].to_numpy()[at])
        self.truth.append(truth)

    @property
    def f1(self) -> float:
        """F1 of technical ground, by distance."""
        return 2 * self.hit / max(2 * self.hit + self.missed + self.false, 1)

    @property
    def false_share(self) -> float:
        """Share of the smooth ground that was called technical."""
        return self.false / max(self.smooth, 1)

    @property
    def border_error_m(self) -> float:
        """Median over all true borders."""
        return float(np.median(self.border_m)) if self.border_m else float("nan")


@dataclass(slots=True)
class Ground:
    """What one sensor class gives: squared errors of grade, and labels of one pass, of five, of roads."""

    hill_error: list[float] = field(default_factory=list)
    rock_error: list[float] = field(default_factory=list)
    single: Labels = field(default_factory=Labels)
    memory: Labels = field(default_factory=Labels)
    road: Labels = field(default_factory=Labels)
    altitude_classes: list[str] = field(default_factory=list)


def measure_ground(sensor: str, seed: int, *, passes: int = PASSES) -> Ground:
    """Two trails, passed by a runner `passes` times each, and two roads, three times each by another.

    Every fourth runner is a hiker. Each pass is labelled alone, and then all together.
    """
    out = Ground()
    rng = np.random.default_rng([seed, 12])
    runner = make_runner(seed, hiker=seed % 4 == 3)
    trails: list[Pass] = []
    for k in (seed % 3, (seed + 1) % 3):
        route = make_route(TRAILS[k], k, seed)
        for _ in range(passes):
            level = UNSTEADINESS_SD * float(rng.standard_normal())
            trails.append(
                make_pass(runner, route, SENSORS[sensor], len(trails), log_unsteadiness=level, day=USUAL_DAY)
            )
    for one in trails:
        out.single.add(one, label_together([one]).segments)
        grade = one.cells["grade"].fill_null(np.nan).to_numpy()
        out.hill_error.append(float(np.nanmean((grade - one.grade(rocks=False)) ** 2)))
        out.rock_error.append(float(np.nanmean((grade - one.grade(rocks=True)) ** 2)))
        out.altitude_classes.append(str(one.result.run["altitude_class"]))
    _add_together(out.memory, trails)
    road_runner = make_runner(seed + 500)
    roads = [
        make_pass(road_runner, make_route(ROADS[n % 2], 3 + n % 2, seed), SENSORS[sensor], n, day=ROAD_DAY)
        for n in range(6)
    ]
    _add_together(out.road, roads)
    for one in roads:
        out.road.add(one, label_together([one]).segments)
    return out


def _add_together(labels: Labels, passes: list[Pass]) -> None:
    segments = label_together(passes).segments.partition_by("run_id", as_dict=True)
    for one in passes:
        labels.add(one, Segments.cast(segments[one.run_id,]))


def join(parts: Iterable[Ground]) -> Ground:
    """What all seeds give together."""
    out = Ground()
    for part in parts:
        for f in fields(Ground):
            mine, other = getattr(out, f.name), getattr(part, f.name)
            if isinstance(mine, Labels):
                for g in fields(Labels):
                    setattr(mine, g.name, getattr(mine, g.name) + getattr(other, g.name))
            else:
                mine.extend(other)
    return out
