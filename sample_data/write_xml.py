"""A recording as GPX 1.1 (Garmin's TrackPointExtension) or TCX, both with cadence in strides per minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from sample_data.recording import Recording

GPX_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<gpx version="1.1" creator="sample_data" xmlns="http://www.topografix.com/GPX/1/1" '
    'xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v1">\n'
    " <trk><type>running</type>\n"
)
TCX_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2" '
    'xmlns:x="http://www.garmin.com/xmlschemas/ActivityExtension/v2">\n'
    ' <Activities><Activity Sport="Running">\n'
)


def gpx_bytes(recording: Recording) -> bytes:
    """The recording as GPX: one segment between pauses; seconds without a position cannot be told."""
    lines = [GPX_HEAD]
    for part in _parts(recording):
        lines.append("  <trkseg>\n")
        for i in part:
            if np.isnan(recording.lat_deg[i]):
                continue
            cadence = _optional("gpxtpx:cad", recording.cadence_spm[i] // 2)
            lines.append(
                f'<trkpt lat="{recording.lat_deg[i]:.7f}" lon="{recording.lon_deg[i]:.7f}">'
                f"<ele>{recording.altitude_m[i]:.1f}</ele><time>{_time(recording, i)}</time>"
                "<extensions><gpxtpx:TrackPointExtension>"
                f"<gpxtpx:hr>{recording.heart_rate_bpm[i]:.0f}</gpxtpx:hr>{cadence}"
                "</gpxtpx:TrackPointExtension></extensions></trkpt>\n"
            )
        lines.append("  </trkseg>\n")
    lines.append(" </trk>\n</gpx>\n")
    return "".join(lines).encode()


def tcx_bytes(recording: Recording) -> bytes:
    """The recording as TCX: one lap, one track between pauses."""
    lines = [
        TCX_HEAD,
        f"  <Id>{_stamp(recording.start_time)}</Id>\n",
        f'  <Lap StartTime="{_stamp(recording.start_time)}">'
        f"<TotalTimeSeconds>{recording.timer_s:.1f}</TotalTimeSeconds>"
        f"<DistanceMeters>{recording.distance_m[-1]:.2f}</DistanceMeters><Calories>0</Calories>"
        "<Intensity>Active</Intensity><TriggerMethod>Manual</TriggerMethod>\n",
    ]
    for part in _parts(recording):
        lines.append("   <Track>\n")
        for i in part:
            position = (
                ""
                if np.isnan(recording.lat_deg[i])
                else f"<Position><LatitudeDegrees>{recording.lat_deg[i]:.7f}</LatitudeDegrees>"
                f"<LongitudeDegrees>{recording.lon_deg[i]:.7f}</LongitudeDegrees></Position>"
            )
            cadence = _optional("x:RunCadence", recording.cadence_spm[i] // 2)
            lines.append(
                f"<Trackpoint><Time>{_time(recording, i)}</Time>{position}"
                f"<AltitudeMeters>{recording.altitude_m[i]:.1f}</AltitudeMeters>"
                f"<DistanceMeters>{recording.distance_m[i]:.2f}</DistanceMeters>"
                f"<HeartRateBpm><Value>{recording.heart_rate_bpm[i]:.0f}</Value></HeartRateBpm>"
                f"<Extensions><x:TPX><x:Speed>{recording.speed_mps[i]:.3f}</x:Speed>{cadence}</x:TPX>"
                "</Extensions></Trackpoint>\n"
            )
        lines.append("   </Track>\n")
    lines.append("  </Lap>\n </Activity></Activities>\n</TrainingCenterDatabase>\n")
    return "".join(lines).encode()


def _parts(recording: Recording) -> Iterator[range]:
    """Indices of the records between pauses."""
    stops = [stop for stop, _ in recording.pauses]
    edges = [0, *np.searchsorted(recording.elapsed_s, stops, side="right").tolist(), len(recording.elapsed_s)]
    for a, b in pairwise(edges):
        yield range(a, b)


def _optional(tag: str, value: float) -> str:
    return "" if np.isnan(value) else f"<{tag}>{value:.0f}</{tag}>"


def _time(recording: Recording, i: int) -> str:
    return _stamp(recording.start_time + timedelta(seconds=int(recording.elapsed_s[i])))


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
