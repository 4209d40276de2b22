"""A worst case that is asked for: a body on a class of problems and compressors, its LMI and its closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

from compth._numbers import Number
from compth._own import stranger
from compth.errors import Unsupported
from compth.methods.core.known import Known
from compth.methods.core.observed import of_x
from compth.methods.core.outside import while_it_reads_the_same
from compth.methods.core.program import Program
from compth.worst_case.exponents import exponents
from compth.worst_case.inequalities import LATER
from compth.worst_case.model import Model
from compth.worst_case.rational import spelled
from compth.worst_case.settled import settled
from compth.worst_case.told import Kind, Told, over_all_d
from compth.worst_case.traced import Class, derived_model
from compth.worst_case.windowed import windowed_model

CONSTANTS = ("mu", "L", "delta", "omega", "eta", "delta_down", "omega_down")
CLAIMED = CONSTANTS[2:]


@dataclass(frozen=True)
class Question:
    """A body on a class of problems and compressors, in exact numbers where they were given so.

    kind: the body's class, or what a file's process tells of it. mu, L: of every f_i. delta: of contractive
    compressors, omega, eta: variance and bias of the others, None where they are not claimed. n: workers. method:
    what it is called. delta_down, omega_down: of a compressed broadcast, None without one. bounded: also where the
    LMI is a bound alone (`derived_model`).
    """

    kind: Kind
    mu: Number
    L: Number
    delta: Number | None
    omega: Number | None
    eta: Number | None
    n: int
    method: str = ""
    delta_down: Number | None = None
    omega_down: Number | None = None
    bounded: bool = False

    @property
    def downlink(self) -> bool:
        """True where the broadcast is compressed."""
        return self.delta_down is not None or self.omega_down is not None

    @property
    def exact(self) -> bool:
        """True where every compressor of the class sends all it is given."""
        return not self.downlink and bool(self.delta == 1 or (self.omega == 0 and not self.eta))

    @property
    def known(self) -> Known | None:
        """The closed form of this question, None where there is none."""
        if self.downlink:
            return None
        return next((k for k in known_of(self.kind) if k.speaks_of(self) and not self.eta), None)

    def rational(self) -> Question:
        """Every number a Fraction: a float is read as the decimal it is printed as."""
        given: dict[str, Number] = {k: spelled(v) for k in CONSTANTS if (v := getattr(self, k)) is not None}
        return replace(self, **given)

    def model(
        self,
        gamma: Number,
        params: Mapping[str, Number],
        full: bool = True,
        settle: bool = True,
        whole: bool = False,
        window: int | None = None,
    ) -> Model:
        """The body on this class at a step size, in Fractions; full as in `derived_model`.

        settle: where every message arrives as it was, what is then held in vain is left out (`settled`).
        whole: with vectors of the state that x never depends on, which a given V may name.
        window: V also sees what so many past rounds made (`windowed_model`).
        """
        # Every number a Fraction before anything is derived: equal questions then have equal keys, and what
        # the LMI is made of is what the user wrote (0.1 is 1/10), not its nearest float.
        values = {k: spelled(v) for k, v in params.items()}
        values |= {"gamma": spelled(gamma)} if self.kind.signature.takes_gamma else {}
        settle = settle and self.exact
        return _model(self.rational(), tuple(sorted(values.items())), full, settle, whole, window)


def _body(q: Question) -> object:
    """The function that a question is about; None where it lives in another process."""
    return getattr(q.kind, "body", None)


@while_it_reads_the_same(128, _body)
def _model(
    q: Question,
    values: tuple[tuple[str, Fraction], ...],
    full: bool,
    settle: bool,
    whole: bool,
    window: int | None = None,
) -> Model:
    cls = class_of(q)
    # The class as the report names it; constants that the claim does not mention are left out.
    shown: dict[str, Number] = {"mu": cls.mu, "L": cls.L}
    shown |= {k: getattr(q, k) for k in CLAIMED if getattr(q, k) is not None}
    # As far as x sees it, unless a user's V may name the rest: vectors that x never depends on make the LMI
    # larger and no rate smaller.
    traced = program_of(q, values, whole)
    program = settled(traced) if settle else traced
    named = {**shown, **dict(values), "n": q.n}
    if window is None:
        model = derived_model(program, cls, named, _units(q.kind), full, q.bounded)
    else:
        model = windowed_model(program, cls, named, _units(q.kind), window)
    # What was settled holds from the second round on, and what another process traced is its word: both are
    # said.
    later = (LATER,) if program.names != traced.names else ()
    told = (
        (f"the step is that of {q.method} as its own process traced it",) if isinstance(q.kind, Told) else ()
    )
    assumptions = (*model.assumptions, *later, *told)
    params = tuple(k for k, _ in values)
    return replace(model, method=q.method, names=names_in_v(q.kind), params=params, assumptions=assumptions)


def class_of(q: Question) -> Class:
    """The class of a question in exact numbers."""
    # delta is a squared bias of 1 - delta without a variance; omega is a variance without a bias; eta, omega
    # is both.
    eta2 = 1 - q.delta if q.delta is not None else (q.eta or Fraction(0)) ** 2
    down = Fraction(0) if q.delta_down is None else 1 - q.delta_down
    return Class(
        q.mu,
        q.L,
        eta2,
        omega=q.omega or Fraction(0),
        n=q.n,
        eta2_down=down,
        omega_down=q.omega_down or Fraction(0),
    )


def program_of(q: Question, values: tuple[tuple[str, Fraction], ...], whole: bool = False) -> Program:
    """The body's program at these parameters, gamma included: as far as x sees it, or the whole of it.

    Raises Unsupported for a body that asks for d, Underivable, with the line, for one that is no program.
    """
    if isinstance(q.kind, Told):
        require_no_downlink(q)
        traced = q.kind.program(values, q.n)
    else:
        traced = over_all_d(q.kind, values, q.n, q.downlink)
    return traced if whole else of_x(traced).program


def require_no_downlink(q: Question) -> None:
    """Unsupported where a broadcast is compressed: a file's process traces its body without."""
    if q.downlink:
        raise Unsupported(f"{q.method}: a compressed broadcast of a file's body: no worst case is derived")


def names_in_v(kind: Kind) -> Mapping[str, str]:
    """What a user's V calls the vectors of this very body, where not as the body does."""
    # A subclass with another body inherits names and closed forms that were never about it: they count only
    # for the class in which they stand, with that class's own body.
    own = isinstance(kind, Told) or getattr(_declaring(kind, "lyapunov_names"), "body", None) is kind.body
    names: Mapping[str, str] = kind.lyapunov_names if own else {}
    return names


def known_of(kind: Kind) -> tuple[Known, ...]:
    """The closed forms of the package that speak of this very body: a subclass with another body has none."""
    if isinstance(kind, Told):
        return ()
    owner = _declaring(kind, "known")
    return kind.known if kind.body is getattr(owner, "body", None) and not stranger(owner) else ()


def _declaring(kind: type, name: str) -> object:
    """The class in which an attribute of a body's class stands."""
    return next(cls for cls in kind.__mro__ if name in cls.__dict__)


@cache
def _units(kind: Kind) -> Mapping[str, int] | None:
    """Exponents of L of the body's vectors and parameters; with three workers, which is any number to a body."""
    return kind.units if isinstance(kind, Told) else exponents(kind, 3)
