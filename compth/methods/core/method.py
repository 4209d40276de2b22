"""Methods as pure steps on batched frozen state.

A method knows its compressors and parameters, what its theorems require, how a state begins and how it steps. Most are
written as one body (`core.body`); what is here is the contract that the driver, the exact dynamics and the reports
rely on. Parameters are fields of frozen dataclasses; a check raises when the object is made, `check(problem)` when it
meets a problem, and no step raises for what these could have seen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from compth._door import answers
from compth._numbers import Number, plain_parameters, plainly
from compth._types import Array
from compth.bits import FLOAT_BITS
from compth.claims import Claim, Contractive, Unbiased
from compth.compressors import Compressor, CompressorLike, Fleet, as_fleet
from compth.compressors.identity import Identity
from compth.errors import InvalidParameter, NoGuarantee, Unsupported
from compth.methods.core.constants import Constants
from compth.methods.core.state import Bits, State
from compth.methods.core.theorem import Plan, Theorem
from compth.problems.interface import Problem
from compth.problems.oracle import Corrected, Drawn, Oracle, noise_of
from compth.sources import COMPTH, Source


@dataclass(frozen=True)
class Method(ABC):
    """An algorithm: `init` makes the state, `step` advances all replicates; gamma=None means the theorem's step.

    oracle: what every worker computes instead of grad f_i, e.g. Minibatch(2) on a FiniteSum; None: the gradient itself.
    """

    compressor: CompressorLike = field(default_factory=Identity)
    gamma: Number | None = None
    oracle: Oracle | None = field(default=None, kw_only=True)

    requires: ClassVar[tuple[type[Claim], ...]] = ()
    takes_oracle: ClassVar[bool] = False
    corrected: ClassVar[bool] = False
    takes_compressor: ClassVar[bool] = True
    name: ClassVar[str] = ""
    source: ClassVar[Source] = COMPTH
    own_theorems: ClassVar[tuple[Theorem, ...]] = ()

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        # numbers of numpy and sympy become Python's before any check of a subclass sees them: exact
        # parameters stay exact
        plainly(cls)

    def __post_init__(self) -> None:
        plain_parameters(self)
        if self.gamma is not None and not _is_step(self.gamma):
            raise InvalidParameter(f"{type(self).__name__}(gamma={self.gamma!r}) needs a step size gamma > 0")
        # raises here what could not run, in one line, instead of in the first round
        as_fleet(self.compressor)
        answers("oracle", self.oracle)
        if self.oracle is not None and not (self.takes_oracle and isinstance(self.oracle, Oracle)):
            need = (
                "an Oracle, e.g. Minibatch(1)" if self.takes_oracle else "exact gradients: leave oracle out"
            )
            raise InvalidParameter(f"{type(self).__name__}(oracle={self.oracle!r}) needs {need}")

    @property
    def fleet(self) -> Fleet:
        """What the workers send together."""
        return as_fleet(self.compressor)

    @property
    def label(self) -> str:
        """Name and compressor, for tables and legends."""
        return f"{type(self).__name__} {self.fleet.label}{self.oracle_label}"

    @property
    def oracle_label(self) -> str:
        """ "" or " ~ Minibatch()"."""
        return "" if self.oracle is None else f" ~ {self.oracle!r}"

    @classmethod
    def theorems(cls) -> tuple[Theorem, ...]:
        """Its theorems."""
        return cls.own_theorems

    def check(self, problem: Problem) -> Constants:
        """Constants on this problem; Unsupported, naming what is missing and the remedy, when it cannot run."""
        # the constants of problem and fleet are asked lazily; what the user fixed goes with them, as
        # theorems plan around it
        c = Constants.of(problem, self.fleet).but(params=self.given())
        for kind in self.requires:
            if c.claim(kind) is None:
                raise Unsupported(_mismatch(type(self).__name__, kind, self.fleet, c))
        return self._noisy(c, problem, self.estimator)

    def _noisy(self, c: Constants, problem: Problem, oracle: Oracle | None) -> Constants:
        # an oracle that returns the gradient itself is no noise, and theorems of exact gradients apply
        if oracle is None or oracle.exact:
            return c
        noise = noise_of(problem, oracle)
        names = ("LL", "LL_workers", "sigma2_star", "sigma2_mean")
        facts = {**c.facts, **{name: getattr(noise, name) for name in names}}
        return c.but(stochastic=True, sigma2=noise.sigma2, facts=facts)

    @property
    def estimator(self) -> Oracle | None:
        """The oracle as `step` uses it: `corrected` by the gradients at x* where the method says so."""
        found = self.oracle
        return Corrected(found) if self.corrected and found is not None else found

    def view(self, problem: Problem, rng: np.random.Generator) -> Problem:
        """The problem as `step` sees it: through the oracle, drawn from rng, when there is one."""
        return problem if self.estimator is None else Drawn(problem, self.estimator, rng)

    def seen(self, problem: Problem) -> Problem:
        """The problem as `step` takes it: the same, unless the method splits f otherwise among its workers."""
        return problem

    def given(self) -> Mapping[str, Number]:
        """Parameters besides gamma that the user fixed."""
        return {}

    def unplanned(self, c: Constants, reason: str) -> Plan:
        """The plan of a run that no theorem plans; NoGuarantee, with the reason, without a step."""
        if self.gamma is None:
            raise NoGuarantee(f"{reason}; give a step size: gamma=...")
        return Plan(self.gamma, self.default_params(c))

    def default_params(self, c: Constants) -> Mapping[str, Number]:
        """Parameters besides gamma used when no theorem plans them."""
        return {}

    @abstractmethod
    def init(self, problem: Problem, x0: Array, plan: Plan) -> State:
        """State at t = 0 for x0 of shape (R, d)."""

    @abstractmethod
    def step(self, problem: Problem, state: State, rng: np.random.Generator, plan: Plan, t: int) -> State:
        """State at t + 1."""

    def uplink_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Bits:
        """Bits per worker of messages (R, n, d): a float when lengths are fixed, else (R,)."""
        n, d = y.shape[-2:]
        # lengths that vary are counted on the messages themselves; fixed ones need no look at them
        if self.fleet.random_length(n, d):
            return np.asarray(self.fleet.message_bits(y, float_bits).mean(axis=-1))
        return float(sum(c.total for c in self.fleet.bits(n, d, float_bits)) / n)

    def downlink_bits(self, problem: Problem, float_bits: int = FLOAT_BITS) -> float:
        """Bits broadcast to each worker in a round (expected ones): the full vector unless a method compresses it."""
        return float(problem.d * float_bits)

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        """Instances for tests, CLI and docs."""
        return (cls(compressor) if compressor is not None else cls(),)


def _is_step(gamma: Number) -> bool:
    """True for one number > 0; False for whatever cannot be compared with numbers (SGD(RandK(k=1)))."""
    try:
        return np.ndim(gamma) == 0 and bool(0 < gamma < float("inf"))
    except TypeError:
        return False


def _mismatch(method: str, kind: type[Claim], fleet: Fleet, c: Constants) -> str:
    """What is missing and the remedy, in one line."""
    # the member that breaks the requirement, not the whole fleet: the remedy is for it
    members = [m for m in fleet.members if m.claim(kind, c.d) is None] or list(fleet.members)
    member: Compressor = members[0]
    has = ", ".join(str(v) for v in member.claims(c.d)) or "no claim"
    remedy = {
        Contractive: f"use Scaled({member!r})",
        Unbiased: f"use Induced({member!r}, RandK(k=1))"
        if member.claim(Contractive, c.d)
        else "use an unbiased one",
    }.get(kind, "use another compressor")
    return f"{method} needs {kind.__name__}; {member!r} gives {has}: {remedy}"


def mean_square(a: Array) -> Array:
    """mean over workers of the squared norm: (R, n, d) -> (R,)."""
    # sum over workers and coordinates at once: one pass in memory order
    flat = a.reshape(len(a), -1)
    return np.asarray(np.vecdot(flat, flat) / a.shape[1])
