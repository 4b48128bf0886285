"""What each run says of the places it crossed, and what its labels and steadiness were made of, as rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import sqlalchemy as sa

from pipeline.numeric import Array
from pipeline.results import Origin, Passes
from pipeline.workspace import catalogue


def to_passes_row(passes: Passes) -> dict[str, Any]:
    """Places as 64 bit integers, the means of each feature as 32 bit floats, one feature after the other."""
    means = np.array(list(passes.values.values()), dtype="<f4")
    return {
        "features": " ".join(passes.values),
        "places": passes.place.astype("<i8").tobytes(),
        "means": means.tobytes(),
        "labels_origin": "",
        "ground_origin": "",
        "stability_origin": "",
    }


def load_passes(connection: sa.Connection, athlete_id: str) -> dict[str, Passes]:
    """Run -> its passes; a run that an earlier version analysed has none."""
    table = catalogue.passes
    columns = (table.c.run_id, table.c.features, table.c.places, table.c.means)
    found = {}
    for run_id, features, places, means in connection.execute(
        sa.select(*columns).where(table.c.athlete_id == athlete_id)
    ):
        place = np.frombuffer(places, "<i8").astype(np.int64)
        names = features.split()
        values: Array = np.frombuffer(means, "<f4").reshape(len(names), len(place)).astype(np.float64)
        found[run_id] = Passes(place, dict(zip(names, values, strict=True)))
    return found


def load_origins(connection: sa.Connection, athlete_id: str) -> dict[str, Origin]:
    """Run -> what its labels and steadiness were made of."""
    table = catalogue.passes
    columns = (table.c.run_id, table.c.labels_origin, table.c.ground_origin, table.c.stability_origin)
    rows = connection.execute(sa.select(*columns).where(table.c.athlete_id == athlete_id))
    return {run_id: Origin(*digests) for run_id, *digests in rows}
