"""A watched folder: which of its files have come to rest and are not taken in yet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pipeline.batch import Found
from pipeline.errors import SurefootError

POLL_S = 2.0
# Size, times of the last change of content and of rights: a file that may be read at last counts as changed.
State = tuple[int, int, int]


class WatchedFolder:
    """Asked again and again, tells the files below `folder` that did not change since it was asked before.

    Hidden files and those of `workspace` are left out, as `batch.find_files` does.
    """

    def __init__(self, folder: Path, workspace: Path) -> None:
        self._folder = folder
        self._workspace = workspace.resolve()
        self._before: dict[Path, State] = {}
        self._taken: dict[Path, State] = {}

    def resting(self) -> list[Found]:
        """The files at rest that are not taken, sorted by name.

        Raises SurefootError where the folder cannot be listed, as when its disk is taken away.
        """
        now = dict(self._states())
        resting = [path for path, state in now.items() if state == self._before.get(path)]
        self._before = now
        new = [path for path in resting if self._taken.get(path) != now[path]]
        return [Found(path, path.relative_to(self._folder).as_posix()) for path in sorted(new)]

    def take(self, files: Iterable[Found]) -> None:
        """Do not tell these files again until they change."""
        paths = (Path(str(file.path)) for file in files)
        self._taken |= {path: self._before[path] for path in paths}

    def _states(self) -> Iterator[tuple[Path, State]]:
        for folder, subfolders, names in os.walk(self._folder, onerror=self._refuse):
            subfolders[:] = [name for name in subfolders if self._is_watched(Path(folder, name))]
            for name in names:
                # A file may vanish between the listing and the look at it.
                with suppress(OSError):
                    stat = Path(folder, name).stat()
                    if not name.startswith("."):
                        yield Path(folder, name), (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)

    def _is_watched(self, folder: Path) -> bool:
        return not folder.name.startswith(".") and folder.resolve() != self._workspace

    def _refuse(self, error: OSError) -> None:
        """A folder below that cannot be listed is empty; without the watched one there is nothing to do."""
        if error.filename == os.fspath(self._folder):
            raise SurefootError(
                f"the folder {self._folder} cannot be read ({error.strerror})",
                "name another, or wait until it is back",
            )
