"""What tables, pages and figures ask of a result: studies show their results by this room, never the reverse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from compth._types import Array, Json
    from compth.dynamics import Trajectory
    from compth.methods import Guarantee, Method
    from compth.problems.interface import Problem
    from compth.simulation import Trace
    from compth.studies.budget_members import Member
    from compth.studies.budget_promises import Answer, Promise
    from compth.studies.comparison_row import Row


class Compared(Protocol):
    """A comparison: its rows with the runs, exact curves and guarantees behind them, in one order."""

    @property
    def problem(self) -> Problem: ...
    @property
    def methods(self) -> tuple[Method, ...]: ...
    @property
    def rows(self) -> tuple[Row, ...]: ...
    @property
    def traces(self) -> tuple[Trace, ...]: ...
    @property
    def guarantees(self) -> tuple[Guarantee | None, ...]: ...
    @property
    def exact(self) -> tuple[Trajectory | None, ...]: ...
    @property
    def eps(self) -> float: ...
    @property
    def steps(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def info(self) -> Json: ...

    def guarantee_curve(self, i: int) -> Array | None:
        """The bound on E||x_t - x*||^2 of row i at every round, relative to the start."""

    def answers(self) -> list[str]:
        """Who needs the fewest rounds and bits."""

    def caption(self) -> str:
        """The problem and the runs."""

    def columns(self) -> tuple[list[str], list[list[str]]]:
        """Header and cells of the main table."""

    def legend(self) -> str:
        """What the columns mean."""

    def remarks(self) -> list[str]:
        """Lines below the table."""


class Budgeted(Protocol):
    """How far one may compress: what each kind of evidence promises of each member, and its answer."""

    @property
    def method(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def setting(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def eps(self) -> float: ...
    @property
    def answers(self) -> Mapping[str, Answer]: ...
    @property
    def promises(self) -> Mapping[str, Sequence[Promise]]: ...
    @property
    def members(self) -> tuple[Member, ...]: ...
    @property
    def of_class(self) -> bool: ...
    @property
    def notes(self) -> tuple[str, ...]: ...

    def doubts(self) -> list[str]:
        """A line where the answers are not those that `budget` gave."""


__all__ = ["Budgeted", "Compared"]
