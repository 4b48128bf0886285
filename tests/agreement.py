"""`python -m tests.agreement CORPUS`: do labels of the same place agree, on real recordings?

There is no outside truth for these. What can be asked: do two disjoint halves of a place's passes label it
alike, do two single passes, is a road season smooth, do runs that their runner calls trail hold more
technical ground. Prints figures alone: no place, no name.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from pipeline import check_run, read_activity, terrain
from pipeline.athlete import label_run
from pipeline.errors import NotARun, Rejected
from pipeline.numeric import Array, Integers, Mask
from pipeline.places import NOWHERE, Places, learn_places, place_ids
from pipeline.results import RunResult
from pipeline.workflow import analyse_run

FOLDERS = ("trail-season", "trail-dynamics", "trail-gpx", "road-season")
WHOLE = ", all"
HALF_PASSES = 5
SEED = 20261124
SPLITS = 20
NO_PLACES = learn_places([])


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run of the corpus; `called_trail` is what its runner called it, None where the index does not say."""

    result: RunResult
    altitude_class: str
    called_trail: bool | None

    def score(self) -> tuple[Array, Array]:
        """Its places and their scores."""
        passes = self.result.passes
        sampling = str(self.result.run["sampling"])
        return passes.place, terrain.derive_score(passes.values, self.altitude_class, sampling)


def main() -> None:
    """Print one line a season, and one for each of its watches."""
    corpus = ask_for_corpus("tests.agreement", __doc__)
    print("season and device             runs  half-split kappa (places)   single-pass kappa (r)  places")
    shares: dict[str, list[tuple[float, bool | None]]] = {}
    for name, runs in read_seasons(corpus):
        halves, n_half = half_split_kappa(runs)
        single, r, n_single = single_pass_kappa(runs)
        print(
            f"{name:28}{len(runs):6}{halves:14.2f} ({n_half})".ljust(62)
            + f"{single:6.2f} (r {r:.2f}){n_single:20}"
        )
        if name.endswith(WHOLE):
            places = learn_places([run.score() for run in runs])
            shares[name] = [(_share(run, places), run.called_trail) for run in runs]
    print("\ntechnical share, median: all runs, called trail, called otherwise")
    for season, found in shares.items():
        groups = [
            [s for s, _ in found],
            [s for s, trail in found if trail],
            [s for s, trail in found if trail is False],
        ]
        print(
            f"{season:28}" + "".join(f"{np.median(g):8.3f} (n {len(g)})" if g else "       -" for g in groups)
        )


