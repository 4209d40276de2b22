"""`analyse`: everything that follows from a method's body, and for what does not, the line that stops it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from compth._door import at_the_door
from compth._earned import Computed, earned, made
from compth._numbers import Number
from compth._own import foreign
from compth._shown import Shown
from compth._types import Json
from compth.claims import BiasVariance, Contractive, Unbiased
from compth.compressors import Compressor, Fleet, Independent, as_fleet
from compth.compressors.identity import Identity
from compth.errors import CompthError, InvalidParameter, Unsupported, require
from compth.methods import OWN_STEPS, Method, catalogue, guarantee
from compth.methods.core.body import (
    NOTHING,
    BodyMethod,
    derived,
    method,
    runs_its_body,
    with_all_parameters,
)
from compth.methods.core.centre import centre_of, without_invariants
from compth.methods.core.listing import listing
from compth.methods.core.observed import observed
from compth.methods.core.program import Program, bills, carried, known_to_server
from compth.methods.core.vectors import OWN, SPOKEN, Underivable, Vector
from compth.problems.interface import Problem
from compth.worst_case.bodies import asked_for, check_instance, question
from compth.worst_case.question import Question

Messages = Compressor | Sequence[Compressor] | Fleet
"""What a method takes as its compressor: one for all, one a worker, or a fleet."""


@dataclass(frozen=True)
class Setting:
    """One compressor: what the class allows and what happens on the problem, as (name, text) lines with the numbers.

    numbers: the same facts as plain values, for JSON.
    """

    title: str
    lines: tuple[tuple[str, str], ...]
    numbers: Json


@dataclass(frozen=True)
class MethodAnalysis(Computed, Shown):
    """The algorithm, what is derived from it, what is not and why, and a Setting for every compressor."""

    name: str
    summary: str
    algorithm: tuple[str, ...]
    latex: str
    derived: tuple[tuple[str, str], ...]
    stopped: str
    settings: tuple[Setting, ...] = field(default=())

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """Plain text."""
        out = [
            f"{self.name}: {self.summary}" if self.summary else self.name,
            *(f"  {x}" for x in self.algorithm),
        ]
        if self.stopped:
            out.append(f"not derived: {self.stopped}")
        out += _aligned(self.derived)
        for s in self.settings:
            out += [s.title, *_aligned(s.lines)]
        out += [] if earned(self) else [self.DOUBT]
        return "\n".join(out)

    def to_dict(self) -> dict[str, object]:
        """Everything as plain values."""
        return {
            "method": self.name,
            "summary": self.summary,
            "algorithm": list(self.algorithm),
            "latex": self.latex,
            "derived": dict(self.derived),
            "stopped": self.stopped,
            "settings": [{"title": s.title, "facts": dict(s.lines), **s.numbers} for s in self.settings],
        }


def _aligned(lines: Sequence[tuple[str, str]]) -> list[str]:
    """Headings padded to one width."""
    width = max((len(k) for k, _ in lines), default=0)
    return [f"  {k.ljust(width)}  {v}" for k, v in lines]


@at_the_door()
def analyse(
    what: object,
    compressors: Sequence[Messages] = (),
    problem: Problem | None = None,
    *,
    mu: Number | None = None,
    L: Number | None = None,
    delta: Number | None = None,
    omega: Number | None = None,
    eta: Number | None = None,
    n: int | None = None,
    gamma: Number | None = None,
    params: Mapping[str, Number] | None = None,
) -> MethodAnalysis:
    """What follows from a method: of the catalogue, or one's own written as a body (class, instance or the function).

    For every compressor: the worst case over the class with its claim, mu and L (the problem's mu_min and L_max, or
    those given) at the step and parameters given or else found, with the worst instance; and on the problem the largest
    stable step, the best one and exact rates. Without a compressor, delta, omega or eta name the class. A problem is
    needed for the exact part; the class needs mu and L, or a problem. Raises InvalidParameter for what cannot be read.
    """
    # In three steps: whose body it is and which parameters are fixed; the algorithm and what follows from it for any
    # compressor (listing, fixed point, invariants, bits); then a Setting each, the class first, the problem after it.
    _check_compressors(compressors)
    asked = _asked(what, dict(params or {}), gamma)
    if not isinstance(asked, _Asked):
        return _of_its_own(asked, problem)
    kind, fixed, gamma, base = asked
    # What is asked about has to be named: a compressor, or the constants of a class.
    unasked = () if compressors or delta is not None or omega is not None else _unasked(kind, base)
    if base is not None:
        # An instance stands for itself: its own compressor where no
        # list is given, and the problem as it sees it.
        compressors = compressors if kind.takes_compressor and compressors else [base.compressor]
        problem = None if problem is None else base.seen(problem)
        n = None if problem is None or n is None else int(problem.n)
    workers = n if n is not None else _usual_workers(base) if problem is None else int(problem.n)
    require(
        problem is None or n in (None, problem.n),
        f"n={n}, but the problem has {getattr(problem, 'n', 0)} workers",
    )
    d = 10 if problem is None else int(problem.d)
    # The trace needs numbers. What is listed and derived is the same for nearly all of them, so a parameter that nobody
    # gave gets one that is no fraction's special case of the body (0 and 1 switch terms off).
    numbers = {
        "gamma": 0.1 if gamma is None else gamma,
        **dict.fromkeys(kind.signature.params, 0.25),
        **_defaults(kind),
        **fixed,
    }
    # A body that never says `broadcast` cannot have its downlink compressed, whatever is asked of it.
    down = "broadcast" in kind.body.__code__.co_names
    # What the trace cannot read (a branch on a vector's value, say) has no derivation; the
    # line that stops it is the answer then, and no number is shown.
    try:
        shown = listing(kind, numbers, workers, d, down)
    except Underivable as reason:
        stopped = f"{reason}; it still simulates"
        return made(MethodAnalysis(kind.__name__, _summary(kind), (), "", (), stopped))
    drawn = () if base is None or base.estimator is None else (("gradients", f"drawn by {base.estimator!r}"),)
    derived = (*_derived(kind, numbers, workers, d, down), *drawn, *_theorems(kind), *unasked)
    constants = _constants(problem, mu, L)
    settings = []
    if constants is not None and (delta is not None or omega is not None):
        claim = {"delta": delta, "omega": omega, "eta": eta}
        lines, found = _class_lines(kind, constants, workers, claim, gamma, fixed)
        settings.append(Setting(_class_title(constants, workers, claim), lines, found))
    settings += [_setting(asked, c, problem, constants, workers, d) for c in compressors]
    whole = (kind.__name__, _summary(kind), shown.lines, shown.latex, derived, "", tuple(settings))
    return made(MethodAnalysis(*whole))


def _check_compressors(given: object) -> None:
    """A list of compressors, told from a problem in its place."""
    need = f"compressors={given!r} must be a list, as compressors=[ct.RandK(k=2)]; a problem is given as problem=..."
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise InvalidParameter(need)
    # A problem in the place of the list, or one compressor without
    # brackets, is the usual slip: told here, by name.
    for c in given:
        require(isinstance(c, Compressor | Fleet | list | tuple), need)


def _unasked(kind: type[BodyMethod], base: BodyMethod | None) -> tuple[tuple[str, str], ...]:
    """What to ask for where a body compresses and nobody said with what: the default sends everything."""
    if not kind.takes_compressor or not {"compress", "sketch"} & set(kind.body.__code__.co_names):
        return ()
    # The default of a body is to send everything. An analysis of that would look like one of compression.
    if base is not None and type(base.compressor) is not Identity:
        return ()
    said = "none is named" if base is None else "Identity(), the default: nothing is compressed"
    return (
        (
            "compressor",
            f'{said}; name one as compressors=[ct.RandK(k=2)] (-c "RandK(k=2)"), or a class by omega=',
        ),
    )


class _Asked(NamedTuple):
    """A class, its fixed parameters and gamma, and the instance that was meant where more than these count."""

    kind: type[BodyMethod]
    fixed: dict[str, Number]
    gamma: Number | None
    base: BodyMethod | None

    def made(self, compressor: Messages, gamma: Number | None, values: Mapping[str, Number]) -> Method:
        """The instance with this compressor, these parameters.

        compressor: one, a list, or a fleet. Parameters of `values` that the instance sets itself are left as they
        are.
        """
        given = dict(values) if gamma is None else {"gamma": gamma, **values}
        if self.base is None:
            return with_all_parameters(self.kind)(compressor, **given)
        settable = {f.name for f in fields(self.base) if f.init}
        own: Json = {"compressor": compressor} if self.kind.takes_compressor else {}
        # What the instance sets stays: only what it leaves open takes the values that were found or given.
        new = {k: v for k, v in given.items() if k in settable and getattr(self.base, k) is None}
        return replace(self.base, **own, **new)


def _asked(what: object, params: dict[str, Number], gamma: Number | None) -> _Asked | Method:
    """What was asked of: a class, an instance or a plain function; an instance of the catalogue that is no body.

    Raises InvalidParameter for what is no body or has no such parameter, Unsupported for a class whose steps its body
    does not describe.
    """
    base = what if isinstance(what, Method) else None
    if not isinstance(what, type | Method) and callable(what):
        what = method(what)
    kind = what if isinstance(what, type) else type(what)
    if kind.__name__ in OWN_STEPS and kind is catalogue().get(kind.__name__):
        return kind.examples()[0] if base is None else base
    if not issubclass(kind, BodyMethod):
        raise InvalidParameter(
            f"{kind.__name__} is no method written as a body: decorate a function with @ct.method"
        )
    # A class that overrides the step has a body that does not run:
    # what follows from it would be false of its runs.
    if not runs_its_body(kind):
        raise Unsupported(f"{kind.__name__} changes what its body says: nothing is derived from it")
    if base is None and not kind.takes_compressor:
        base = kind.examples()[0]
    if base is not None:
        own = {k: v for k, v in base.given().items() if k in kind.signature.params}
        params, gamma = {**own, **params}, base.gamma if gamma is None else gamma
    for name, value in params.items():
        require(name in kind.signature.params, f"{name}={value} is no parameter of {kind.__name__}")
    return _Asked(kind, params, gamma, base if isinstance(base, BodyMethod) else None)


def _of_its_own(run: Method, problem: Problem | None) -> MethodAnalysis:
    """A method of the catalogue whose step is no body."""
    name = type(run).__name__
    settings = []
    if problem is not None:
        promised = _promised(run, problem)
        lines, numbers = _exact_lines(run, problem)
        settings.append(Setting(f"{run.label} at n={problem.n}, d={problem.d}", (*promised, *lines), numbers))
    why = f"{name} is no body, {OWN_STEPS[name]}; it still simulates"
    kind = type(run)
    return made(
        MethodAnalysis(
            name, _summary(kind), (), latex="", derived=_theorems(kind), stopped=why, settings=tuple(settings)
        )
    )


def _theorems(kind: type[Method]) -> tuple[tuple[str, str], ...]:
    """Its theorems by id."""
    found = ", ".join(th.id for th in kind.theorems())
    return (("theorems", found),) if found else ()


def _promised(made: Method, problem: Problem) -> tuple[tuple[str, str], ...]:
    """The theorem that promises most on the problem.

    At the method's own step, or at its theorem's.
    """
    if not made.theorems():
        return ()
    try:
        rate = guarantee(made, problem)
    except CompthError as reason:
        return (("guarantee", f"none: {reason}"),)
    rho = "no linear rate" if rate.rho is None else f"rho={rate.rho:.6g}"
    floor = f", floor {rate.floor:.4g}" if rate.floor > 0 else ""
    return (
        ("guarantee", f"{rho}{floor} at gamma={_short(rate.stepsize)} ({rate.theorem}, {rate.standing})"),
    )


def _summary(kind: type[Method]) -> str:
    """The first line of the docstring, unless it is the decorator's own."""
    lines = (kind.__doc__ or "").strip().splitlines()
    return lines[0] if lines and not lines[0].endswith("a method written as one body.") else ""


