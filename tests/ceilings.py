"""`python -m tests.ceilings CORPUS`: how far labels of a place can agree, by what the passes themselves say.

Kappa of labels hangs on a threshold. Without one: r of the scores that two halves of the passes, or two
single passes, give to a place. If the two are jointly normal and each is cut where the same share of the
ground is technical, r alone decides kappa (`kappa_of_normals`); and without that, the kappa of the two cut
where it is highest (`kappa_at_best_cut`). Beside them the same for that linear score of the features, here
and averaged over 100 to 400 m, that agrees best with itself, whatever it says of the ground: found on four
fifths of the ground and measured on the rest (first canonical correlation of two passes that are alike;
Hotelling 1936, doi 10.1093/biomet/28.3-4.321). Intervals: bootstrap over squares of 500 m. No place, no name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import eigh
from scipy.stats import multivariate_normal, norm

from pipeline import terrain
from pipeline.numeric import Array, Integers, Mask, rolling_mean
from pipeline.places import Passes, learn_places, place_ids, sum_passes
from tests.agreement import (
    NO_PLACES,
    SEED,
    Recorded,
    ask_for_corpus,
    kappa,
    labels_by_place,
    labels_of_half,
    read_seasons,
)

SPLITS = 6
DRAWS = 400
FOLDS = 5
RIDGE = 0.001
MIN_PLACES = 100
TILE_SQUARES = 20  # 500 m
AVERAGED_M = (0.0, 100.0, 200.0, 400.0)
TENTHS = np.arange(0.1, 0.95, 0.1)
HEADER = (
    "season, device, class         pairs of  places share  kappa of labels       r"
    "  kappa by r           at best cut      of the best linear score: r, by r, at best cut"
)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Places told of twice: `technical` and `score` (n, 2), `features` (n, 2, f), their `tile` (n,)."""

    tile: Integers
    technical: Mask
    score: Array
    features: Array


def main() -> None:
    """Two lines a watch: two halves of the passes, and two single passes."""
    corpus = ask_for_corpus("tests.ceilings", __doc__)
    print(HEADER)
    for name, runs in read_seasons(corpus):
        passes = [summed(run) for run in runs]
        rng = np.random.default_rng(SEED)
        _print(f"{name:30}halves", [halves(runs, passes, rng) for _ in range(SPLITS)], rng)
        _print(f"{name:30}single", [singles(runs, passes, rng)], rng)


def _print(name: str, pairs: Sequence[Pairs], rng: np.random.Generator) -> None:
    pairs = [p for p in pairs if len(p.tile) >= MIN_PLACES and p.technical.any()]
    if not pairs:
        return
    share = float(np.mean([p.technical.mean() for p in pairs]))
    best = [replace(p, score=best_scores(p, rng)) for p in pairs]
    print(
        f"{name}{np.mean([len(p.tile) for p in pairs]):10.0f}{share:6.2f}"
        f"{np.mean([kappa(p.technical) for p in pairs]):6.2f} {_interval(pairs, _kappa, rng)}"
        f"{_of_scores(pairs, share, rng)}{_of_scores(best, share, rng)}",
        flush=True,
    )


def _of_scores(pairs: Sequence[Pairs], share: float, rng: np.random.Generator) -> str:
    r = float(np.mean([_correlation(p.score) for p in pairs]))
    cut = np.mean([kappa_at_best_cut(p.score) for p in pairs])
    return (
        f"{r:8.2f}{kappa_of_normals(r, share):6.2f} {_interval(pairs, _kappa_by_r, rng)}"
        f"{cut:6.2f} {_interval(pairs, _kappa_at_best_cut, rng)}"
    )


def summed(run: Recorded) -> Passes:
    """The score of each place of a run, and its features there and averaged over 100 to 400 m."""
    assert run.result.grid is not None
    grid = run.result.grid.to_table()
    features = {name: grid[name].to_numpy() for name in terrain.WEIGHTS[run.altitude_class]}
    sampling = str(run.result.run["sampling"])
    values = {"score": terrain.derive_score(features, run.altitude_class, sampling)}
    for name, value in features.items():
        for length_m in AVERAGED_M:
            values[f"{name} {length_m}"] = rolling_mean(value, 2 * round(length_m / terrain.CELL_M / 2) + 1)
    return sum_passes(place_ids(*(grid[n].to_numpy() for n in ("lat_deg", "lon_deg", "heading_deg"))), values)


