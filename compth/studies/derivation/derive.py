"""`derive`: from a method's body to its theorem, as far as exact means reach."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, replace
from fractions import Fraction

import numpy as np
import sympy

from compth._door import a_name_or_method, arithmetic, at_the_door, finite, optional, whole
from compth._earned import made
from compth._numbers import Number
from compth._types import Json
from compth.certificates import Report
from compth.errors import CompthError, Unsupported, require
from compth.methods.core.body import NOTHING
from compth.methods.core.listing import listing
from compth.studies.derivation.brackets import WINDOW, Bracket, agrees, bracket
from compth.studies.derivation.cell import Cell
from compth.studies.derivation.elimination import RHO, Active, ClosedForm, R, eliminated
from compth.studies.derivation.numerical import actives, minimised, rate_of, rounded, searched, spectra
from compth.studies.derivation.proofs import SymbolicProof, proved
from compth.studies.derivation.published import promised
from compth.studies.derivation.result import Derivation
from compth.studies.derivation.rounds import MU, NORM, OMEGA, SMOOTH, WORKERS, Round, symbolic_round
from compth.worst_case.bodies import asked_for, body_asked
from compth.worst_case.question import Question
from compth.worst_case.rational import least_certified, spelled
from compth.worst_case.referee import check_rate
from compth.worst_case.search import best_parameters
from compth.worst_case.told import Kind, Told

MOST_CELLS = 64
"""Choices of constants in one call."""
GOOD = 1e-3
"""Relative width of a bracket at which parameters are kept as the extremal quadratics have them."""
LOOK_AHEAD = 2
"""Past rounds that V sees while parameters are searched."""


def _several(value: object) -> str:
    """A finite real number, or a list of them."""
    return "" if not any(map(finite, _listed(value))) else "a finite number or a list of them"


def _names(value: object) -> str:
    """A list of parameters' names."""
    good = isinstance(value, list | tuple) and all(isinstance(k, str) for k in value)
    return "" if good else 'a list of parameters such as ["eta"]'


@at_the_door(
    method=a_name_or_method, mu=_several, L=_several, delta=optional(_several), omega=optional(_several),
    n=whole(1), gamma=optional(finite), search=_names, window=whole(0, 6), conjecture=optional(arithmetic),
)  # fmt: skip
def derive(
    method: object,
    *,
    mu: Number | Sequence[Number],
    L: Number | Sequence[Number] = 1,
    delta: Number | Sequence[Number] | None = None,
    omega: Number | Sequence[Number] | None = None,
    n: int = 1,
    gamma: Number | None = None,
    search: Sequence[str] = (),
    window: int = WINDOW,
    conjecture: Number | str | None = None,
    proof: bool = False,
    **parameters: Number,
) -> Derivation:
    """A method's theorem from its body: best parameters, worst instance, exact bracket of the rate, closed form.

    method: a name, a class, or an instance, written as a body (`ct.method`). mu, L, delta (contractive compressors) or
    omega (unbiased ones): a number or a list of them; all combinations are cells. n: workers. gamma=None: the best step
    is looked for, and with it the parameters named in `search` and those that a body leaves open; others are as given
    or as the body has them. window: how many past rounds V may see. conjecture: a rate, a number or text in the
    constants, which `check_rate` judges in the first cell at the step found. proof: also fit V and multipliers as
    formulas and check them for all 0 < mu < L and 0 < s < 1 with one worker (seconds to minutes; `.proof`, None where
    none was found).

    In every cell the worst one-step factor rho of squared distances lies between `lower`, attained by a quadratic and a
    compressor of the class exactly, and `certified`, a certificate in Fractions: both at the parameters shown, which
    are the best found, not proved to be the best. The closed form is a polynomial of which the best rate is a root,
    by exact elimination from the quadratics that are active in the first cell; it is "confirmed" where every cell's
    bracket is tight and holds that root, at these constants and no others.

    Raises InvalidParameter for constants or a step out of range, Unsupported, with the line, for a body that no LMI
    covers.
    """
    require(gamma is None or gamma > 0, f"gamma={gamma} must be a positive number")
    for name, value in parameters.items():
        require(value is None or not finite(value), f"{name}={value!r} must be a finite number")
    named = asked_for(method)
    grid = list(itertools.product(*map(_listed, (mu, L, delta, omega))))
    require(1 <= len(grid) <= MOST_CELLS, f"{len(grid)} choices of constants: give 1 to {MOST_CELLS}")
    extra = [k for k in search if k not in named.kind.signature.params]
    require(not extra, f"search={extra} are no parameters of {named.name}")
    cells, closed, reason, fitted = [], None, "", None
    for k, constants in enumerate(grid):
        # The closed form and the proof in symbols are asked of the first cell only; every
        # other cell confirms or refutes that root by a bracket of its own.
        found = _Cell(
            method, constants, n, gamma=gamma, search=tuple(search), given=parameters, window=window
        )
        if k == 0:
            closed, reason = found.closed()
            fitted = found.fitted(closed) if proof else None
        cells.append(replace(found.cell(), root=None if closed is None else _root(closed, found)))
    report = None if conjecture is None else _judged(method, cells[0], conjecture)
    lines, latex = _algorithm(named.kind, cells[0])
    beside = promised(named.kind, cells[0].constants)
    result = Derivation(
        named.name,
        lines,
        latex,
        cells=tuple(cells),
        closed=closed,
        reason=reason,
        report=report,
        proof=fitted,
        published=beside,
    )
    asked = {"mu": mu, "L": L, "delta": delta, "omega": omega, "n": n, "gamma": gamma, "search": search}
    return made(
        result,
        (
            derive,
            (method,),
            {**asked, "window": window, "conjecture": conjecture, "proof": proof, **parameters},
        ),
    )


