"""`python -m sample_data --out DIR`: write the seasons of the sample runners."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from sample_data import RUNNERS, SEASON_WEEKS, OccupiedError, write_season


def main() -> int:
    """Write the asked-for seasons; 0 when they are there, 2 when they cannot be written."""
    parser = argparse.ArgumentParser(prog="python -m sample_data", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the seasons go")
    parser.add_argument("--runner", choices=[*RUNNERS, "all"], default="all", help="whose season")
    parser.add_argument("--weeks", type=_weeks, default=SEASON_WEEKS, help="weeks (default %(default)s)")
    parser.add_argument("--seed", type=int, help="another seed than the runner's own")
    args = parser.parse_args()
    for runner in RUNNERS.values() if args.runner == "all" else [RUNNERS[args.runner]]:
        chosen = runner if args.seed is None else replace(runner, seed=args.seed)
        try:
            folder = write_season(args.out, chosen, args.weeks)
        except (OccupiedError, OSError) as error:
            print(f"sample_data: {error}", file=sys.stderr)
            return 2
        print(f"{folder}: {len(list((folder / 'runs').iterdir()))} runs in {args.weeks} weeks")
    return 0


def _weeks(text: str) -> int:
    weeks = int(text)
    if weeks < 1:
        raise argparse.ArgumentTypeError("a season has at least 1 week")
    return weeks


if __name__ == "__main__":
    sys.exit(main())
