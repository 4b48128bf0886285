"""What is to be read: files found on disk, contents not seen before, contents that an older version analysed.

What was seen before, by size and time stamp or by content, is not read again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import BufferedReader
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import polars as pl

from pipeline.errors import Rejected, SurefootError
from pipeline.ingest import UNLISTED, Listed, parse_activity_list
from pipeline.ingest.archive import LISTS, Member, is_archive, members
from pipeline.objects import ObjectPath, find_objects, is_url, local_path
from pipeline.workflow import ANALYSIS_VERSION
from pipeline.workspace import FileResult, Seen, Workspace


@dataclass(frozen=True, slots=True)
class Found:
    """A file and the name to say it by: its path below what was asked for."""

    path: Path | ObjectPath
    source_name: str


@dataclass(frozen=True, slots=True)
class Item:
    """One content to analyse."""

    athlete_id: str
    source_name: str
    content_sha256: str
    content: bytes = field(repr=False)
    cadence_unit_given: str = ""
    listed: Listed = UNLISTED  # what an account's list says of it


@dataclass(frozen=True, slots=True)
class Placed:
    """One file to analyse that a worker reads where it lies, as it was found there."""

    athlete_id: str
    found: Found
    size_bytes: int
    mtime_ns: int
    cadence_unit_given: str = ""
    listed: Listed = UNLISTED

    def seen_with(self, content_sha256: str) -> Seen:
        """What there is to remember, once its content is known."""
        place = str(self.found.path.resolve())
        return Seen(place, self.size_bytes, self.mtime_ns, content_sha256)


def read_placed(placed: Placed) -> Item | None:
    """Its content; None where that is an archive of several files, or out of reach of this machine."""
    name = placed.found.source_name
    try:
        content = placed.found.path.read_bytes()
    except OSError:
        return None
    if is_archive(content[:4096]):
        inside = list(islice(members(name, content), 2))
        if len(inside) != 1 or inside[0].content is None or inside[0].name not in _itself(name):
            return None
        name, content = inside[0].name, inside[0].content
    sha = hashlib.sha256(content).hexdigest()
    return Item(placed.athlete_id, name, sha, content, placed.cadence_unit_given, placed.listed)


def _itself(source_name: str) -> tuple[str, str]:
    """What a file is called, or the one that it is the gzip of."""
    return source_name, source_name.removesuffix(".gz")


@dataclass(slots=True)
class Progress:
    """How far an import is. `set_aside` counts files that are no run of their own."""

    files: int = 0
    done: int = 0
    known: int = 0
    set_aside: int = 0
    doing: str = "reading"


def find_files(paths: Iterable[Path | str], workspace: Path) -> list[Found]:
    """Every file at or below `paths` once, sorted, without hidden ones and the workspace's own.

    A text with `://` in it is the URL of a file or a folder in object storage. Raises SurefootError where a
    path does not exist or cannot be looked into, or a URL cannot be listed; a folder below is then found.
    """
    found: list[Found] = []
    for place in paths:
        url = str(place) if is_url(str(place)) else ""
        path = local_path(url) if url else Path(place)
        if path is None:
            found += [Found(*there) for there in find_objects(url)]
        elif _is_closed(path):
            raise SurefootError(f"the folder {path} cannot be read", "check its rights")
        elif path.is_dir():
            below = ((p, p.relative_to(path)) for p in sorted(path.rglob("*"), key=lambda p: p.parts))
            found += [
                Found(p, name.as_posix())
                for p, name in below
                if not any(part.startswith(".") for part in name.parts)
                and (p.is_file() or not p.exists() or _is_closed(p))
            ]
        elif path.exists():
            found.append(Found(path, path.name))
        else:
            raise SurefootError(f"there is no file or folder {path}", "check the spelling")
    own = workspace.resolve()
    places = {file.path.resolve(): file for file in reversed(found)}
    return [
        file
        for place, file in reversed(places.items())
        if isinstance(place, ObjectPath) or own not in place.parents
    ]


def _is_closed(path: Path) -> bool:
    return path.is_dir() and not os.access(path, os.R_OK | os.X_OK, effective_ids=True)


def find_folders(paths: Iterable[Path | str], workspace: Path) -> dict[str, list[Found]]:
    """The files below each folder in `paths`, by that folder's name, which is the athlete's.

    Raises SurefootError where there is no such folder, or a file lies beside them.
    """
    folders: dict[str, list[Found]] = {}
    places = list(paths)
    for place in places:
        for file in find_files([place], workspace):
            athlete_id, slash, name = file.source_name.partition("/")
            if not slash:
                raise SurefootError(
                    f"{file.source_name} lies in {place} beside the folders of athletes",
                    "move it into the folder of its athlete",
                )
            folders.setdefault(athlete_id, []).append(Found(file.path, name))
    if not folders:
        raise SurefootError(
            f"there is no folder with files in {', '.join(map(str, places))}",
            "give each athlete a folder there, named as the athlete",
        )
    return folders


class NewItems:
    """Iterates over the contents that were not analysed before, and remembers what it saw.

    A run whose cadence was not yet said to count `cadence_unit` is new again. With `in_place` the workers
    read the files, and `settle` learns what they held.
    """

    def __init__(
        self,
        workspace: Workspace,
        athlete_id: str,
        found: Sequence[Found],
        progress: Progress,
        cadence_unit: str = "",
        *,
        in_place: bool = False,
    ) -> None:
        self.known = 0
        self.copies = 0
        self.problems: list[FileResult] = []
        self._opened: list[str] = []
        self._athlete_id = athlete_id
        self._found = found
        self._in_place = in_place
        self._progress = progress
        self._seen_before = workspace.load_seen(athlete_id)
        self._cadence_unit = cadence_unit
        self._given = workspace.load_given_units(athlete_id)
        known = workspace.known_files(athlete_id)
        self._rejected = {sha for sha, (status, _) in known.items() if status == "rejected"}
        self._current = {
            sha
            for sha, (status, version) in known.items()
            if version == ANALYSIS_VERSION
            and (not cadence_unit or status != "run" or self._given.get(sha) == cadence_unit)
        }
        self._taken: set[str] = set()
        self._listed: dict[str, Listed] = {}
        self._seen: list[Seen] = []

    def take_seen(self) -> list[Seen]:
        """What was seen since the last call."""
        seen, self._seen = self._seen, []
        return seen

    def settle(self, results: Iterable[FileResult], seen: Iterable[Seen]) -> list[FileResult]:
        """The results of files that workers read in place, but for contents known already or come twice."""
        self._seen += seen
        fresh = []
        for result in results:
            if result.content_sha256 in self._current:
                self._count_known()
            elif result.content_sha256 in self._taken:
                self._count_copy()
            else:
                self._taken.add(result.content_sha256)
                fresh.append(result)
        return fresh

    def read_here(self, unread: Sequence[Placed]) -> Iterator[Item | Placed]:
        """The contents of files that no worker could read in place."""
        self._found, self._in_place = [placed.found for placed in unread], False
        yield from self

    def __iter__(self) -> Iterator[Item | Placed]:
        for file in sorted(self._found, key=lambda file: file.path.name not in LISTS):
            place = str(file.path.resolve())
            try:
                stat = file.path.stat()
                if self._is_unchanged(place, stat) and file.path.name not in LISTS:
                    self._count_known()
                elif self._in_place and file.path.name not in LISTS:
                    yield self._place(file, place, stat)
                else:
                    with file.path.open("rb") as source:
                        yield from self._contents(file, place, source, stat)
                self._opened.append(place)
            except OSError as error:
                problem = Rejected(f"it cannot be read ({error.strerror})")
                self._refuse(file.source_name, _unread(place), 0, problem)

    def readable(self) -> list[str]:
        """The rows of files, and of folders that they lie in, that could not be read before and can now."""
        places = self._opened if self._rejected else ()
        opened = {above for place in places for above in (place, *map(str, Path(place).parents))}
        return sorted(self._rejected.intersection(map(_unread, opened)))

    def _place(self, file: Found, place: str, stat: os.stat_result | SimpleNamespace) -> Placed:
        before = self._seen_before.get(place)
        given = self._cadence_unit or (self._given.get(before.content_sha256, "") if before else "")
        listed = self._listing_of(file.source_name)
        return Placed(self._athlete_id, file, stat.st_size, stat.st_mtime_ns, given, listed)

    def _is_unchanged(self, place: str, stat: os.stat_result | SimpleNamespace) -> bool:
        before = self._seen_before.get(place)
        if before is None or (before.size_bytes, before.mtime_ns) != (stat.st_size, stat.st_mtime_ns):
            return False
        return before.content_sha256 in self._current

    def _contents(
        self, file: Found, place: str, source: BufferedReader, stat: os.stat_result | SimpleNamespace
    ) -> Iterator[Item]:
        """The file's contents, one unless it is an archive, less those that are known."""
        whole = hashlib.file_digest(source, "sha256").hexdigest()
        source.seek(0)
        is_whole = not is_archive(source.read(4096))
        itself = _itself(file.source_name)
        empty = Member(file.source_name, problem=Rejected("it is an archive without files"))
        for n, member in enumerate(_or_else(members(file.source_name, source), empty)):
            self._progress.files += n > 0
            # What cannot be unpacked has no content of its own to be known by.
            unique = f"{whole} {n}".encode() if member.content is None else member.content
            sha = whole if is_whole else hashlib.sha256(unique).hexdigest()
            path = place if member.name in itself else f"{place}!{member.name}"
            self._learn_list(member)
            self._seen.append(Seen(path, stat.st_size, stat.st_mtime_ns, sha))
            if sha in self._current:
                self._count_known()
            elif sha in self._taken:
                self._count_copy()
            else:
                self._taken.add(sha)
                if member.content is None:
                    size = stat.st_size if path == place else 0
                    self._refuse(member.name, sha, size, member.problem or Rejected("it cannot be read"))
                else:
                    given = self._cadence_unit or self._given.get(sha, "")
                    listed = self._listing_of(member.name)
                    yield Item(self._athlete_id, member.name, sha, member.content, given, listed)

    def _learn_list(self, member: Member) -> None:
        """Keep what an account's list says of the activities beside it; lists come before the other files."""
        folder, slash, name = member.name.rpartition("/")
        if name in LISTS and member.content is not None:
            listed = parse_activity_list(member.content)
            self._listed |= {f"{folder}{slash}{file}": said for file, said in listed.items()}

    def _listing_of(self, name: str) -> Listed:
        return self._listed.get(name.removesuffix(".gz"), UNLISTED)

    def _count_known(self) -> None:
        self.known += 1
        self._progress.known += 1
        self._progress.done += 1

    def _count_copy(self) -> None:
        self.copies += 1
        self._progress.done += 1

    def _refuse(self, source_name: str, sha: str, size_bytes: int, problem: Rejected) -> None:
        """Set aside a file whose content could not be had."""
        self.problems.append(set_aside(source_name, sha, size_bytes, "rejected", problem))
        self._progress.done += 1
        self._progress.set_aside += 1


