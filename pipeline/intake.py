"""What is to be read: files found on disk, contents not seen before, contents that an older version analysed.

What was seen before, by size and time stamp or by content, is not read again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import BufferedReader
from pathlib import Path

import polars as pl

from pipeline.errors import Rejected, SurefootError
from pipeline.ingest import UNLISTED, Listed, parse_activity_list
from pipeline.ingest.archive import LISTS, Member, is_archive, members
from pipeline.workflow import ANALYSIS_VERSION
from pipeline.workspace import FileResult, Seen, Workspace


@dataclass(frozen=True, slots=True)
class Found:
    """A file on disk and the name to say it by: its path below what was asked for."""

    path: Path
    source_name: str


@dataclass(frozen=True, slots=True)
class Item:
    """One content to analyse."""

    source_name: str
    content_sha256: str
    content: bytes = field(repr=False)
    cadence_unit_given: str = ""
    listed: Listed = UNLISTED  # what an account's list says of it


@dataclass(slots=True)
class Progress:
    """How far an import is. `set_aside` counts files that are no run of their own."""

    files: int = 0
    done: int = 0
    known: int = 0
    set_aside: int = 0
    doing: str = "reading"


def find_files(paths: Iterable[Path], workspace: Path) -> list[Found]:
    """Every file at or below `paths` once, sorted, without hidden ones and the workspace's own.

    Raises SurefootError where a path does not exist.
    """
    found: list[Found] = []
    for path in paths:
        if path.is_dir():
            below = (
                p
                for p in path.rglob("*")
                if not any(part.startswith(".") for part in p.relative_to(path).parts)
            )
            found += [
                Found(p, p.relative_to(path).as_posix())
                for p in sorted(below, key=lambda p: p.parts)
                if p.is_file() or not p.exists()
            ]
        elif path.exists():
            found.append(Found(path, path.name))
        else:
            raise SurefootError(f"there is no file or folder {path}", "check the spelling")
    own = workspace.resolve()
    places = {file.path.resolve(): file for file in reversed(found)}
    return [file for place, file in reversed(places.items()) if own not in place.parents]


class NewItems:
    """Iterates over the contents that were not analysed before, and remembers what it saw.

    A run whose cadence was not yet said to count `cadence_unit` is new again. `readable` are the rows of
    files that could not be read before and can now.
    """

    def __init__(
        self,
        workspace: Workspace,
        athlete_id: str,
        found: Sequence[Found],
        progress: Progress,
        cadence_unit: str = "",
    ) -> None:
        self.known = 0
        self.copies = 0
        self.problems: list[FileResult] = []
        self.readable: list[str] = []
        self._found = found
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

    def __iter__(self) -> Iterator[Item]:
        for file in sorted(self._found, key=lambda file: file.path.name not in LISTS):
            try:
                stat = file.path.stat()
                if self._is_unchanged(file, stat) and file.path.name not in LISTS:
                    self._count_known()
                else:
                    with file.path.open("rb") as source:
                        yield from self._contents(file, source, stat)
                if (unread := _unread(file)) in self._rejected:
                    self.readable.append(unread)
            except OSError as error:
                problem = Rejected(f"it cannot be read ({error.strerror})")
                self._refuse(file.source_name, _unread(file), 0, problem)

    def _is_unchanged(self, file: Found, stat: os.stat_result) -> bool:
        before = self._seen_before.get(str(file.path.resolve()))
        return (
            before is not None
            and (before.size_bytes, before.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
            and before.content_sha256 in self._current
        )

    def _contents(self, file: Found, source: BufferedReader, stat: os.stat_result) -> Iterator[Item]:
        """The file's contents, one unless it is an archive, less those that are known."""
        place = str(file.path.resolve())
        whole = hashlib.file_digest(source, "sha256").hexdigest()
        source.seek(0)
        is_whole = not is_archive(source.read(4096))
        itself = (file.source_name, file.source_name.removesuffix(".gz"))
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
                self.copies += 1
                self._progress.done += 1
            else:
                self._taken.add(sha)
                if member.content is None:
                    size = stat.st_size if path == place else 0
                    self._refuse(member.name, sha, size, member.problem or Rejected("it cannot be read"))
                else:
                    given = self._cadence_unit or self._given.get(sha, "")
                    yield Item(member.name, sha, member.content, given, self._listing_of(member.name))

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
                yield Item(source_name, sha, self._workspace.load_original(sha), given.get(sha, ""), listed)
            except SurefootError:
                lost.add(sha)
        for item in NewItems(self._workspace, self._athlete_id, self._places(lost), Progress()):
            if item.content_sha256 in lost:
                lost.remove(item.content_sha256)
                source_name, listed = self._files[item.content_sha256]
                said = item.listed if item.listed.kind else listed
                yield replace(item, source_name=source_name, listed=said)
        self._progress.files -= len(lost)

    def _places(self, lost: set[str]) -> list[Found]:
        """The files with these contents that are still there; for a member of an archive, the archive."""
        seen = self._workspace.load_seen(self._athlete_id).values() if lost else ()
        named = {entry.path for entry in seen if entry.content_sha256 in lost}
        paths = {Path(part) for path in named for part in (path, path.split("!")[0])}
        return [Found(path, path.name) for path in sorted(paths) if path.is_file()]


def forget_stale(workspace: Workspace, athlete_id: str, readable: Sequence[str]) -> None:
    """Forget rows of files that are `readable` at last, and places that a content has left for another."""
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
    try:
        return Path(place).exists() or ("!" in place and Path(place.split("!")[0]).exists())
    except OSError:
        return True


def _unread(file: Found) -> str:
    """What a file is known by of which nothing could be read."""
    return hashlib.sha256(str(file.path.resolve()).encode()).hexdigest()


def _or_else(found: Iterator[Member], otherwise: Member) -> Iterator[Member]:
    yield next(found, otherwise)
    yield from found


def set_aside(source_name: str, sha: str, size_bytes: int, status: str, why: SurefootError) -> FileResult:
    return FileResult(source_name, sha, size_bytes, status, ANALYSIS_VERSION, why.reason, why.advice)