def _listed(value: object) -> list[Number]:
    return list(value) if isinstance(value, list | tuple | range) else [value]


class _Cell:
    """One choice of constants, from the question to its bracket.

    Reading the question, searching parameters and making the bracket all happen at construction; `closed`, `fitted`
    and `cell` read what was found. `round` is None where nothing is to be had in symbols, and `why` says so.
    """

    def __init__(
        self,
        method: object,
        constants: tuple[Number, ...],
        n: int,
        gamma: Number | None,
        search: tuple[str, ...],
        given: Mapping[str, Number],
        window: int,
    ) -> None:
        # An open parameter needs some number for the question to be
        # read; 1/2 is replaced by what the search finds.
        mu, L, delta, omega = constants
        open_ = _open(method, given)
        named = {**dict.fromkeys(open_, Fraction(1, 2)), **given}
        q, params, own = body_asked(
            method, mu, L, delta=delta, omega=omega, eta=named.pop("eta", None), n=n, given=named
        )
        self.shown = {"mu": mu, "L": L, "delta": delta, "omega": omega, "n": n}
        self.q, self.window = q.rational(), window
        step = gamma if gamma is not None else own
        self.moving = tuple(k for k in params if k in open_ or (k in search and k not in given))
        self.fixed = {k: spelled(v) for k, v in params.items() if k not in self.moving}
        self.takes_gamma = q.kind.signature.takes_gamma
        self.gamma = None if step is None or not self.takes_gamma else spelled(step)
        self.chances = tuple(getattr(q.kind, "chances", ()))
        self.round: Round | None = None
        self.why = ""
        try:
            self.round = self._symbols()
        except CompthError as problem:
            self.why = str(problem)
        self._numbers()

    def _symbols(self) -> Round:
        if isinstance(self.q.kind, Told):
            raise Unsupported(f"{self.q.method}: it is known at numbers alone")
        if self.gamma is not None:
            raise Unsupported(f"gamma={self.gamma} is given: no best step is looked for")
        if not (self.takes_gamma or self.moving):
            raise Unsupported(f"{self.q.method}: it has neither a step nor an open parameter to look for")
        found = symbolic_round(self.q, self.fixed, self.moving)
        # Formulas come from a second trace of the body: before anything is said of them
        # they must be, at rational numbers, the matrix of the exact round, entry by entry.
        # Decimals in a body are the usual reason why they are not.
        if not agrees(found, self.q, self.fixed):
            rounded = any(found.matrix(at).has(sympy.Float) for at in found.instances)
            why = (
                "its decimals round, write Fraction(1, 2) for 0.5"
                if rounded
                else "its formulas are not its round"
            )
            raise Unsupported(f"{self.q.method}: {why}: no closed form is looked for")
        return found

    @property
    def constants(self) -> dict[sympy.Symbol, float]:
        """Numbers of the symbols."""
        q = self.q
        out = {MU: float(q.mu), SMOOTH: float(q.L)}
        out |= {NORM: float(1 - q.delta) ** 0.5} if q.delta is not None else {OMEGA: float(q.omega or 0)}
        return out | ({WORKERS: float(q.n)} if q.n > 1 else {})

    def _numbers(self) -> None:
        """The best parameters: of the extremal quadratics, and where no narrow bracket follows, of certificates."""
        self.values: dict[sympy.Symbol, float] = {}
        self.active: tuple[Active, ...] = ()
        if self.round is None:
            self._given()
            return
        # First guess: the parameters of least rate on fixed quadratics. Often certificates meet that rate,
        # and the quadratics that are equally slow there give the closed form.
        found, self.rate = minimised(self.round, self.constants, float(self.q.L), self.chances)
        self.values = dict(zip(self.round.unknowns, found, strict=True))
        self.spectra = spectra(self.round, self.constants)
        self.active = tuple(actives(self.round, self.constants, found))
        chosen = {str(k): rounded(v) for k, v in self.values.items()}
        self.made = bracket(self.q, {**self.fixed, **chosen}, self.window)
        # With momentum or memory the worst case over the class may lie above that
        # of every fixed quadratic: then the certified rate itself is minimised, and
        # no quadratics are active there, hence no elimination.
        if self.made.width > GOOD:
            chosen = searched(self._certified, {str(k): v for k, v in self.values.items()}, self.chances)
            better = bracket(self.q, {**self.fixed, **chosen}, self.window)
            if (better.certified or 2) < (self.made.certified or 2):
                self.made, self.active = better, ()
            else:
                chosen = {str(k): rounded(v) for k, v in self.values.items()}
        self._chose(chosen)

    def _given(self) -> None:
        """Without symbols: parameters as they are given, the others by the search of `tight_rate`'s referee."""
        chosen = {} if self.gamma is None else {"gamma": self.gamma}
        if self.moving or (self.gamma is None and self.takes_gamma):
            step, params, _ = best_parameters(self.q, self.fixed, self.gamma)
            chosen = {k: spelled(params[k]) for k in self.moving} | (
                {} if step is None else {"gamma": spelled(step)}
            )
        self.made = bracket(self.q, {**self.fixed, **chosen}, self.window)
        self._chose(chosen)

    def _chose(self, chosen: Mapping[str, Fraction]) -> None:
        self.step = chosen.get("gamma")
        self.params = {**self.fixed, **{k: v for k, v in chosen.items() if k != "gamma"}}

    def _certified(self, chosen: Mapping[str, Fraction]) -> float | None:
        own = {**self.fixed, **{k: v for k, v in chosen.items() if k != "gamma"}}
        step = chosen.get("gamma", Fraction(1))
        assert self.round is not None
        values = [float(chosen[str(x)]) for x in self.round.unknowns]
        # A step at which one quadratic diverges has no certificate:
        # it is refused without a semidefinite program.
        lower = max(rate_of(self.round, w) for w in self.spectra(values))
        if lower >= 1:
            return None
        noisy = self.q.delta is None
        model = self.q.model(step, own, window=None if noisy else min(LOOK_AHEAD, self.window))
        found = least_certified(model, lower, accuracy=1e-3)
        return None if found is None else float(found.rho)

    def closed(self) -> tuple[ClosedForm | None, str]:
        """The closed form from the active quadratics, or why there is none."""
        if self.round is None:
            return None, self.why
        # Elimination needs an equation for each active quadratic; at
        # a minimum of certified rates there is none.
        if not self.active:
            return None, (
                "the least certified rate is not at the point where fixed quadratics are equally slow: "
                "no active pair to eliminate from"
            )
        unknown = {R: self.rate**0.5, RHO: self.rate}
        # Rational stand-ins for the constants, for resultants that in symbols would be too large.
        exact = {k: sympy.Rational(str(rounded(v))) for k, v in self.constants.items()}
        found = eliminated(self.round, self.active, {**self.constants, **self.values, **unknown}, exact)
        return (
            found,
            "" if found is not None else "the active quadratics' equations do not end in one polynomial",
        )

    def fitted(self, closed: ClosedForm | None) -> SymbolicProof | None:
        """The proof in symbols, where it was found."""
        if closed is None or self.round is None:
            return None
        unknown = {R: self.rate**0.5, RHO: self.rate}
        return proved(self.round, self.active, closed, {**self.constants, **self.values, **unknown})

    def cell(self) -> Cell:
        """What is shown of it."""
        shown = {k: v for k, v in self.shown.items() if v is not None}
        words = tuple(
            str(a.instance) if _noisy(self.q) else f"{a.instance.without_noise()}: {a.kind}"
            for a in self.active
        )
        held = self.round is None
        return Cell(shown, self.step, self.params, self.made, words, held=held)