def _defaults(kind: type[BodyMethod]) -> dict[str, Number]:
    """Parameters that the body gives a value."""
    return {k: v for k, v in kind.signature.params.items() if v is not NOTHING}


def _constants(problem: Problem | None, mu: Number | None, L: Number | None) -> tuple[Number, Number] | None:
    """(mu, L) of the class: given, or mu_min and L_max of the problem; None without strongly convex workers."""
    require((mu is None) == (L is None), f"mu={mu}, L={L}: give both or neither")
    if mu is not None and L is not None:
        require(0 < mu <= L, f"mu={mu}, L={L} need 0 < mu <= L")
        if problem is not None:
            own = float(getattr(problem, "mu_min", 0)), float(problem.L_max)
            # Rounding of the problem's own constants is granted, as they are what is typed here most often.
            holds = mu <= own[0] * (1 + 1e-9) and own[1] <= L * (1 + 1e-9)
            said = f"mu={mu}, L={L} do not hold the problem, whose workers have {own[0]:.6g} to {own[1]:.6g}"
            require(holds, f"{said}: leave them out, or the problem")
        return mu, L
    if problem is None or not getattr(problem, "mu_min", 0) > 0:
        return None
    return float(problem.mu_min), float(problem.L_max)


def _derived(
    kind: type[BodyMethod], numbers: Mapping[str, Number], n: int, d: int, down: bool
) -> tuple[tuple[str, str], ...]:
    """Fixed point, invariants, bits and what is carried.

    numbers: by name, gamma included. down: whether the body broadcasts. Pairs of heading and text; a fixed point that
    does not exist is a line with the reason.
    """
    # On the reduced program: memories that only repeat a mean of others are followed by an invariant, not by a fixed
    # point of their own.
    form = kind.signature
    given = {k: numbers[k] for k in (*form.params, *(("gamma",) if form.takes_gamma else ()))}
    # Reduced by its linear invariants, a memory that is always the
    # mean of others needs no equation of its own.
    program: Program = derived(kind, tuple(sorted(given.items())), n, d, False)
    plain, gone = without_invariants(program)
    out = []
    try:
        centre = centre_of(plain)
        rest = [f"{k} at {_at(a, 0)}" for k, a in centre.server.items()]
        rest += [f"{k}_i at {_at(a, b)}" for k, (a, b) in centre.worker.items()]
        # Tier 1: every x* is fixed; tier 2: only where the workers share their minimiser.
        alone = n == 1 and centre.tier == 2  # one worker shares its minimiser with itself
        floor = replace(centre, tier=1).floor if alone else centre.floor
        out.append(("fixed point", f"{', '.join(rest)}: {floor}"))
    except CompthError as reason:
        out.append(("fixed point", str(reason)))
    for k, combination in gone.items():
        what = " + ".join(f"{'' if c == 1 else f'{c} '}mean({j})" for j, c in combination.items())
        out.append(("invariant", f"{k} = {what} in every round"))
    # Rates of x are those of the part of the state that x is influenced by: a vector
    # that never comes back to it has no say, however it grows.
    part = observed(plain)
    if not part.whole:
        seen = ", ".join(_form(v, program.worker) for v in part.forms.values())
        out.append(("x observes", f"{seen}: rates and steps are those of these alone"))
    if kind._sent is BodyMethod._sent:
        out.append(("bits a round", _bits(program)))
    known = known_to_server(program)
    if program.worker:
        held = ", ".join(f"{k}_i" for k in program.worker if k in known) or "none"
        out.append(("server follows", held))
    kept = carried(program)
    if kept is not None and kept[0] is not None:
        out.append(("carried", "the gradient at the next x, which the next round would take again"))
    if down and SPOKEN not in {op.kind for op in program.ops}:
        out.append(("downlink", "its broadcast may be compressed: downlink="))
    return tuple(out)


