"""A process that fills a workspace run by run, and says which runs are committed. For killing."""

import sys
from pathlib import Path

from workspace_builders import file_result, no_run, run_result

from pipeline.workspace import Workspace


def main(path: Path, first: int, last: int) -> None:
    """Commit the runs from `first` up to `last`, one after the other; print each when it is committed."""
    with Workspace(path) as workspace:
        for number in range(first, last):
            run = run_result(number, seconds=60)
            with workspace.writer_lock():
                pack = workspace.save_pack("ada", [run])
                workspace.keep_original(run.run["content_sha256"], f"content {number}".encode())
                workspace.commit("ada", pack, [file_result(run), no_run(100_000 + number, "skipped")])
            print(number, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
