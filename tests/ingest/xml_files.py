"""Small GPX and TCX files for the tests; positions are in the middle of the Atlantic."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

NAMESPACES = (
    'xmlns="http://www.topografix.com/GPX/1/1" '
    'xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v1"'
)
TPX = 'xmlns="http://www.garmin.com/xmlschemas/ActivityExtension/v2"'
START = datetime(2024, 5, 4, 9, 0, 0, tzinfo=UTC)


def time_at(second: float) -> str:
    """The time of a second after the start, as files write it."""
    return (START + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def trkpt(second: float, extensions: str = "", *, lat: str = "", ele: str = "100.5") -> str:
    """A point 3 m north of the one a second before."""
    latitude = lat or f"{30 + second * 3 / 111_195:.7f}"
    extensions = f"<extensions>{extensions}</extensions>" if extensions else ""
    time = time_at(second)
    return f'<trkpt lat="{latitude}" lon="-40.0"><ele>{ele}</ele><time>{time}</time>{extensions}</trkpt>\n'


def gpx(*segments: Iterable[str], kind: str = "running", creator: str = "a program") -> bytes:
    """A GPX file of one track with these segments of points."""
    parts = "".join(f"<trkseg>{''.join(points)}</trkseg>" for points in segments)
    kind = f"<type>{kind}</type>" if kind else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<gpx version="1.1" creator="{creator}" {NAMESPACES}><trk><name>n</name>{kind}{parts}</trk></gpx>'
    ).encode()


def garmin_cadence(value: float | str) -> str:
    """Cadence as Garmin's and Strava's GPX hold it."""
    return f"<gpxtpx:TrackPointExtension><gpxtpx:cad>{value}</gpxtpx:cad></gpxtpx:TrackPointExtension>"


def trackpoint(second: float, inside: str = "") -> str:
    """A TCX point with a time and whatever else is given."""
    return f"<Trackpoint><Time>{time_at(second)}</Time>{inside}</Trackpoint>\n"


def tpx(inside: str) -> str:
    """Garmin's extension of a TCX point."""
    return f"<Extensions><TPX {TPX}>{inside}</TPX></Extensions>"


def tcx(*laps: Iterable[str], sport: str = "Running", after: str = "") -> bytes:
    """A TCX file of one activity with these laps of points."""
    parts = "".join(
        f'<Lap StartTime="{time_at(0)}"><TotalTimeSeconds>60.5</TotalTimeSeconds>'
        f"<DistanceMeters>180.0</DistanceMeters><Track>{''.join(points)}</Track></Lap>"
        for points in laps
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2">'
        f'<Activities><Activity Sport="{sport}"><Id>{time_at(0)}</Id>{parts}{after}</Activity></Activities>'
        "</TrainingCenterDatabase>"
    ).encode()
