"""Bytes of a watch file in, an `Activity` out: what it is is told by the content, never by the name."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice

from pipeline.errors import NotARun, Rejected
from pipeline.ingest.account import UNLISTED as UNLISTED
from pipeline.ingest.account import Listed as Listed
from pipeline.ingest.account import parse_activity_list as parse_activity_list
from pipeline.ingest.activity import Activity as Activity
from pipeline.ingest.activity import ActivityInfo as ActivityInfo
from pipeline.ingest.activity import Damage as Damage
from pipeline.ingest.archive import is_archive, members
from pipeline.ingest.cadence import overrule_cadence_unit as overrule_cadence_unit
from pipeline.ingest.damage import damage_warning, without_implausible
from pipeline.ingest.fit import parse_fit
from pipeline.ingest.gpx import parse_gpx
from pipeline.ingest.local_time import with_local_day
from pipeline.ingest.sessions import check_run as check_run
from pipeline.ingest.sessions import running_sessions as running_sessions
from pipeline.ingest.sports import with_sport_from_evidence, with_sport_of_list
from pipeline.ingest.tcx import parse_tcx
from pipeline.ingest.xml import root_name

YEARS = range(1995, 2100)
"""A recording of another year comes from a clock that was never set."""

_BESIDE_RECORDINGS = re.compile(
    r"(^|/)readme(\.\w+)?$|\.(csv|json|md|html?|pdf|xlsx?|docx|jpe?g|png|gif|heic|webp|mp4|mov)$", re.I
)
"""Names of what accounts export beside recordings. They only say what a file that is none was meant to be."""

_EXPORT = "export the original recording from your watch or its app"


def read_activity(name: str, content: bytes, *, kind: str = "") -> Activity:
    """Read one recording, whatever its name says: FIT, GPX or TCX, also inside gzip or a zip of one file.

    `kind` is what a list beside it says of its sport, used where the file does not say.

    Raises
    ------
    Rejected
        Where nothing can be made of it: empty, not a recording, no records, no times.
    NotARun
        Where it is sound but no recording of a sport: a workout, settings, a course; a picture, a table or
        another file of an account's export.
    """
    if is_archive(content):
        content = _only_member(name, content)
    activity = without_implausible(_parse(name, content))
    if activity.run.file_kind != "activity":
        raise NotARun(f"it is {_in_words(activity.run.file_kind)}, not a recording")
    if not len(activity.recorded):
        if activity.run.sport:
            check_run(activity)
        where = f": it is damaged at byte {activity.damage.byte}" if activity.damage else ""
        raise Rejected(f"it holds no records{where}", _EXPORT)
    if activity.run.start_time is None:
        why = (
            "the clock was not set" if activity.run.source_format == "fit" else "a planned route, or stripped"
        )
        raise Rejected(f"none of its records has a time: {why}", _EXPORT)
    if activity.run.start_time.year not in YEARS:
        year = activity.run.start_time.year
        raise Rejected(
            f"it is dated {year}: the clock was not set",
            "correct its date in the watch's app, and export it",
        )
    run = with_local_day(activity.run, activity.recorded.samples)
    if said := damage_warning(activity, content):
        run = replace(run, warnings=(said, *run.warnings))
    return with_sport_from_evidence(with_sport_of_list(replace(activity, run=run), kind))


def _in_words(kind: str) -> str:
    word = kind.removesuffix("_a").removesuffix("_b").replace("_", " ")
    return f"a file of kind {word}" if word.isdigit() else f"a {word} file"


def _only_member(name: str, content: bytes) -> bytes:
    found = list(islice(members(name, content), 2))
    if not found:
        raise Rejected("it is an archive without files", _EXPORT)
    if len(found) > 1:
        raise Rejected("it is an archive of several files", "give the archive to `surefoot analyse`")
    if found[0].content is None:
        raise found[0].problem or Rejected("its archive cannot be read")
    return found[0].content


def _parse(name: str, content: bytes) -> Activity:
    if content[8:12] == b".FIT":
        return parse_fit(content)
    root = root_name(content)
    match root:
        case "gpx":
            return parse_gpx(content)
        case "TrainingCenterDatabase" | "Activities":
            return parse_tcx(content)
    if _BESIDE_RECORDINGS.search(name):
        raise NotARun("it is a picture, a table or a text, not a recording")
    if not content.strip(b"\0 \r\n\t"):
        raise Rejected("the file is empty", _EXPORT)
    match root:
        case "html":
            raise Rejected("it is a web page, not a recording", "log in, and download the recording again")
        case "":
            raise Rejected("it is neither FIT nor GPX nor TCX", _EXPORT)
        case other:
            raise Rejected(f"it is XML of another kind ({other[:40]})", "export it as FIT, GPX or TCX")
