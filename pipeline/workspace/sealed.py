"""Sealed archives: a zip whose manifest names every other member with its size and SHA-256.

The manifest is the last member, and the zip's own list comes after it: what was cut short has neither.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Self

from pipeline.errors import SurefootError
from pipeline.workspace.kept import Kept

FORMAT = "surefoot archive 1"
_KIND = FORMAT.rstrip("1")
_MANIFEST = "manifest.json"
_SHRUNK = (".sqlite", ".csv", ".txt", ".json")
"""Packs and originals are compressed already."""
_MAX_RATIO = 200
"""A catalogue shrinks to a tenth, what is made to harm to a thousandth."""
_RATIO_FROM_BYTES = 2**20
_MAX_MANIFEST_BYTES = 2**28
_PIECE_BYTES = 2**20
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
    ValueError, OverflowError, KeyError, TypeError, AttributeError,
)  # fmt: skip
"""What a zip or a manifest raises that is damaged or made to harm."""


class Sealer:
    """Writes a sealed archive into `file`; without `finish` what it wrote is none."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w")
        self._files: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def add(self, name: str, source: IO[bytes]) -> None:
        """Put what is left to read of `source` in as `name`."""
        method = zipfile.ZIP_DEFLATED if name.endswith(_SHRUNK) else zipfile.ZIP_STORED
        info = zipfile.ZipInfo(name)
        info.compress_type = method
        with self._zip.open(info, "w", force_zip64=True) as member:
            size, sha256 = _pour(source, member)
        self._files[name] = {"size_bytes": size, "sha256": sha256}

    def add_file(self, name: str, path: Kept) -> None:
        """Put a file in as `name`."""
        with path.open("rb") as source:
            self.add(name, source)

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Write the manifest: `facts`, and every member."""
        manifest = {"format": FORMAT, **facts, "files": self._files}
        self.add(_MANIFEST, BytesIO(json.dumps(manifest, indent=1, ensure_ascii=False).encode()))


def _pour(source: IO[bytes], target: IO[bytes] | None) -> tuple[int, str]:
    """Copy to the end; the size and SHA-256 of what was copied."""
    size, digest = 0, hashlib.sha256()
    while piece := source.read(_PIECE_BYTES):
        size += len(piece)
        digest.update(piece)
        if target is not None:
            target.write(piece)
    return size, digest.hexdigest()


def is_sealed(file: Path) -> bool:
    """Whether a file says that it is a sealed archive, of this Surefoot or of a newer one."""
    try:
        with zipfile.ZipFile(file) as archive:
            return str(_load_manifest(file, archive)["format"]).startswith(_KIND)
    except (OSError, SurefootError, *_UNREADABLE):
        return False


def unseal(file: Path, target: Path, wanted: re.Pattern[str], others: re.Pattern[str]) -> dict[str, Any]:
    """Check every member of an archive, and unpack those whose whole name is `wanted` below `target`.

    Gives the manifest's facts. Raises SurefootError, in one line, where the file is no archive of ours, was
    made by a newer Surefoot, is damaged, has a member that is neither `wanted` nor of the `others`, would
    unpack to more than it says or to 200 times its size, or does not fit on the disk.
    """
    try:
        with file.open("rb") as source, zipfile.ZipFile(source) as archive:
            manifest = _read_manifest(file, archive)
            files = {
                str(name): (int(fact["size_bytes"]), str(fact["sha256"]))
                for name, fact in manifest["files"].items()
            }
            _check_list(file, archive, files, (wanted, others))
            unpacked_bytes = sum(size for name, (size, _) in files.items() if wanted.fullmatch(name))
            _check_room(file, target, unpacked_bytes)
            for name, expected in files.items():
                with archive.open(name) as member:
                    if not wanted.fullmatch(name):
                        found = _pour(member, None)
                    else:
                        found = _unpack(member, target / name)
                if found != expected:
                    raise damaged(file, f"{name} is not what the list says")
    except OSError as error:
        raise SurefootError(
            f"{file} cannot be read ({error.strerror or error})", "check its name and rights"
        ) from None
    except _UNREADABLE:
        raise damaged(file, "it cannot be unpacked") from None
    del manifest["files"]
    return manifest


def _unpack(member: IO[bytes], target: Path) -> tuple[int, str]:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as unpacked:
            return _pour(member, unpacked)
    except OSError as error:
        raise SurefootError(
            f"{target} could not be written ({error.strerror or error})",
            "make room on the disk or check the folder's rights, then run it again",
        ) from None


def damaged(file: Path, why: str) -> SurefootError:
    """What is said of an archive that is not as it was made."""
    return SurefootError(f"{file} is no archive of Surefoot, or damaged: {why}", "take another copy of it")


def _load_manifest(file: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    if archive.getinfo(_MANIFEST).file_size > _MAX_MANIFEST_BYTES:
        raise damaged(file, "its list is too long")
    manifest: dict[str, Any] = json.loads(archive.read(_MANIFEST))
    return manifest


def _read_manifest(file: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    manifest = _load_manifest(file, archive)
    if manifest["format"] != FORMAT:
        if str(manifest["format"]).startswith(_KIND):
            raise SurefootError(f"{file} was made by a newer Surefoot", "update Surefoot")
        raise damaged(file, "it is of another kind")
    return manifest


def _check_list(
    file: Path,
    archive: zipfile.ZipFile,
    files: Mapping[str, tuple[int, str]],
    allowed: tuple[re.Pattern[str], ...],
) -> None:
    members = archive.infolist()
    if sorted(member.filename for member in members) != sorted([*files, _MANIFEST]):
        raise damaged(file, "it does not hold what its list says")
    for member in members:
        size = member.file_size
        if member.filename == _MANIFEST:
            continue
        if not any(pattern.fullmatch(member.filename) for pattern in allowed):
            raise damaged(file, f"{member.filename!r} has no place in it")
        if size != files[member.filename][0]:
            raise damaged(file, f"{member.filename} is not as long as the list says")
        if size > _RATIO_FROM_BYTES and size > _MAX_RATIO * member.compress_size:
            raise damaged(file, f"{member.filename} would unpack to over {_MAX_RATIO} times its size")


def _check_room(file: Path, target: Path, size_bytes: int) -> None:
    free = shutil.disk_usage(target).free
    if size_bytes > free:
        raise SurefootError(
            f"{file} needs {size_bytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free",
            "make room on the disk",
        )
