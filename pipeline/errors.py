"""What a person is told when something cannot be done: one line, what is wrong, what would do."""


class SurefootError(Exception):
    """An error for people. `str()` is one line; `advice` says what would do (may be empty)."""

    def __init__(self, reason: str, advice: str = "") -> None:
        self.reason = " ".join(reason.split())
        self.advice = " ".join(advice.split())
        super().__init__(f"{self.reason}: {self.advice}" if self.advice else self.reason)

    def __reduce__(self) -> tuple[type["SurefootError"], tuple[str, str]]:
        """Keep both parts on the way from a worker process."""
        return type(self), (self.reason, self.advice)


class Rejected(SurefootError):
    """A file that should be a run but cannot be used (empty, damaged at its start, without times)."""


class NotARun(SurefootError):
    """A sound file that is something else: another sport, a workout, settings, monitoring."""


class Busy(SurefootError):
    """Another process is writing to the workspace: later it can be done."""