def halves(runs: Sequence[Recorded], passes: Sequence[Passes], rng: np.random.Generator) -> Pairs:
    """What two halves of the runs, drawn by lot, say of the places with 5 passes or more in each."""
    order = rng.permutation(len(runs))
    parts = [order[::2], order[1::2]]
    labels = [labels_of_half([runs[i] for i in part]) for part in parts]
    place = np.array(sorted(labels[0].keys() & labels[1].keys()), dtype=np.int64)
    found = []
    for part in parts:
        learnt = [
            learn_places([(passes[i].place, passes[i].values[name]) for i in part])
            for name in passes[0].values
        ]
        found.append(np.column_stack([of.recall(place)[0] for of in learnt]))
    technical = np.array([[of[p] for of in labels] for p in place.tolist()], dtype=bool)
    return _pairs(place, technical.reshape(-1, 2), np.stack(found, axis=1))


def singles(runs: Sequence[Recorded], passes: Sequence[Passes], rng: np.random.Generator) -> Pairs:
    """What two passes of each place say of it, drawn by lot where there are more."""
    said: dict[int, list[tuple[bool, Array]]] = defaultdict(list)
    for run, own in zip(runs, passes, strict=True):
        rows = np.column_stack(list(own.values.values()))
        for place, label in labels_by_place(run, NO_PLACES):
            said[place].append((label, rows[np.searchsorted(own.place, place)]))
    twice = {
        p: [told[i] for i in rng.permutation(len(told))[:2]] for p, told in said.items() if len(told) > 1
    }
    technical = np.array([[label for label, _ in two] for two in twice.values()])
    found = np.array([[row for _, row in two] for two in twice.values()])
    return _pairs(np.array(list(twice)), technical, found)


def _pairs(place: Integers, technical: Mask, found: Array) -> Pairs:
    """`found` (n, 2, 1 + f) holds the scores and the features."""
    known = np.isfinite(found).all(axis=(1, 2))
    row, column = place[known] >> 25, place[known] >> 3 & 2**22 - 1
    tile = np.unique(row // TILE_SQUARES * 2**22 + column // TILE_SQUARES, return_inverse=True)[1]
    return Pairs(tile, technical[known], found[known, :, 0], found[known, :, 1:])


def best_scores(pairs: Pairs, rng: np.random.Generator) -> Array:
    """Scores (n, 2) of the linear combination of features that agrees best, on ground it was not found on."""
    fold = rng.permutation(pairs.tile.max() + 1)[pairs.tile] % FOLDS
    out = np.zeros(pairs.score.shape)
    for k in range(FOLDS):
        learnt = pairs.features[fold != k]
        middle, size = learnt.mean(axis=(0, 1)), learnt.std(axis=(0, 1))
        first, second = ((learnt[:, i] - middle) / size for i in (0, 1))
        own = (first.T @ first + second.T @ second) / 2 + RIDGE * len(first) * np.eye(len(size))
        vectors: Array = np.asarray(eigh((first.T @ second + second.T @ first) / 2, own)[1])
        best = vectors[:, -1] * np.sqrt(len(first))
        best *= np.sign(np.corrcoef(first @ best, pairs.score[fold != k, 0])[0, 1])
        out[fold == k] = (pairs.features[fold == k] - middle) / size @ best
    return out


def kappa_of_normals(r: float, share: float) -> float:
    """Cohen's kappa of two standard normals of correlation `r`, each cut where `share` lies above.

    NaN where none or all does: there is nothing to agree on beyond chance.
    """
    if not 0 < share < 1:
        return float("nan")
    cut = norm.ppf(share)
    both = float(multivariate_normal(np.zeros(2), np.array([[1.0, r], [r, 1.0]])).cdf([cut, cut]))
    return (both - share**2) / (share - share**2)


def kappa_at_best_cut(scores: Array) -> float:
    """The highest kappa that one cut of both scores (n, 2) gives, of nine cuts at the tenths of all."""
    return float(np.nanmax([kappa(scores > cut) for cut in np.quantile(scores, TENTHS)]))


def _correlation(scores: Array) -> float:
    return float(np.corrcoef(scores.T)[0, 1])


def _kappa(pairs: Pairs, chosen: Integers) -> float:
    return kappa(pairs.technical[chosen])


def _kappa_by_r(pairs: Pairs, chosen: Integers) -> float:
    return kappa_of_normals(_correlation(pairs.score[chosen]), float(pairs.technical[chosen].mean()))


def _kappa_at_best_cut(pairs: Pairs, chosen: Integers) -> float:
    return kappa_at_best_cut(pairs.score[chosen])


def _interval(
    pairs: Sequence[Pairs], measure: Callable[[Pairs, Integers], float], rng: np.random.Generator
) -> str:
    """95 % interval of a measure: squares of ground drawn with replacement, of a split drawn by lot."""
    drawn = []
    for _ in range(DRAWS):
        one = pairs[int(rng.integers(len(pairs)))]
        n = int(one.tile.max()) + 1
        times = np.bincount(rng.integers(0, n, n), minlength=n)
        drawn.append(measure(one, np.repeat(np.arange(len(one.tile)), times[one.tile])))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return f"({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main()
