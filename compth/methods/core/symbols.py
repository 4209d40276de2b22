"""A theorem's facts as formulas: the very lines that runs evaluate, on symbols in place of numbers.

Lists, pages and tables print what stands here, so that none of them retypes a step or a rate. Where a line compares
numbers (a minimum over cases, a parameter's range) the constants are made more special in turn, `_choices`, until it
goes through, and the formulas say so; what stays undecided has no single formula and is said in words alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields

import sympy

from compth._numbers import Number
from compth.claims import B1, B2, BiasVariance, Claim, Contractive, JointVariance, Unbiased
from compth.errors import CompthError, NoGuarantee
from compth.methods.core.constants import Constants
from compth.methods.core.theorem import Theorem

GAMMA = sympy.Symbol("gamma", positive=True)
PLAIN = ("convex", "independent", "stochastic", "claims", "params", "facts", "reasons")
"""Fields of Constants that are no numbers."""
# sympy raises TypeError for the truth of gamma < 1/L, a missing fact is a KeyError or AttributeError, a
# NoGuarantee a CompthError: all mean "not with these constants", none is a fault
UNDECIDED = (CompthError, TypeError, ValueError, AttributeError, KeyError, ArithmeticError)
"""What a line raises that compares symbols, or asks for what a choice of constants does not have."""


WRITTEN = {
    sympy.Symbol(name, positive=True): text
    for name, text in {
        "L_max": r"L_{\max}",
        "L_tilde": r"\tilde{L}",
        "L_plus": r"L_+",
        "L_pm": r"L_{\pm}",
        "L_part": r"L_{\mathrm{part}}",
        "LL": r"\mathcal{L}",
        "LL_1": r"\mathcal{L}_1",
        "LL_workers": r"\mathcal{L}_{\mathrm{workers}}",
        "mu_min": r"\mu_{\min}",
        "sigma2": r"\sigma^2",
        "sigma2_1": r"\sigma_1^2",
        "sigma2_star": r"\sigma_\star^2",
        "sigma2_mean": r"\sigma_{\mathrm{mean}}^2",
        "zeta2_star": r"\zeta_\star^2",
        "star2": r"\|x_\star\|^2",
        "h2": r"\|h\|_L^2",
        "omega_M": r"\omega_M",
        "delta_down": r"\delta_M",
        "lam": r"\lambda",
        "workers": r"\mathrm{workers}",
    }.items()
}
"""How constants and facts are written."""


def as_text(formula: object) -> str:
    """A formula as text, the constant first: 1 - gamma*mu."""
    return str(sympy.sstr(formula, order="none"))


def as_latex(formula: object) -> str:
    """A formula in LaTeX, its constants as papers write them."""
    return str(sympy.latex(formula, symbol_names=WRITTEN, order="none"))


class Within(sympy.Symbol):  # type: ignore[misc]  # sympy has no types
    """A positive symbol that passes the limits a plan checks: a statement has them in its domain."""

    def __new__(cls, name: str) -> Within:
        made: Within = super().__new__(cls, name, positive=True)
        return made

    # min(1, p) and 0 < p <= 1 are then decided without knowing p: a statement's domain has these limits
    # among its hypotheses
    def __le__(self, other: object) -> bool:
        return True

    def __ge__(self, other: object) -> bool:
        return True


class _Everything(Mapping[str, Number]):
    """Every fact that a theorem asks for, as a symbol."""

    def __getitem__(self, name: str) -> Number:
        return sympy.Symbol(name, positive=True)

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Asked(dict[str, Number]):
    """Parameters: none is given, one that is needed all the same is a symbol."""

    def __missing__(self, name: str) -> Number:
        return sympy.Symbol(name, positive=True)


def symbolic_constants(**known: object) -> Constants:
    """Every constant that a theorem may see as a positive symbol of its own name; `known` ones as they are given."""
    s = {f.name: sympy.Symbol(f.name, positive=True) for f in fields(Constants) if f.name not in PLAIN}
    named = {
        k: sympy.Symbol(k, positive=True) for k in ("omega", "delta", "eta", "A", "B", "alpha", "beta", "c")
    }
    claims = (
        Unbiased(named["omega"]),
        JointVariance(named["A"], named["B"]),
        Contractive(named["delta"]),
        BiasVariance(named["eta"], named["omega"]),
        B1(named["alpha"], named["beta"]),
        B2(named["c"], named["beta"]),
    )
    # every claim at once, each with constants of its own name: a theorem picks what it requires
    first = Constants(**{**s, "omega_down": 0}, independent=True, claims=claims, params=_Asked())
    return first.but(**known)


def row_constants(**known: object) -> Constants:
    """The same for independent workers of variance omega, with stochastic gradients and every fact."""
    n, omega = sympy.Symbol("n", positive=True), sympy.Symbol("omega", positive=True)
    # the workers' errors are uncorrelated, so the average's variance is omega/n times mean||.||^2 and B = 0
    claims = (Unbiased(omega), JointVariance(omega / n, 0))
    return symbolic_constants(**{"stochastic": True, "claims": claims, "facts": _Everything(), **known})


def _choices(theorem: Theorem) -> Iterator[tuple[Constants, str]]:
    """(constants, what is special about them): the general ones first."""
    down = {"omega_down": sympy.Symbol("omega_M", positive=True)} if theorem.bidirectional else {}
    row = (
        getattr(theorem, "row", None) is not None
    )  # rows of the unified table are stated for independent workers
    # the most general constants first, then ever more special ones, until every line of the theorem can be
    # decided: what is printed is as general as the theorem's own code allows
    if not row:
        yield symbolic_constants(facts=_Everything(), **down), ""
        yield symbolic_constants(facts=_Everything(), L_pm=0, **down), "equal Hessians"
    workers = "independent workers"
    yield row_constants(**down), workers
    yield row_constants(L_pm=0, **down), f"{workers} with equal Hessians"
    yield (
        row_constants(L_pm=0, params=_Asked(p=Within("p")), **down),
        f"{workers} with equal Hessians, at any p",
    )


@dataclass(frozen=True)
class Facts:
    """What a theorem says of a step, as formulas in gamma and the constants; None where there is no single formula.

    rule: the range of steps as the theorem writes it. limit, default: its largest step, and that of a run which names
    none. rate, floor, params: at gamma; rate is None for bounds that are not linear, too. special: what the constants
    of the formulas are restricted to, "" for none.
    """

    rule: str
    special: str = ""
    limit: Number = None
    default: object = None
    rate: Number = None
    floor: Number = None
    params: Mapping[str, Number] | None = None

    @property
    def shown(self) -> bool:
        """True where the facts are formulas."""
        return self.params is not None

    @property
    def formulas(self) -> dict[str, object]:
        """Those that there are, by name: the default step where it is not the largest, a floor where there is one."""
        if not self.shown:
            return {}
        own = {"largest step": self.limit}
        own |= {"default step": self.default} if self.default != self.limit else {}
        own |= {"rate": self.rate} if self.rate is not None else {}
        return own | ({"floor": self.floor} if self.floor != 0 else {})


def step_rule(theorem: Theorem, text: str) -> str:
    """The range of steps in words; text: the largest step as the theorem writes it."""
    if theorem.own_steps:
        return f"its own {theorem.own_steps}, from gamma = {text}"
    return f"0 < gamma {'<' if theorem.open_range else '<='} {text}"


def facts_of(theorem: Theorem) -> Facts:
    """The theorem's facts on symbols."""
    rule = ""
    for c, special in _choices(theorem):
        try:
            limit, text = theorem.step_limit(c)
        except NoGuarantee as reason:
            rule = rule or str(reason)
            continue
        except UNDECIDED:
            continue
        rule = step_rule(theorem, text)
        found = _facts(theorem, c, rule, special, limit)
        if found is not None:
            return found
    return Facts(rule or "of several cases: see the statement")


