"""The day where the runner was: an evening run belongs to its own evening, not to the next UTC day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import tzfpy

from pipeline.ingest.activity import ActivityInfo
from pipeline.recorded import Samples


def with_local_day(run: ActivityInfo, samples: Samples) -> ActivityInfo:
    """`run` with `local_date` and `utc_offset_s`, from its `start_time`.

    The offset is the file's own where it has one, else that of the time zone at the first position,
    else UTC with a warning. An offset of 0 counts only without a position: many watches write universal
    time as their local one. Without a start time `run` comes back as it is.
    """
    if run.start_time is None:
        return run
    offset_s = run.utc_offset_s or _offset_at_first_fix(run, samples)
    if offset_s is None:
        offset_s = run.utc_offset_s
    warnings = run.warnings
    if offset_s is None:
        warnings += ("neither a time zone nor a position: the day is that of UTC",)
    local = run.start_time + timedelta(seconds=offset_s or 0)
    return replace(run, local_date=local.date(), utc_offset_s=offset_s, warnings=warnings)


def _offset_at_first_fix(run: ActivityInfo, samples: Samples) -> int | None:
    lat, lon = samples.numbers["lat_deg"], samples.numbers["lon_deg"]
    fixes = np.flatnonzero(np.isfinite(lat) & np.isfinite(lon))
    if not len(fixes) or run.start_time is None:
        return None
    lat_deg, lon_deg = float(lat[fixes[0]]), float(lon[fixes[0]])
    try:
        zone = ZoneInfo(tzfpy.get_tz(lon_deg, lat_deg))
    except (ZoneInfoNotFoundError, ValueError):
        return None
    offset = run.start_time.astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else None
