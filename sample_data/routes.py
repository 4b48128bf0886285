"""Invented loops round an invented place in the middle of the Atlantic, so that they are nobody's home.

A route is a closed line at 1 m steps with its altitude, rocks on hills, and its ground. Technical and
smooth stretches alternate and are known exactly. Technical ground winds more and is rougher, as in the
medians of real recordings in `docs/methods.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

Floats = NDArray[np.float64]

PLACE_SEED = 20261122
PLACE_LAT_DEG = 0.25
PLACE_LON_DEG = -30.25
M_PER_DEG = 111_195.0
LOOP_PITCH_M = 4_500.0  # between the centres of two routes: no two loops touch


@dataclass(frozen=True, slots=True)
class RouteKind:
    """What a route is to be: name, length (m), SD of its grade, whether it is a trail, weekend or not.

    `bends_m` is how far it winds aside on any ground, more here and less there.
    """

    name: str
    length_m: float
    grade_sd: float
    trail: bool
    weekend: bool
    bends_m: float = 0.0


KINDS = (
    RouteKind("heather", 5_600, 0.060, trail=True, weekend=False),
    RouteKind("gully", 6_000, 0.070, trail=True, weekend=False),
    RouteKind("quarry", 6_400, 0.065, trail=True, weekend=False),
    RouteKind("causeway", 7_200, 0.008, trail=False, weekend=False),
    RouteKind("ridge", 7_800, 0.070, trail=True, weekend=True),
    RouteKind("moraine", 8_400, 0.065, trail=True, weekend=True),
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Ground of one terrain, [start_m, end_m) along its route."""

    terrain: str
    start_m: float
    end_m: float


@dataclass(frozen=True, slots=True)
class Route:
    """A loop at 1 m steps: east and north of the place (m), altitude (m), and its ground.

    `hill_m` is the altitude without its rocks. `technical` is 1 on technical stretches and 0 on smooth ones;
    `technicality` says how hard the ground is just there, which varies within a stretch: there are easy
    metres on technical ground.
    """

    name: str
    trail: bool
    weekend: bool
    x_m: Floats
    y_m: Floats
    altitude_m: Floats
    hill_m: Floats
    technical: Floats
    technicality: Floats
    stretches: tuple[Stretch, ...]

    @property
    def length_m(self) -> float:
        """Length of the loop."""
        return float(len(self.x_m) - 1)

    def reversed(self) -> Route:
        """The same loop run the other way round."""
        stretches = tuple(
            Stretch(s.terrain, self.length_m - s.end_m, self.length_m - s.start_m)
            for s in reversed(self.stretches)
        )
        return replace(
            self,
            x_m=self.x_m[::-1],
            y_m=self.y_m[::-1],
            altitude_m=self.altitude_m[::-1],
            hill_m=self.hill_m[::-1],
            technical=self.technical[::-1],
            technicality=self.technicality[::-1],
            stretches=stretches,
        )


def make_routes() -> tuple[Route, ...]:
    """All routes of the place: always the same ones."""
    return tuple(make_route(kind, i) for i, kind in enumerate(KINDS))


def band_noise(rng: np.random.Generator, n: int, short: float, long: float) -> Floats:
    """Noise of SD 1 whose waves lie between `short` and `long` (in samples), closed on itself."""
    white = rng.standard_normal(n)
    waves = gaussian_filter1d(white, short / 6, mode="wrap") - gaussian_filter1d(white, long / 3, mode="wrap")
    return np.asarray(waves / waves.std())


def make_route(kind: RouteKind, index: int, seed: int = PLACE_SEED) -> Route:
    """A loop of this kind, the `index`-th of the place: no two indices touch."""
    rng = np.random.default_rng([seed, index])
    n = int(kind.length_m)
    technicality, borders = _ground(rng, n) if kind.trail else (np.zeros(n), [])
    x, y = _loop(rng, n)
    heading = np.unwrap(np.arctan2(np.gradient(y), np.gradient(x)))
    aside = 1.3 * technicality * band_noise(rng, n, 25, 60) + 0.8 * band_noise(rng, n, 60, 150)
    if kind.bends_m:
        much = np.exp(band_noise(rng, n, 200, 800))
        aside += kind.bends_m * much * band_noise(rng, n, 40, 150)
    x, y = x - aside * np.sin(heading), y + aside * np.cos(heading)

    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    even = np.arange(int(along[-1]) + 1, dtype=np.float64)
    x, y, technicality = (np.interp(even, along, a) for a in (x, y, technicality))
    edges = [0.0, *(float(round(along[b])) for b in borders), float(even[-1])]
    terrains = ("smooth", "technical")
    stretches = tuple(Stretch(terrains[i % 2], a, b) for i, (a, b) in enumerate(pairwise(edges)))
    centre_x, centre_y = LOOP_PITCH_M * (index % 3), LOOP_PITCH_M * (index // 3)
    technical = np.zeros(len(even))
    for stretch in stretches[1::2]:
        technical[int(stretch.start_m) : int(stretch.end_m)] = 1.0
    hill = _hills(rng, len(even), kind.grade_sd)
    rocks = (0.38 * technicality + 0.03) * band_noise(rng, len(even), 12, 50)
    return Route(
        name=kind.name,
        trail=kind.trail,
        weekend=kind.weekend,
        x_m=x + centre_x,
        y_m=y + centre_y,
        altitude_m=hill + rocks,
        hill_m=hill,
        technical=np.asarray(gaussian_filter1d(technical, 3.0)),
        technicality=technicality,
        stretches=stretches,
    )


def _ground(rng: np.random.Generator, n: int) -> tuple[Floats, list[int]]:
    """Technicality at each metre and the borders: smooth first and last, 35 to 43 % technical."""
    while True:
        n_pairs = n // 620
        lengths = np.exp(rng.uniform(np.log(100), np.log(800), 2 * n_pairs + 1))
        lengths = lengths * (n / lengths.sum())
        share = lengths[1::2].sum() / n
        if 0.35 <= share <= 0.43 and lengths.min() >= 100 and lengths.max() <= 800:
            break
    borders = [round(b) for b in np.cumsum(lengths)[:-1]]
    level = np.empty(n)
    for i, (a, b) in enumerate(pairwise([0, *borders, n])):
        level[a:b] = rng.uniform(0.75, 1.3) if i % 2 else rng.uniform(0.0, 0.3)
    level *= np.exp(0.4 * band_noise(rng, n, 60, 250))
    return np.asarray(gaussian_filter1d(level, 3.0)), borders


def _loop(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """A bent closed curve of length n (m) at about 1 m steps."""
    angle = np.linspace(0, 2 * np.pi, 4 * n)
    order = np.arange(2, 7)[:, None]
    bends = rng.uniform(0.2, 0.5, (5, 1)) / order * np.cos(order * angle + rng.uniform(0, 6.28, (5, 1)))
    radius = np.exp(bends.sum(axis=0))
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    even = np.linspace(0, along[-1], n)
    scale = n / along[-1]
    return scale * np.interp(even, along, x), scale * np.interp(even, along, y)


def _hills(rng: np.random.Generator, n: int, grade_sd: float) -> Floats:
    """Altitude (m) of hills of at most 20 %, closed on themselves."""
    hills = gaussian_filter1d(rng.standard_normal(n), 70.0, mode="wrap")
    grade = np.clip(grade_sd * hills / hills.std(), -0.2, 0.2)
    grade = np.clip(grade - grade.mean(), -0.2, 0.2)
    height = np.cumsum(grade)
    height -= np.linspace(0, height[-1], n)
    return np.asarray(120.0 + height - height.min())