def _facts(theorem: Theorem, c: Constants, rule: str, special: str, limit: object) -> Facts | None:
    """The facts at these constants, None where a line cannot decide."""
    # a theorem with its own steps has no gamma to vary: its facts are at its first step
    step = limit if theorem.own_steps else GAMMA
    try:
        found = (limit, theorem.default_step(c), theorem.rate(c, step), theorem.floor(c, step))
        params = {k: sympy.sympify(v) for k, v in theorem.params(c, step).items()}
        limit, default, rate, floor = (None if v is None else sympy.sympify(v) for v in found)
        return Facts(rule, special, limit=limit, default=default, rate=rate, floor=floor, params=params)
    except UNDECIDED:
        return None


def hypotheses(theorem: Theorem) -> tuple[str, ...]:
    """What a theorem asks of the problem, in its own words: constants that meet it are spoiled one at a time.

    () where no such constants are found.
    """
    # hypotheses are found by experiment: from constants at which the theorem applies, one thing is spoiled
    # at a time and the refusal is its own sentence
    base = next((c for c in _plain_constants(theorem) if _refused(theorem, c) == ""), None)
    if base is None:
        return ()
    found = dict.fromkeys(_refused(theorem, base.but(**spoil(base))) for spoil in _SPOILS)
    return tuple(reason for reason in found if reason)


