"""Worst cases of methods written as one body: the class asked about, the parameters, and which runs it speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

from compth._numbers import Number
from compth.calculus import induced_omega
from compth.claims import BiasVariance, Contractive, Unbiased
from compth.compressors import Independent
from compth.errors import InvalidParameter, Unsupported, require
from compth.methods.core.body import NOTHING, BodyMethod, derived, runs_its_body
from compth.methods.dcgd import DCGD
from compth.methods.diana import DIANA
from compth.methods.ef import EF
from compth.methods.ef21 import EF21
from compth.methods.ef_bv import EFBV
from compth.methods.marina import MARINA
from compth.worst_case.exponents import exponents
from compth.worst_case.methods import SHARED
from compth.worst_case.model import Model
from compth.worst_case.rational import spelled
from compth.worst_case.traced import Class, derived_model

SIZES = (5, 7)
"""Dimensions at which a body is traced: a worst case over all d needs the same program at each."""


@dataclass(frozen=True)
class BodyQuestion:
    """A body on a class of problems and compressors, in exact numbers where they were given so (see tight.Question)."""

    kind: type[BodyMethod]
    mu: Number
    L: Number
    delta: Number | None
    omega: Number | None
    eta: Number | None
    n: int

    @property
    def method(self) -> str:
        """Its name, for reports only."""
        return self.kind.__name__

    def rational(self) -> BodyQuestion:
        """Every number a Fraction: a float is read as the decimal it is printed as."""
        given = {
            k: None if (v := getattr(self, k)) is None else spelled(v)
            for k in ("mu", "L", "delta", "omega", "eta")
        }
        return replace(self, **given)  # type: ignore[arg-type]

    def model(self, gamma: Number, params: Mapping[str, Number], turn: bool = True) -> Model:
        """The body on this class at a step size, in Fractions. turn=False: the state as the body has it."""
        q = self.rational()
        eta2 = 1 - Fraction(q.delta) if q.delta is not None else Fraction(q.eta or 0) ** 2
        cls = Class(Fraction(q.mu), Fraction(q.L), eta2, Fraction(q.omega or 0), q.n)
        values = {k: spelled(v) for k, v in params.items()} | (
            {"gamma": spelled(gamma)} if self.kind.signature.takes_gamma else {}
        )
        shown: dict[str, Number] = {"mu": cls.mu, "L": cls.L}
        shown |= {k: getattr(q, k) for k in ("delta", "eta", "omega") if getattr(q, k) is not None}
        shown |= {**values, "n": q.n}
        programs = [derived(self.kind, tuple(sorted(values.items())), q.n, d, False) for d in SIZES]
        if not _equal(programs[0], programs[1]):
            raise Unsupported(
                f"{self.method} depends on d: a worst case is over all dimensions, make w.d a parameter"
            )
        return derived_model(programs[0], cls, shown, _units(self.kind), turn)


def _equal(a: Any, b: Any) -> bool:
    ops = len(a.ops) == len(b.ops) and all(
        p.argument.terms == q.argument.terms for p, q in zip(a.ops, b.ops, strict=True)
    )
    return ops and all(
        p.following[k].terms == q.following[k].terms and p.probability == q.probability
        for p, q in zip(a.leaves, b.leaves, strict=True)
        for k in a.names
    )


@cache
def _units(kind: type[BodyMethod]) -> dict[str, int] | None:
    return exponents(kind, 3)


MODELS: dict[type, str] = {
    EF: "EF",
    EF21: "EF21",
    DCGD: "DCGD",
    DIANA: "DIANA",
    MARINA: "MARINA",
    EFBV: "EF-BV",
}
"""The catalogue's classes with a Model of their own in methods.py, whose rates are known in closed form or pinned."""


def model_name(method: Any) -> str | None:
    """The name of the Model of one of these classes or an instance; no other class, whatever it is called."""
    return MODELS.get(method if isinstance(method, type) else type(method))


def body_of(method: Any) -> type[BodyMethod] | None:
    """The class of a body without a Model of its own, None for any other; Unsupported where the class runs more."""
    kind = method if isinstance(method, type) else type(method)
    if not issubclass(kind, BodyMethod) or kind in MODELS:
        return None
    if not runs_its_body(kind):
        raise Unsupported(f"{kind.__name__} changes what its body says: no worst case is derived from it")
    if kind.__dataclass_fields__["oracle"].default is not None:
        raise Unsupported(f"{kind.__name__} draws its gradients: stochastic gradients are outside the class")
    # a body that broadcasts, whose instances take no downlink: its compressor is the broadcast's, not the workers'
    if not kind.__dataclass_fields__["downlink"].init and "broadcast" in kind.body.__code__.co_names:
        raise Unsupported(f"{kind.__name__} compresses what it broadcasts: no worst case is derived from it")
    return kind


