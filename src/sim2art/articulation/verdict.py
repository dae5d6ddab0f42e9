"""What a simulator said about an exported object: checks with their outcome, in words for a person."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, kw_only=True)
class SimulationCheck:
    """One check."""

    name: str
    """compile, rest, settle, up, drop, reach or drawer."""
    outcome: Outcome
    words: str
    """What was found."""
    joint: str | None = None
    """The joint that was checked; None where it was the whole object."""


@dataclass(frozen=True, kw_only=True)
class SimulationVerdict:
    """All checks of one export."""

    engine: str
    """Name and version of the simulator; empty where there was none."""
    checks: tuple[SimulationCheck, ...]

    @property
    def outcome(self) -> Outcome:
        """Failed when any check failed, passed when the others passed, not checked when none was made."""
        outcomes = {check.outcome for check in self.checks}
        return next((x for x in (Outcome.FAILED, Outcome.PASSED) if x in outcomes), Outcome.NOT_CHECKED)