def ask_for_corpus(module: str, what_for: str | None) -> Path:
    """The folder that the command names; ends with a message where it is no corpus."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=what_for)
    parser.add_argument("corpus", type=Path)
    corpus: Path = parser.parse_args().corpus
    if not (corpus / "index.csv").is_file():
        sys.exit(f"{module}: {corpus} holds no index.csv: name the folder of the corpus")
    return corpus


def read_seasons(corpus: Path) -> Iterator[tuple[str, list[Recorded]]]:
    """The runs of each folder, all as Surefoot learns places from them, and then by device epoch.

    An epoch of under four runs has no line of its own.
    """
    with (corpus / "index.csv").open(newline="") as file:
        called = {row["path"]: row["trail"] for row in csv.DictReader(file)}
    for folder in FOLDERS:
        epochs: dict[str, list[tuple[RunResult, bool | None]]] = defaultdict(list)
        for path in sorted((corpus / folder).iterdir()):
            try:
                activity = read_activity(path.name, path.read_bytes())
                check_run(activity)
                result = analyse_run(activity, run_id=path.name, athlete_id="someone")
            except (Rejected, NotARun):
                continue
            word = called.get(f"{folder}/{path.name}", "")
            epochs[result.run["device_epoch"]].append((result, {"1": True, "0": False}.get(word)))
        by_watch = [(_usual([r.run["altitude_class"] for r, _ in found]), found) for found in epochs.values()]
        recorded = [[Recorded(r, usual, word) for r, word in found] for usual, found in by_watch]
        yield f"{folder}{WHOLE}", list(chain.from_iterable(recorded))
        for number, ((usual, _), runs) in enumerate(zip(by_watch, recorded, strict=True), 1):
            if len(runs) >= 4:
                yield f"{folder}, {number}, {usual}", runs


def _usual(classes: Sequence[str]) -> str:
    return max(sorted(set(classes)), key=classes.count)


def half_split_kappa(runs: list[Recorded]) -> tuple[float, int]:
    """Kappa of the labels that two halves of the runs give to places with 5 passes or more in each half.

    Mean over several ways to halve the runs, of those with contrast, and the mean number of places.
    """
    rng = np.random.default_rng(SEED)
    found = [_kappa_of_halves(runs, rng.permutation(len(runs))) for _ in range(SPLITS)]
    told = [agreed for agreed, _ in found if np.isfinite(agreed)]
    return float(np.mean(told)) if told else float("nan"), round(np.mean([n for _, n in found]))


def _kappa_of_halves(runs: list[Recorded], order: Integers) -> tuple[float, int]:
    first, second = (labels_of_half([runs[i] for i in part]) for part in (order[::2], order[1::2]))
    both = first.keys() & second.keys()
    return kappa([(first[p], second[p]) for p in both]), len(both)


def labels_of_half(runs: Sequence[Recorded]) -> dict[int, bool]:
    """Each place with 5 passes or more: whether most of them are labelled technical, by these runs alone."""
    places = learn_places([run.score() for run in runs])
    of_place: dict[int, list[bool]] = defaultdict(list)
    for run in runs:
        for place, technical in labels_by_place(run, places):
            of_place[place].append(technical)
    return {place: bool(np.mean(said) >= 0.5) for place, said in of_place.items() if len(said) >= HALF_PASSES}


def single_pass_kappa(runs: list[Recorded]) -> tuple[float, float, int]:
    """Kappa of the labels of two single passes of a place, r of their scores, and the number of places."""
    rng = np.random.default_rng(SEED)
    of_place: dict[int, list[bool]] = defaultdict(list)
    scores: dict[int, list[float]] = defaultdict(list)
    for run in runs:
        for place, technical in labels_by_place(run, NO_PLACES):
            of_place[place].append(technical)
        for place, score in zip(*run.score(), strict=True):
            scores[int(place)].append(float(score))
    pairs = [tuple(rng.permutation(said)[:2]) for said in of_place.values() if len(said) > 1]
    paired = np.array([rng.permutation(said)[:2] for said in scores.values() if len(said) > 1])
    paired = paired[np.isfinite(paired).all(axis=1)]
    r = float(np.corrcoef(paired.T)[0, 1])
    return kappa(pairs), r, len(pairs)


def labels_by_place(run: Recorded, places: Places) -> Iterator[tuple[int, bool]]:
    """Each place of a run once, and whether most of its cells there are labelled technical."""
    assert run.result.grid is not None
    grid = run.result.grid.to_table()
    place = place_ids(*(grid[name].to_numpy() for name in ("lat_deg", "lon_deg", "heading_deg")))
    technical = _technical(run, places)
    unique, at = np.unique(place, return_inverse=True)
    share = np.bincount(at, technical) / np.bincount(at)
    yield from ((int(p), bool(s >= 0.5)) for p, s in zip(unique, share, strict=True) if p != NOWHERE)


def _technical(run: Recorded, places: Places) -> Mask:
    """Of each cell."""
    assert run.result.grid is not None
    grid = run.result.grid.to_table()
    segments = label_run(run.result.run, run.result.grid.to_cells(), places, run.altitude_class)
    borders = [*segments.start_m, np.inf]
    technical = np.zeros(len(grid), dtype=bool)
    at = grid["distance_m"].to_numpy()
    for (start, end), what in zip(pairwise(borders), segments.terrain, strict=True):
        technical[(at >= start) & (at < end)] = what == terrain.TECHNICAL
    return technical


def _share(run: Recorded, places: Places) -> float:
    return float(_technical(run, places).mean())


def kappa(pairs: Iterable[Sequence[bool]] | Array) -> float:
    """Cohen's kappa (Cohen 1960, doi 10.1177/001316446002000104) of pairs of labels."""
    both = np.array(pairs if isinstance(pairs, np.ndarray) else list(pairs), dtype=bool)
    if not len(both):
        return float("nan")
    first, second = both[:, 0], both[:, 1]
    by_chance = first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean())
    return float((np.mean(first == second) - by_chance) / (1 - by_chance)) if by_chance < 1 else float("nan")


if __name__ == "__main__":
    main()
