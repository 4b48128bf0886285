"""Labelled runs -> their steadiness, and that on the stretches of trail that they passed; many runs together.

What is per second is dropped as soon as a run is cut into its windows (`cut_run`). Of these there are few, so
that calls cost more than numbers do: they are measured together (`measure_runs`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pipeline.cells import Cells
from pipeline.channels import pick_dynamics
from pipeline.metrics import METRICS, Windows
from pipeline.numeric import Array, Integers
from pipeline.repeats import Pass, Passed, cut_passes, measure_passes
from pipeline.seconds import Seconds
from pipeline.segments import RunSegments
from pipeline.stability import (
    count_walking,
    join_measured,
    measure_walking,
    measure_windows,
    stability_table,
)
from pipeline.tables import TERRAINS, DataFrame, Repeats, Stability
from pipeline.windows import WINDOW_S, adjust, cut_windows, join_windows

HEADLINE = "cadence_cv"
MIN_WINDOWS = 12
MIN_QUALITY = 0.7
SMART = "; smart recording leaves seconds out, recording every second would give more"
TECHNICAL = TERRAINS.index("technical")


@dataclass(frozen=True, slots=True)
class Cut:
    """A labelled run cut into windows: by its ground, and by the stretches that it passed."""

    run_id: str
    windows: Windows
    walking: Integers
    passed: Passed


def cut_run(
    run: Mapping[str, Any],
    segments: RunSegments,
    seconds: Seconds,
    channels: pl.DataFrame | None,
    coefficients: Array,
    cells: Cells,
    passes: Sequence[Pass],
) -> Cut:
    """Cut one run; `coefficients` are those of its device epoch (`windows.fit_cadence`)."""
    ground, technicality = segments.find_ground(seconds.elapsed_s)
    adjusted = adjust(seconds, coefficients, **pick_dynamics(channels))
    return Cut(
        run["run_id"],
        cut_windows(adjusted, ground),
        count_walking(seconds, ground),
        cut_passes(run, cells, adjusted.without_dynamics(), technicality, passes),
    )


def measure_runs(cuts: Sequence[Cut]) -> tuple[DataFrame[Stability], DataFrame[Repeats]]:
    """Steadiness and walking of runs, and steadiness on the stretches that they passed."""
    if not cuts:
        return Stability.create_empty(), Repeats.create_empty()
    run = np.repeat(np.arange(len(cuts)), [len(cut.windows) for cut in cuts])
    measured = measure_windows(join_windows([cut.windows for cut in cuts]), run)
    walking = measure_walking(np.array([cut.walking for cut in cuts]))
    stability = stability_table([cut.run_id for cut in cuts], join_measured([measured, walking]))
    return stability, measure_passes([cut.passed for cut in cuts])


def judge_run(run: Mapping[str, Any], segments: RunSegments, windows: Windows) -> dict[str, Any]:
    """Technical share, and whether the run counts or why not."""
    length = segments.end_m - segments.start_m
    technical = segments.terrain == TECHNICAL
    headline = np.isfinite(METRICS[HEADLINE].of_window(windows)).all(axis=0)
    on_technical, on_smooth = np.bincount(windows.terrain[headline], minlength=len(TERRAINS)).tolist()
    if run["cadence_unit"] == "none":
        reason = "no cadence was recorded"
    elif run["quality"] < MIN_QUALITY:
        reason = (
            f"cadence is usable in {run['quality']:.0%} of the running only, {MIN_QUALITY:.0%} are needed"
        )
    elif min(on_technical, on_smooth) < MIN_WINDOWS:
        reason = (
            f"{on_technical} technical and {on_smooth} smooth windows of 20 s, "
            f"{MIN_WINDOWS} of each are needed{SMART if run['sampling'] == 'smart' else ''}"
        )
    else:
        reason = ""
    return {
        "technical_s": on_technical * float(WINDOW_S),
        "technical_share": float(length[technical].sum() / length.sum()) if length.sum() else None,
        "counts": not reason,
        "counts_reason": reason,
    }