def _noisy(q: Question) -> bool:
    return q.delta is None


def _open(method: object, given: Mapping[str, Number]) -> tuple[str, ...]:
    """Parameters that neither the call nor an instance sets and for which class and body have no number."""
    kind = asked_for(method).kind
    bare = isinstance(method, str | type | Told)
    out = []
    for k, default in kind.signature.params.items():
        field = getattr(kind, "__dataclass_fields__", {}).get(k)
        # Three places may set a parameter: the instance, the class and the
        # signature of the body. Open is what none sets.
        own = getattr(method, k, None) if not bare else default if field is None else field.default
        nowhere = all(v is None or v is NOTHING or v is MISSING for v in (own, default, given.get(k)))
        if nowhere:
            out.append(k)
    return tuple(out)


def _root(closed: ClosedForm, found: _Cell) -> float | None:
    """Where the polynomial puts the rate of a cell: the root nearest to what was found there.

    The squared rate, also where the unknown is r; None where no root is real.
    """
    exact = {k: sympy.Float(v, 30) for k, v in found.constants.items()}
    poly = sympy.Poly(closed.polynomial.subs(exact), closed.unknown)
    coefficients = [float(c) for c in poly.all_coeffs()]
    # A polynomial has several roots; the numbers say which branch is the rate, the polynomial says its value.
    near = float(found.made.lower) if closed.unknown == RHO else float(found.made.lower) ** 0.5
    real = [float(z.real) for z in np.roots(coefficients) if abs(z.imag) < 1e-9]
    if not real:
        return None
    root = min(real, key=lambda z: abs(z - near))
    return root if closed.unknown == RHO else root * root


def _judged(method: object, cell: Cell, conjecture: Number | str) -> Report:
    """The verdict on a claimed rate at a cell's step and parameters.

    The conjecture is judged by the same referee as any claim, at the first cell's step.
    """
    c = cell.constants
    rate = conjecture if isinstance(conjecture, str) else str(spelled(conjecture))
    named: Json = {**{k: v for k, v in c.items() if k in ("delta", "omega")}, **cell.params}
    step = None if cell.stepsize is None else str(cell.stepsize)
    return check_rate(method, rate=rate, stepsize=step, mu=c["mu"], L=c["L"], n=c["n"], **named)


def _algorithm(kind: Kind, cell: Cell) -> tuple[tuple[str, ...], str]:
    """The round as pseudo-code and as LaTeX."""
    if isinstance(kind, Told):
        return (), ""
    numbers = {**cell.params, "gamma": cell.stepsize}
    found = listing(kind, numbers, int(cell.constants["n"]), 1, False)
    return found.lines, found.latex


__all__ = ["Bracket", "derive"]
