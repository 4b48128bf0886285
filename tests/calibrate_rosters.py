"""How often staggered starts of a roster are called a finding: `python -m tests.calibrate_rosters`.

Rosters with the noise of one simulated runner each: a drift of 20 days, a step in spring that all share, and
starts dealt out by lot. Printed is how often the lot's own test has p under 0.05.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from pipeline.effect import examine_staggered
from tests.effect.test_staggered import a_roster

ATHLETES = (4, 5, 10)
BETAS = (0.0, -0.3)


def find(athletes: int, beta: float, seed: int) -> bool:
    """Whether the starts' own test of this roster finds something."""
    test = examine_staggered(*a_roster(athletes, seed, beta, drift_sd=0.07))
    return test is not None and test.p is not None and test.p < 0.05


def main() -> None:
    """Read the option and print a line as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m tests.calibrate_rosters", description=__doc__)
    parser.add_argument("--rosters", type=int, default=300, help="rosters a row (default 300)")
    rosters = parser.parse_args().rosters
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ[name] = "1"
    began = time.monotonic()
    print("athletes  log change per 45 min  p < 0.05", flush=True)
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("forkserver")) as pool:
        for athletes in ATHLETES:
            for beta in BETAS:
                found = sum(pool.map(partial(find, athletes, beta), range(rosters), chunksize=5))
                print(f"{athletes:>8}{beta:>23.2f}{found / rosters:>10.3f}", flush=True)
    print(f"{rosters} rosters a row, seeds 0 to {rosters - 1}, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