def _form(v: Vector, workers: tuple[str, ...]) -> str:
    """A combination of the state's vectors."""

    def name(scope: str, k: str) -> str:
        return f"{k}_i" if scope == OWN else f"mean({k})" if k in workers else k

    return " + ".join(f"{'' if c == 1 else f'{c} '}{name(s, k)}" for (s, _, k), c in v.terms.items())


def _at(a: Fraction, b: Number) -> str:
    """A multiple of x* and of grad f_i(x*)."""
    parts = [f"{'' if c == 1 else f'{c} '}{name}" for c, name in ((a, "x*"), (b, "grad f_i(x*)")) if c]
    return " + ".join(parts) or "0"


def _bits(program: Program) -> str:
    """Messages and full vectors of a round, with the probability of each outcome of its coins."""
    # A leaf is one outcome of the round's coins, with its exact probability; equal bills are added.
    shares: dict[str, Fraction] = {}
    for leaf, bill in zip(program.leaves, bills(program), strict=True):
        parts = [f"{len(bill.messages)} message{'s' * (len(bill.messages) > 1)}"] if bill.messages else []
        parts += [f"{bill.full} full vector{'s' * (bill.full > 1)}"] if bill.full else []
        what = " and ".join(parts) or "nothing"
        shares[what] = shares.get(what, Fraction(0)) + leaf.probability
    chances = {
        what: "" if len(shares) == 1 else f" with probability {float(p):g}" for what, p in shares.items()
    }
    return ", ".join(f"{what}{chance}" for what, chance in chances.items()) + " from every worker"


