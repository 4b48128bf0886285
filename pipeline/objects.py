"""Files in object storage, by their URL: what fsspec reads (`s3://bucket/folder`, and others)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader, BytesIO
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pipeline.errors import SurefootError


@dataclass(frozen=True, slots=True)
class ObjectPath:
    """A file in object storage as it was listed, with what `intake` asks of a `Path`."""

    url: str
    size_bytes: int
    mtime_ns: int

    @property
    def name(self) -> str:
        """The last part of its key."""
        return self.url.rpartition("/")[2]

    def stat(self) -> SimpleNamespace:
        """Size and time stamp, without asking again."""
        return SimpleNamespace(st_size=self.size_bytes, st_mtime_ns=self.mtime_ns)

    def resolve(self) -> ObjectPath:
        """Itself: a URL has one spelling."""
        return self

    def open(self, mode: str) -> BufferedReader:
        """The file to read, piece by piece. Raises OSError where it cannot be had."""
        system, key = _filesystem(self.url)
        with _as_os_error():
            return cast(BufferedReader, system.open(key, mode))

    def read_bytes(self) -> bytes:
        """The whole file, in one request. Raises OSError where it cannot be had."""
        system, key = _filesystem(self.url)
        with _as_os_error():
            return bytes(system.cat_file(key))

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class ObjectPlace:
    """A place in object storage, with what the workspace asks of a `Path`; something may be there or not.

    An object is there whole or not at all, as put. All raise SurefootError where the storage cannot be had,
    FileNotFoundError where something is read that is not there.
    """

    url: str

    def __truediv__(self, name: str) -> ObjectPlace:
        return ObjectPlace(f"{self.url}/{name}")

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """The last part of its key."""
        return self.url.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The name's ending, with its dot."""
        return PurePosixPath(self.name).suffix

    def is_file(self) -> bool:
        """Whether an object is there."""
        with self._reached() as (system, key):
            return bool(system.exists(key))

    def read_bytes(self) -> bytes:
        """The object, in one request."""
        with self._reached(or_missing=True) as (system, key):
            return bytes(system.cat_file(key))

    def open(self, _mode: str) -> BytesIO:
        """The object to read, all of it in memory."""
        return BytesIO(self.read_bytes())

    def write_bytes(self, content: bytes) -> None:
        """Put the object in the place of what is there."""
        with self._reached() as (system, key):
            system.pipe_file(key, content)

    def unlink(self, missing_ok: bool) -> None:
        """Remove the object."""
        try:
            with self._reached(or_missing=True) as (system, key):
                system.rm_file(key)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def walk(self) -> list[ObjectPlace]:
        """Every object below, sorted, by one listing of a thousand a request."""
        with self._reached() as (system, key):
            return [self / path.removeprefix(key.rstrip("/") + "/") for path in system.find(key)]

    def keeps_versions(self) -> bool:
        """Whether the storage is known to keep what is removed or written over."""
        with self._reached() as (system, key):
            is_versioned = getattr(system, "is_bucket_versioned", None)
            return is_versioned is not None and bool(is_versioned(key.partition("/")[0]))

    @contextmanager
    def _reached(self, *, or_missing: bool = False) -> Iterator[tuple[Any, str]]:
        try:
            yield _filesystem(self.url)
        except SurefootError:
            raise
        except Exception as error:  # what the storage's own client raises
            if or_missing and isinstance(error, FileNotFoundError):
                raise
            raise SurefootError(
                f"{self.url} cannot be reached ({str(error) or type(error).__name__})",
                "see that the object storage runs and lets you in, then try again",
            ) from None


def is_url(place: str) -> bool:
    """Whether a place is a URL rather than a path."""
    return "://" in place


def local_path(url: str) -> Path | None:
    """The path that a `file://` URL names; None for any other."""
    parts = urlsplit(url)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def find_objects(url: str) -> list[tuple[ObjectPath, str]]:
    """Every file at or below a URL, with its name below it, sorted; one listing, without hidden files.

    Raises SurefootError where nothing is there, it cannot be listed, or what lists it is not installed.
    """
    system, key = _filesystem(url)
    try:
        found: dict[str, dict[str, Any]] = system.find(key, detail=True)
    except Exception as error:  # what the storage's own client raises
        reason = str(error) or type(error).__name__
        raise SurefootError(f"{url} cannot be listed ({reason})", "check its name and your rights") from None
    root = key.rstrip("/")
    objects = []
    for path, facts in sorted(found.items()):
        name = path.removeprefix(root).strip("/") or path.rpartition("/")[2]
        if facts.get("type") != "directory" and not any(part.startswith(".") for part in name.split("/")):
            place = ObjectPath(system.unstrip_protocol(path), facts["size"], _stamp(facts))
            objects.append((place, name))
    if not objects:
        raise SurefootError(f"there is no file at {url}", "check the spelling")
    return objects


@contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # what the storage's own client raises
        raise OSError(0, str(error)) from None


def _filesystem(url: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs  # of the extra `cluster`

        # Others write there too: no listing is remembered. S3's would ask for the size before it reads, to
        # fetch parts side by side.
        options = {"max_concurrency": 1} if url.startswith("s3:") else {}
        system, key = url_to_fs(url, use_listings_cache=False, **options)
    except (ImportError, ValueError) as error:
        kind = url.partition("://")[0]
        raise SurefootError(
            f"{url} cannot be read ({error})",
            f"what reads {kind}:// comes with `pip install 'surefoot[cluster]'`, or as fsspec says",
        ) from None
    return system, str(key)


def _stamp(facts: Mapping[str, Any]) -> int:
    """What tells one version of an object from the next: its time, or else its tag, as a number."""
    changed = facts.get("LastModified") or facts.get("mtime") or facts.get("last_modified")
    if isinstance(changed, datetime):
        return int(changed.timestamp() * 1e9)
    if isinstance(changed, (int, float)):
        return int(changed * 1e9)
    tag = str(facts.get("ETag") or facts.get("etag") or "")
    return int.from_bytes(hashlib.sha256(tag.encode()).digest()[:7])