def body_question(
    kind: type[BodyMethod],
    mu: Number,
    L: Number,
    delta: Number | None,
    omega: Number | None,
    eta: Number | None,
    n: int,
) -> BodyQuestion:
    """Checked constants: delta (contractive), or omega with eta (bias), or omega and delta (the induced compressor)."""
    require(0 < mu <= L < float("inf"), f"mu={mu}, L={L} need 0 < mu <= L")
    require(isinstance(n, int) and n >= 1, f"n={n!r} must be a whole number of workers, at least 1")
    given = f"delta={delta}, omega={omega}, eta={eta}"
    require(
        delta is not None or omega is not None,
        f"{given}: {kind.__name__} needs delta or omega of its compressors",
    )
    require(eta is None or (omega is not None and delta is None), f"{given}: eta goes with omega")
    require(delta is None or 0 < delta <= 1, f"delta={delta} must satisfy 0 < delta <= 1")
    require(omega is None or 0 <= omega < float("inf"), f"omega={omega} must be finite and at least 0")
    require(eta is None or 0 <= eta < 1, f"eta={eta} must satisfy 0 <= eta < 1")
    if omega is not None and delta is not None:
        omega, delta = induced_omega(delta, omega), None
    return BodyQuestion(kind, mu, L, delta, omega, eta, n)


def body_params(
    kind: type[BodyMethod], given: Mapping[str, Number | None], instance: Any = None
) -> dict[str, Number]:
    """Every parameter besides gamma: given, the instance's, or the body's default; else InvalidParameter."""
    out: dict[str, Number] = {}
    for name, value in given.items():
        require(
            value is None or name in kind.signature.params,
            f"{name}={value} is no parameter of {kind.__name__}",
        )
    for name, default in kind.signature.params.items():
        own = None if instance is None else getattr(instance, name, None)
        value = given.get(name) if given.get(name) is not None else own if own is not None else default
        if value is NOTHING or value is None:
            raise InvalidParameter(f"{kind.__name__} needs {name}=...: nothing plans it")
        out[name] = value
    return out


def check_instance(method: Any) -> None:
    """Unsupported for an instance whose run is not the body on exact gradients with an uncompressed downlink."""
    if isinstance(method, type):
        return
    if method.oracle is not None:
        raise Unsupported(f"{method.label}: stochastic gradients are outside the class: leave oracle out")
    if not method.broadcasts_all:
        raise Unsupported(f"{method.label}: a compressed broadcast is outside the class: leave downlink out")
    if not isinstance(method.fleet, Independent):
        raise Unsupported(
            f"{method.label}: workers that draw together are outside the class: use independent ones"
        )


def body_asked(
    method: Any,
    kind: type[BodyMethod],
    mu: Number,
    L: Number,
    delta: Number | None,
    omega: Number | None,
    eta: Number | None,
    n: int,
    given: Mapping[str, Number | None],
) -> tuple[BodyQuestion, dict[str, Number], Number | None]:
    """(question, parameters, the instance's gamma). A body's parameter named as a constant of the class is that one.

    eta alone is the body's own where it has such a parameter: it is then no bias of the compressors.
    """
    check_instance(method)
    instance = None if isinstance(method, type) else method
    own, named = kind.signature.params, dict(given)
    if "eta" in own:
        named["eta"], eta = eta, None
    asked = body_question(kind, mu, L, delta, omega, eta, n)
    shared = {"mu": mu, "L": L, "n": n, "delta": delta, "omega": omega}
    named |= {k: v for k, v in shared.items() if k in own}
    return asked, body_params(kind, named, instance), None if instance is None else instance.gamma


def class_of(method: Any, problem: Any) -> dict[str, Any] | None:
    """The constants of the class that a run of a body lies in: mu_min, L_max, n and its compressors' claim.

    None where it lies in none: workers that are not strongly convex, an oracle, a compressed broadcast, workers that
    draw together, compressors without a claim.
    """
    c = method.check(problem)
    try:
        check_instance(method)
    except Unsupported:
        return None
    seen = method.seen(problem)
    base: dict[str, Any] = {"mu": seen.mu_min, "L": seen.L_max, "n": int(seen.n)}
    if not seen.mu_min > 0:
        return None
    unbiased, contractive, pair = c.claim(Unbiased), c.claim(Contractive), c.claim(BiasVariance)
    if unbiased is not None:
        return {**base, "omega": unbiased.omega}
    if contractive is not None:
        return {**base, "delta": contractive.delta}
    return None if pair is None else {**base, "eta": pair.eta, "omega": pair.omega}


def body_rate(method: Any, problem: Any, gamma: float, params: Mapping[str, Any]) -> float | None:
    """The certified worst case of the class that a run of a body lies in, at its step; None where there is none.

    Where the worst case needs a minimiser that all f_i share, only for problems that have one.
    """
    kind, constants = body_of(method), class_of(method, problem)
    if kind is None or constants is None:
        return None
    from compth.worst_case.tight import tight_rate

    used = {k: params.get(kind.planned.get(k, k), getattr(method, k, None)) for k in kind.signature.params}
    given: dict[str, Any] = {k: float(v) for k, v in used.items() if v is not None and k not in constants}
    try:
        found = tight_rate(kind, **{**given, **constants}, gamma=gamma)
    except (Unsupported, InvalidParameter):
        return None
    shared = found.certificate is not None and SHARED in found.certificate.model.assumptions
    if shared and problem.n > 1 and problem.zeta2_star != 0:
        return None
    return found.certified