class OldItems:
    """Iterates over the contents that an older version analysed, from the kept originals or else their files.

    `runs` holds those that were runs then.
    """

    def __init__(self, workspace: Workspace, athlete_id: str, progress: Progress) -> None:
        files = workspace.load_files(athlete_id).filter(pl.col("analysis_version") < ANALYSIS_VERSION)
        self.runs = set(files.filter(status="run")["content_sha256"])
        columns = ("content_sha256", "source_name", "kind_given", "title_given")
        self._files = {
            sha: (name, Listed(kind, title)) for sha, name, kind, title in files.select(columns).iter_rows()
        }
        self._workspace = workspace
        self._athlete_id = athlete_id
        self._progress = progress
        progress.files += len(self._files)

    def __iter__(self) -> Iterator[Item]:
        lost = set()
        given = self._workspace.load_given_units(self._athlete_id)
        for sha, (source_name, listed) in self._files.items():
            try:
                content = self._workspace.load_original(sha)
                yield Item(self._athlete_id, source_name, sha, content, given.get(sha, ""), listed)
            except SurefootError:
                lost.add(sha)
        for item in NewItems(self._workspace, self._athlete_id, self._places(lost), Progress()):
            if isinstance(item, Item) and item.content_sha256 in lost:
                lost.remove(item.content_sha256)
                source_name, listed = self._files[item.content_sha256]
                said = item.listed if item.listed.kind else listed
                yield replace(item, source_name=source_name, listed=said)
        self._progress.files -= len(lost)

    def _places(self, lost: set[str]) -> list[Found]:
        """The files with these contents that are still there; for a member of an archive, the archive."""
        seen = self._workspace.load_seen(self._athlete_id).values() if lost else ()
        named = {entry.path for entry in seen if entry.content_sha256 in lost}
        parts = {part for path in named for part in (path, path.split("!")[0])}
        paths = sorted(Path(part) for part in parts if not is_url(part))
        there = [Found(path, path.name) for path in paths if path.is_file()]
        for url in sorted(filter(is_url, parts)):
            with suppress(SurefootError):
                there += [Found(*file) for file in find_objects(url)]
        return there


