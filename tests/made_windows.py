"""Seconds and windows made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.metrics import MIDDLE, Windows
from pipeline.numeric import Array, Integers
from pipeline.seconds import Seconds
from pipeline.stability import measure_windows, stability_table
from pipeline.tables import CADENCE_FLAGS, DIRECTIONS, GAITS, TERRAINS, DataFrame, Stability
from pipeline.windows import adjust, cut_windows

TECHNICAL, SMOOTH = TERRAINS.index("technical"), TERRAINS.index("smooth")
UP, LEVEL, DOWN = (DIRECTIONS.index(name) for name in ("up", "level", "down"))
NO_MODEL = np.zeros(5)


def seconds_of(
    cadence_spm: Any,
    *,
    elapsed_s: Any = None,
    speed_mps: Any = 2.5,
    grade: Any = 0.0,
    gait: Any = "run",
    cadence_flag: Any = None,
) -> Seconds:
    """A second after the other of level running; words stand for every second, or one for each."""
    cadence = np.asarray(cadence_spm, dtype=float)
    n = len(cadence)
    flag = np.where(np.isnan(cadence), "missing", "ok") if cadence_flag is None else cadence_flag
    return Seconds(
        np.arange(n) if elapsed_s is None else elapsed_s,
        np.broadcast_to(np.asarray(speed_mps, dtype=float), n),
        cadence,
        np.broadcast_to(np.asarray(grade, dtype=float), n),
        codes(gait, GAITS, n),
        codes(flag, CADENCE_FLAGS, n),
    )


def codes(words: Any, of: tuple[str, ...], n: int) -> Integers:
    """Where each of `n` words stands in the list that it is of, -1 for None."""
    each = [words] * n if isinstance(words, str) else words
    return np.array([-1 if word is None else of.index(word) for word in each], dtype=np.int64)


def cut(run: Seconds, terrain: Any = "technical", model: Array = NO_MODEL, **dynamics: Array) -> Windows:
    """The windows of a run on ground of one terrain, or of one for each second."""
    return cut_windows(adjust(run, model, **dynamics), codes(terrain, TERRAINS, len(run)))


def measure(found: Windows) -> DataFrame[Stability]:
    """What is measured of the windows of a run, as its table."""
    return stability_table(["a run"], measure_windows(found, np.zeros(len(found), dtype=np.int64)))


def windows(n: int = 1, **columns: Any) -> Windows:
    """`n` windows that are all the same unless said otherwise."""
    values: dict[str, Any] = {
        "start_s": np.arange(n) * 20.0,
        "terrain": np.full(n, TECHNICAL),
        "direction": np.full(n, LEVEL),
        "third": np.full(n, MIDDLE),
        "residual_sd_spm": np.full(n, 2.0),
        "cadence_mean_spm": np.full(n, 170.0),
        "cadence_sd_spm": np.full(n, 3.0),
        **dict.fromkeys(("stance_sd_ms", "stance_mean_ms", "balance_sd", "balance_mean"), np.full(n, np.nan)),
    } | columns
    return Windows(**values)