def _usual_workers(base: Method | None) -> int:
    """10, or the fewest that an instance's fleet takes where it asks for another number of them."""
    # Ten workers are enough to show what averaging does; a fleet of a fixed size takes its own.
    if base is None or not base.fleet.why_not(10, 10):
        return 10
    return next((n for n in range(2, 65) if not base.fleet.why_not(n, 10)), 10)


def _class_title(constants: tuple[Number, Number], n: int, claim: Mapping[str, object]) -> str:
    """The class in words."""
    shown = ", ".join(f"{k}={_short(v)}" for k, v in claim.items() if v is not None)
    return f"every compressor with {shown}, mu={_short(constants[0])}, L={_short(constants[1])}, n={n}"


def _setting(
    asked: _Asked,
    compressor: Messages,
    problem: Problem | None,
    constants: tuple[Number, Number] | None,
    n: int,
    d: int,
) -> Setting:
    """What follows for one compressor.

    The claim and the certified worst case of its class, then guarantee, stable steps and exact rates on the problem.
    """
    kind, fixed, gamma, base = asked
    if base is not None and kind.takes_compressor:
        # what the instance holds is replaced by the one asked about: its promise and its label follow
        base = replace(base, compressor=compressor)
    # In order: what the compressor claims at this n and d, whether a class of the
    # worst case holds such a run at all, then the certificate, then exact numbers on
    # the problem. Each reason for a missing number is a line.
    fleet = as_fleet(compressor)
    fleet.check(n, d)
    claim = _claim(fleet, n, d) | _heard(base, d)
    shown = ", ".join(f"{k}={_short(v)}" for k, v in claim.items() if v is not None) or "no claim"
    lines: list[tuple[str, str]] = []
    numbers: Json = {"compressor": fleet.label}
    outside = _outside(base, claim)
    if outside:
        lines.append(("worst case", f"none: {outside}"))
    elif constants is None:
        lines.append(
            ("worst case", "none: give mu and L, or a problem whose workers are all strongly convex")
        )
    # The inequalities of the class add variances over workers, which correlated compressors need not.
    elif not isinstance(fleet, Independent) and n > 1:
        lines.append(("worst case", "none: it is stated for workers that compress independently"))
    elif not any(claim.get(k) is not None for k in ("delta", "omega", "eta")):
        lines.append(("worst case", "none: the compressor makes no claim of variance or contraction"))
    else:
        more, found = _class_lines(kind, constants, n, claim, gamma, fixed)
        lines += more
        numbers |= found
        if foreign(fleet):  # the class is certified; that it holds this compressor is the compressor's word
            lines.append(("claim", f"{shown}, which {fleet.label} says of itself"))
    if problem is not None:
        used = {
            **fixed,
            **{k: v for k, v in numbers.get("parameters", {}).items() if k in kind.signature.params},
        }
        step = numbers.get("stepsize") if gamma is None else gamma
        own = base if base is not None else _plain(kind, compressor, fixed, gamma)
        lines += [] if own is None else _promised(own, problem)
        # Parameters that the class search found serve on the problem as well; a theorem of the method plans the others.
        # Exact dynamics need every parameter as a number: given, found
        # by the class search, or planned by a theorem.
        missing = [k for k in kind.signature.params if k not in used and k not in _defaults(kind)]
        if missing and base is None and (own is None or not kind.theorems()):
            lines.append(("exact dynamics", f"not asked: give {', '.join(missing)}"))
            return Setting(f"{fleet.label} ({shown}) at n={n}, d={d}", tuple(lines), numbers)
        values = {k: float(v) for k, v in used.items() if k in kind.signature.params}
        run = asked.made(compressor, None if step is None else float(step), values)
        seen, found = _exact_lines(own if missing and own is not None else run, problem)
        lines += seen
        numbers |= found
    return Setting(
        f"{fleet.label if base is None else base.label} ({shown}) at n={n}, d={d}", tuple(lines), numbers
    )


