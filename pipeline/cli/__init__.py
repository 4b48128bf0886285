"""The `surefoot` command: the only place that prints, and that reads paths a person typed.

`recordings` takes files in, `marking` has the runner's word on the ground, `log` and `plan` the balance
work, `settings` what may be set, `groups` who is looked at together, `answers` shows what is known,
`keeping` keeps it safe, `accounts` says who may look; `words`, `log_words` and `roster_words` turn tables
into lines.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from pipeline.cli.accounts import account
from pipeline.cli.answers import dashboard, effect, export, report, status
from pipeline.cli.groups import group
from pipeline.cli.keeping import archive, backup, forget, restore, unarchive
from pipeline.cli.log import adherence, log
from pipeline.cli.marking import mark
from pipeline.cli.plan import plan
from pipeline.cli.recordings import analyse, cadence, watch
from pipeline.cli.settings import settings, zone
from pipeline.errors import SurefootError

COMMAND_ERROR = 2
INTERRUPTED = 130


class Surefoot(click.Group):
    """Whatever goes wrong is said in one line on stderr."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command and leave: 0 done, 1 under --strict, 2 for a wrong call, 130 when stopped."""
        kwargs["standalone_mode"] = False
        try:
            sys.exit(super().main(*args, **kwargs) or 0)
        except click.UsageError as error:
            where = error.ctx.command_path if error.ctx else "surefoot"
            _fail(f"{error.format_message().rstrip('.')}: see `{where} --help`", COMMAND_ERROR)
        except SurefootError as error:
            _fail(str(error), COMMAND_ERROR)
        except click.Abort as abort:
            if isinstance(abort.__cause__, KeyboardInterrupt):
                _fail("stopped: what was finished is kept, and the same call goes on from there", INTERRUPTED)
            _fail("not confirmed, so nothing was done", COMMAND_ERROR)


def _fail(message: str, code: int) -> None:
    print(f"surefoot: {message}", file=sys.stderr)
    sys.exit(code)


@click.group(cls=Surefoot, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="surefoot", prog_name="surefoot")
def main() -> None:
    """Does balance work steady your cadence on rough ground? An honest answer from your own watch files."""


for command in (
    *(analyse, watch, cadence, mark, log, adherence, plan, settings, zone, group),
    *(effect, status, report, export, dashboard),
    *(backup, restore, archive, unarchive, forget, account),
):
    main.add_command(command)