def forget_stale(workspace: Workspace, athlete_id: str, readable: Sequence[str]) -> None:
    """Forget rows of what is `readable` at last, and places that a content has left for another."""
    places: dict[str, list[str]] = {}
    for entry in workspace.load_seen(athlete_id).values():
        places.setdefault(entry.content_sha256, []).append(entry.path)
    left = []
    for paths in places.values():
        gone = [path for path in sorted(paths) if len(paths) > 1 and not _is_there(path)]
        left += gone[len(gone) == len(paths) :]
    if left or readable:
        workspace.forget_files(athlete_id, paths=left, contents=readable)


def _is_there(place: str) -> bool:
    """Whether a file, or the archive that it is a member of, may still be where it was seen."""
    if is_url(place):
        return True
    try:
        return Path(place).exists() or ("!" in place and Path(place.split("!")[0]).exists())
    except OSError:
        return True


def _unread(place: str) -> str:
    """What a file, or a folder, is known by of which nothing could be read."""
    return hashlib.sha256(place.encode()).hexdigest()


def _or_else(found: Iterator[Member], otherwise: Member) -> Iterator[Member]:
    yield next(found, otherwise)
    yield from found


def set_aside(source_name: str, sha: str, size_bytes: int, status: str, why: SurefootError) -> FileResult:
    return FileResult(source_name, sha, size_bytes, status, ANALYSIS_VERSION, why.reason, why.advice)