def _claim(fleet: Fleet, n: int, d: int) -> dict[str, Number | None]:
    """The constants by which a worst case is asked: omega, else delta, else eta and omega."""
    # Unbiasedness first: it gives the sharper class, since noise of independent workers averages out.
    unbiased, contractive = fleet.claim(Unbiased, n, d), fleet.claim(Contractive, n, d)
    pair = fleet.claim(BiasVariance, n, d)
    if unbiased is not None:
        return {"omega": unbiased.omega}
    if contractive is not None:
        return {"delta": contractive.delta}
    return {} if pair is None else {"eta": pair.eta, "omega": pair.omega}


def _class_lines(
    kind: type[BodyMethod],
    constants: tuple[Number, Number],
    n: int,
    claim: Mapping[str, Number | None],
    gamma: Number | None,
    fixed: Mapping[str, Number],
) -> tuple[tuple[tuple[str, str], ...], dict[str, object]]:
    """The certified worst case at given or found parameters, and the instance that attains most.

    claim: constants of the class of compressors. gamma, fixed: what is given; the rest is searched. The certificate
    is rechecked in exact arithmetic before its rate is shown.
    """
    from compth.worst_case import tight_rate
    from compth.worst_case.search import best_parameters

    try:
        claims = (claim.get("delta"), claim.get("omega"), claim.get("eta"))
        heard = (claim.get("delta_down"), claim.get("omega_down"))
        # A search for the step and parameters of least certified rate; `bounded` also takes methods whose
        # worst case is known as an upper bound alone.
        q: Question = question(asked_for(kind), *constants, *claims, n, *heard, bounded=True)
        step, params, _ = best_parameters(q, {**_defaults(kind), **fixed}, gamma)
        own = {k: v for k, v in params.items() if k not in ("mu", "L", "n", "delta", "omega")}
        given = {k: v for k, v in claim.items() if v is not None}
        # One name for two things would hand the search's value of a step to the bias of the compressors.
        if set(given) & set(own):
            raise InvalidParameter(
                f"{kind.__name__}: its own eta is no bias of the compressors, name it otherwise"
            )
        # The search optimises the numerical LMI; what is printed is asked anew at its parameters, with the certificate
        # that exact arithmetic rechecks.
        found = tight_rate(kind, mu=constants[0], L=constants[1], n=n, gamma=step, **given, **own)
    except CompthError as reason:
        return (("worst case", f"not derived: {reason}"),), {}
    rounded = ", ".join(
        f"{k}={_short(v)}" for k, v in {**({} if step is None else {"gamma": step}), **params}.items()
    )
    chosen = (
        "given" if gamma is not None and set(kind.signature.params) <= {*fixed, *_defaults(kind)} else "found"
    )
    lines = [(f"parameters {chosen}", rounded or "none")]
    if found.certified is None:
        lines.append(("worst case", f"no certificate below 1; attained {found.attained:.6g}"))
    else:
        tight = "tight" if found.tight else f"attained {found.attained:.9g}"
        lines.append(("certified rate", f"{found.certified:.9g} ({tight}), rechecked in exact arithmetic"))
        assumed = ", ".join(found.certificate.model.assumptions) if found.certificate else ""
        lines.append(("assumed", assumed))
    worst = found.worst_case
    lines.append(("worst instance", f"f_i(x) = ({_short(worst.curvature)}) x^2/2, {worst.law}"))
    numbers = {
        "certified": found.certified,
        "attained": found.attained,
        "stepsize": step,
        "parameters": params,
        "certificate": found.certificate.to_dict() if found.certificate else None,
    }
    return tuple(lines), numbers


