"""The worst case of the class that a run on a problem lies in: its constants, its rate, its best step."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

from compth._numbers import Number
from compth.claims import BiasVariance, Contractive, Unbiased
from compth.errors import CompthError, InvalidParameter, Unsupported
from compth.methods import Constants
from compth.methods.core.body import BodyMethod
from compth.methods.core.method import Method
from compth.methods.core.program import Program, averaged_gradients
from compth.methods.core.vectors import GRADIENT, MESSAGE
from compth.problems.interface import Problem
from compth.worst_case.bodies import asked_for, body_of, check_instance, question, required_claim
from compth.worst_case.inequalities import SHARED
from compth.worst_case.model import Model
from compth.worst_case.rational import spelled
from compth.worst_case.tight import tight_rate
from compth.worst_case.told import over_all_d


def class_of(
    method: BodyMethod, problem: Problem, values: Mapping[str, Number] = MappingProxyType({})
) -> dict[str, Number] | None:
    """The constants of the class that a run of a body lies in: mu_min, L_max, n and its compressors' claims.

    Of f itself, as one worker, where at these values of its parameters the step reads the mean gradient alone. None
    where it lies in none: workers that are not strongly convex, an oracle, workers that draw together, compressors
    without a claim. The keys are the arguments of `tight_rate`.
    """
    c = method.check(problem)
    heard = heard_of(c)
    try:
        check_instance(method, heard=True)
    except Unsupported:
        return None
    if heard is None:
        return None
    # Where the step reads the mean gradient alone it is a method on f itself: one worker with mu and L of f,
    # which may be far better than the worst f_i.
    seen = method.seen(problem)
    if reads_the_mean_alone(type(method), values, int(seen.n)):
        return {"mu": seen.mu, "L": seen.L, "n": 1, "omega": 0, **heard} if seen.mu > 0 else None
    base: dict[str, Number] = {"mu": seen.mu_min, "L": seen.L_max, "n": int(seen.n)}
    if not seen.mu_min > 0:
        return None
    claim = claim_of(method, c)
    return None if claim is None else {**base, **claim, **heard}


def heard_of(c: Constants) -> dict[str, Number] | None:
    """The broadcast's claim: omega_down, else delta_down; {} without a compressor, None where it claims neither."""
    if c.omega_down == 0:
        return {}
    if c.omega_down < float("inf"):
        return {"omega_down": c.omega_down}
    return {"delta_down": c.delta_down} if c.delta_down > 0 else None


def claim_of(method: Method, c: Constants) -> dict[str, Number] | None:
    """The constants of compressors by which a worst case is asked: omega, delta, or eta and omega.

    delta where the method requires it, or nothing else is known.
    """
    # The method's own requirement decides where compressors make several claims.
    unbiased, contractive, pair = c.claim(Unbiased), c.claim(Contractive), c.claim(BiasVariance)
    if contractive is not None and (unbiased is None or required_claim(type(method)) is Contractive):
        return {"delta": contractive.delta}
    if unbiased is not None:
        return {"omega": unbiased.omega}
    return None if pair is None else {"eta": pair.eta, "omega": pair.omega}


def reads_the_mean_alone(kind: type[BodyMethod], values: Mapping[str, Number], n: int) -> bool:
    """True for a body without messages and workers' vectors that reads no single worker's gradient, nor n."""
    names = (*kind.signature.params, *(("gamma",) if kind.signature.takes_gamma else ()))
    given = tuple(sorted((k, spelled(values.get(k, Fraction(1, 4)))) for k in names))
    if kind.signature.worker:
        return False
    try:
        # The body among n workers must do to the mean gradient exactly what it does alone: two traces,
        # compared term by term; anything else that depends on n or on single workers makes them differ.
        alone, among = (over_all_d(kind, given, m) for m in (1, n))
    except CompthError:
        return False
    read = averaged_gradients(among) == frozenset(among.of_kind(GRADIENT))
    return not among.of_kind(MESSAGE) and read and _same_step(alone, among)


def _same_step(a: Program, b: Program) -> bool:
    """True where two traces are one program, term by term."""
    ops = len(a.ops) == len(b.ops) and all(
        (p.kind, p.draw, p.parts, p.argument.terms) == (q.kind, q.draw, q.parts, q.argument.terms)
        for p, q in zip(a.ops, b.ops, strict=True)
    )
    return ops and all(
        p.probability == q.probability and all(p.following[k].terms == q.following[k].terms for k in a.names)
        for p, q in zip(a.leaves, b.leaves, strict=True)
    )


def body_rate(method: Method, problem: Problem, gamma: float, params: Mapping[str, Number]) -> float | None:
    """The certified worst case of the class that a run of a body lies in, at its step; None where there is none.

    Where the worst case needs a minimiser that all f_i share, only for problems that have one.
    """
    if body_of(method) is None or not isinstance(method, BodyMethod):
        return None
    kind, used = type(method), _used(method, params)
    constants = class_of(method, problem, {"gamma": gamma, **used})
    if constants is None:
        return None
    # Constants of the class win over parameters of the same name: a body that takes mu is asked at the
    # class's.
    given: dict[str, Number] = {k: float(v) for k, v in used.items() if k not in constants}
    try:
        found = tight_rate(kind, **{**given, **constants}, gamma=gamma)
    except (Unsupported, InvalidParameter):
        return None
    # Worst cases may assume a shared minimiser; on a problem without one they promise nothing.
    if found.certificate is None or _misses_its_minimiser(found.certificate.model, method.seen(problem)):
        return None
    return found.certified


def _used(method: Method, params: Mapping[str, Number]) -> dict[str, Number]:
    """The body's parameters out of a plan's, else the method's own."""
    if not isinstance(method, BodyMethod):
        return {}
    planned = type(method).planned
    used = {k: params.get(planned.get(k, k), getattr(method, k, None)) for k in method.signature.params}
    return {k: v for k, v in used.items() if v is not None}


def _misses_its_minimiser(model: Model, problem: Problem) -> bool:
    """True where a worst case needs a minimiser that all f_i share, and the problem has none."""
    return bool(SHARED in model.assumptions and problem.n > 1 and problem.zeta2_star != 0)


def step_in_closed_form(method: Method, problem: Problem, params: Mapping[str, Number]) -> float | None:
    """The step of the best worst case that a closed form knows at these parameters, None where none does.

    None too on problems without the shared minimiser that the closed form asks for, and with a compressed broadcast.
    """
    used = _used(method, params)
    try:
        if body_of(method) is None or not isinstance(method, BodyMethod):
            return None
        kind, constants = type(method), class_of(method, problem, used)
        if constants is None:
            return None
        if "omega_down" in constants or "delta_down" in constants:
            return None  # closed forms are of uncompressed broadcasts
        delta, omega, eta = (constants.get(k) for k in ("delta", "omega", "eta"))
        q = question(
            asked_for(kind),
            constants["mu"],
            constants["L"],
            delta=delta,
            omega=omega,
            eta=eta,
            n=constants["n"],
        )
        # At any step the model's assumptions are the same, so that gamma = 1 serves.
        if q.known is None or _misses_its_minimiser(
            q.model(1, q.known.best(q)[1], full=False), method.seen(problem)
        ):
            return None
        found = q.known.step_with(q, used) if q.known.step_with else q.known.best(q)[0]
    except CompthError:
        return None
    return None if found is None else float(found)