def _refused(theorem: Theorem, c: Constants) -> str | None:
    """Why the theorem does not speak of these constants; None where it cannot say."""
    try:
        return theorem.why_not(c)
    except UNDECIDED:
        return None


def _plain_constants(theorem: Theorem) -> Iterator[Constants]:
    """Numbers that most theorems speak of: one convex worker with a shared minimiser, with and without an oracle.

    The last but one speak of exact messages, the last of biased ones that are no contractions.
    """
    claims: tuple[Claim, ...] = (Unbiased(1), JointVariance(1, 0), Contractive(0.5), BiasVariance(0.5, 1))
    exact: tuple[Claim, ...] = (Unbiased(0), JointVariance(0, 0), Contractive(1), BiasVariance(0, 0))
    biased: tuple[Claim, ...] = (B1(0.5, 1.5), B2(0.5, 1.5))
    noisily = theorem.gradient_noise != "none"
    for noisy, made in ((noisily, claims), (False, claims), (True, claims), (False, exact), (False, biased)):
        yield Constants(
            n=1,
            d=2,
            independent=True,
            claims=made,
            stochastic=noisy,
            sigma2=float(noisy),
            params=dict.fromkeys(theorem.accepts, 0.5),
            facts=_Ones(),
            L=1.0,
            L_max=1.0,
            L_tilde=1.0,
            L_plus=1.0,
            mu=0.1,
            mu_min=0.1,
        )


class _Ones(_Everything):
    """Every fact, 1.0."""

    def __getitem__(self, name: str) -> Number:
        return 1.0


_SPOILS: tuple[Callable[[Constants], dict[str, object]], ...] = (
    lambda c: {"convex": False},
    lambda c: {"mu": 0.0},
    lambda c: {"mu_min": 0.0},
    lambda c: {"zeta2_star": 1.0},
    lambda c: {"D": float("inf")},
    lambda c: {"L_pm": 1.0, "zeta2_star": 1.0},
    lambda c: {"claims": tuple(JointVariance(5, 0) if isinstance(v, JointVariance) else v for v in c.claims)},
    lambda c: {"claims": tuple(BiasVariance(1, 1) if isinstance(v, BiasVariance) else v for v in c.claims)},
    lambda c: {"n": 2},
    lambda c: {"params": {}},
    lambda c: {"facts": {}},
    lambda c: {"sigma2": float("inf"), "stochastic": True},
    lambda c: {"stochastic": not c.stochastic},
    lambda c: {"omega_down": 1.0},
    lambda c: {"delta_down": 0.0},
)
"""One hypothesis each that a theorem may have."""
