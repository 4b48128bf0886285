"""Sample seasons with a planted truth: runs as a watch would store them, a balance log, and what is true.

`python -m sample_data --out DIR` writes DIR/<runner>/runs, balance-log.csv and truth/ for two invented
runners: the one whom balance work steadies and the one whom it does not. `sample_data/season` is a small
season of the first one, made by `python -m sample_data --out sample_data/season --runner steadied --weeks 3`.
"""

from sample_data.plan import SEASON_WEEKS
from sample_data.runner import RUNNERS, STEADIED, UNAFFECTED, Runner
from sample_data.write_season import OccupiedError, write_season

__all__ = ["RUNNERS", "SEASON_WEEKS", "STEADIED", "UNAFFECTED", "OccupiedError", "Runner", "write_season"]