def _heard(base: BodyMethod | None, d: int) -> dict[str, Number | None]:
    """What the compressor of an instance's broadcast claims, {} where it claims nothing or nothing compresses it."""
    if base is None or base.broadcasts_all:
        return {}
    # What workers hear is compressed as well: its constants enter the class beside those of the uplink.
    unbiased, ball = base.downlink.claim(Unbiased, d), base.downlink.claim(Contractive, d)
    if unbiased is not None:
        return {"omega_down": unbiased.omega}
    return {} if ball is None else {"delta_down": ball.delta}


def _outside(base: BodyMethod | None, claim: Mapping[str, object]) -> str:
    """Why no class of the worst case holds the runs of an instance; "" where one does."""
    try:
        if base is not None:
            check_instance(base, heard="delta_down" in claim or "omega_down" in claim)
    except Unsupported as reason:
        return str(reason)
    return ""


def _plain(
    kind: type[BodyMethod], compressor: Messages, fixed: Mapping[str, Number], gamma: Number | None
) -> Method | None:
    """What a user makes of the class, None where it plans these parameters itself."""
    try:
        return kind(compressor, **({} if gamma is None else {"gamma": gamma}), **fixed)
    except (TypeError, CompthError):
        return None


def _exact_lines(made: Method, problem: Problem) -> tuple[list[tuple[str, str]], dict[str, object]]:
    """Exact rates on the problem: the largest stable step, the best one, and at its own step rate and floor.

    made: a method with all its parameters. Unsupported models are one line with the reason. Numbers that did not
    converge are left out of the dict.
    """
    from compth.dynamics import best_step, exact_rate, max_stable_step, stationary

    lines: list[tuple[str, str]] = []
    numbers: Json = {}
    try:
        # The largest step at which second moments stay bounded, as a bracket: what
        # did not converge is told as one, and not as a number.
        top = max_stable_step(made, problem, tol=1e-4)
        steps = f"gamma < {top:.4g}" if np.isfinite(top) else "every gamma"
        lines.append(("stable steps", steps if top.converged else _between(top.bracket)))
        numbers |= {"max_stable_step": float(top)} if top.converged else {}
        gamma, best = best_step(made, problem, tol=1e-2)
        if best.converged:
            numbers |= {"best_step": float(gamma), "best_rate": best.rho}
            lines.append(("best exact rate", f"{best.rho:.6g} at gamma={gamma:.4g}"))
        if made.gamma is not None:
            found = exact_rate(made, problem)
            numbers |= {"exact_rate": found.rho} if found.converged else {}
            shown = f"{found.rho:.6g}" if found.converged else _between(found.bracket)
            lines.append(("exact rate", f"{shown} at gamma={_short(made.gamma)}"))
            floor = stationary(made, problem)
            if floor.converged and np.isfinite(floor.mean_square):
                numbers["floor"] = floor.mean_square
                lines.append(
                    ("floor of E||x-x*||^2", f"{floor.mean_square:.4g}" if floor.mean_square > 0 else "none")
                )
    except CompthError as reason:
        lines.append(("exact dynamics", f"not derived: {reason}"))
    return lines, numbers


def _between(bracket: tuple[float, float]) -> str:
    """What is known of a number that did not converge."""
    return f"not converged: between {bracket[0]:.4g} and {bracket[1]:.4g}"


def _short(v: Number) -> str:
    """Six digits; whole numbers as they are."""
    return str(v) if isinstance(v, int) else f"{float(v):.6g}"


__all__ = ["MethodAnalysis", "Setting", "analyse"]
