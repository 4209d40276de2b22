"""Which method and class a worst case is asked of, the parameters, and which runs it speaks of.

The one door between names, classes and instances on one side and a `Question` on the other: what is refused here is
never derived from. A class that runs more than its body must not pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from compth._numbers import Number, ratio
from compth._own import hidden
from compth.calculus import induced_omega
from compth.claims import BiasVariance, Claim, Contractive, JointVariance, Unbiased
from compth.compressors import Independent
from compth.errors import CompthError, InvalidParameter, Unsupported, require
from compth.methods import Constants, Method, catalogue
from compth.methods.core.body import NOTHING, BodyMethod, runs_its_body
from compth.text.specs import meant
from compth.worst_case.question import Question, known_of
from compth.worst_case.told import Kind, Told


@dataclass(frozen=True)
class Named:
    """A method as it was asked for.

    kind: the body's class, or what a file's process tells of it. name: as it was spelled. claim: the one that its
    compressors must make, None for any. most_workers: beyond which its closed form does not hold, None for none.
    """

    kind: Kind
    name: str
    claim: type[Claim] | None
    most_workers: int | None = None


@cache
def names() -> Mapping[str, Named]:
    """What a worst case may be asked of by name: bodies of the catalogue, and their closed forms by alias."""
    bodies = {name: kind for name, kind in catalogue().items() if issubclass(kind, BodyMethod)}
    out: dict[str, Named] = {}
    for name, kind in bodies.items():
        known = known_of(kind)
        # A closed form without an alias says which claim its method is asked with; else what the method
        # requires.
        found = next((k.claim for k in known if not k.alias), required_claim(kind))
        out[name] = Named(kind, name, found)
        out |= {k.alias: Named(kind, k.alias, k.claim, k.most_workers) for k in known if k.alias}
    # The paper's spelling ("EF-BV") where the class's name differs; a name that is taken keeps its meaning.
    for name, kind in bodies.items():
        out.setdefault(kind.name, out[name])
    return MappingProxyType(out)


def required_claim(kind: type[Method] | Told) -> type[Claim] | None:
    """Contractive or Unbiased, whichever the method asks of its compressors; None where it takes either."""
    return next((c for c in kind.requires if c in (Contractive, Unbiased)), None)


def asked_for(method: object) -> Named:
    """The body of a name, a class or an instance. InvalidParameter for what is none.

    Unsupported where the class runs more than its body.
    """
    if isinstance(method, str):
        known = names()
        outside = catalogue().get(method)
        require(
            outside is None or method in known,
            f"method={method!r} is not written as a body: nothing is derived",
        )
        if method not in known:  # what was meant takes longer to find than all else here
            said = meant(method, known, "`compth list` shows them all")
            raise InvalidParameter(f"method={method!r} is not known: {said}")
        body_of(known[method].kind)
        return replace(known[method], name=method)
    kind = body_of(method)
    if kind is None:
        raise InvalidParameter(f"method={method!r} is no method written as a body, nor the name of one")
    return Named(kind, kind.__name__, required_claim(kind))


def body_of(method: object) -> Kind | None:
    """The class of a body, None for any other; Unsupported where the class runs more than its body."""
    if isinstance(method, Told):
        return method
    # What a class runs besides its body (an init, a step of its own) is not in the trace: nothing derived from
    # the body would be true of its runs. So every such class is refused, with the reason.
    kind = method if isinstance(method, type) else type(method)
    if not issubclass(kind, BodyMethod):
        return None
    if not runs_its_body(kind) or (method is not kind and hidden(method)):
        raise Unsupported(f"{kind.__name__} changes what its body says: no worst case is derived from it")
    if kind.__dataclass_fields__["oracle"].default is not None:
        raise Unsupported(f"{kind.__name__} draws its gradients: stochastic gradients are outside the class")
    # a body that broadcasts, whose instances take no downlink: its compressor is the broadcast's, not the workers'
    if not kind.__dataclass_fields__["downlink"].init and "broadcast" in kind.body.__code__.co_names:
        raise Unsupported(f"{kind.__name__} compresses what it broadcasts: no worst case is derived from it")
    if _draws_together(kind):
        raise Unsupported(f"{kind.__name__}: its workers draw together: they are outside the class")
    return kind


@cache
def _draws_together(kind: type[BodyMethod]) -> bool:
    """True for a class that brings its own compressors, and its workers do not draw independently."""
    return not kind.takes_compressor and not all(isinstance(m.fleet, Independent) for m in kind.examples())


def question(
    named: Named,
    mu: Number,
    L: Number,
    delta: Number | None,
    omega: Number | None,
    eta: Number | None,
    n: int,
    delta_down: Number | None = None,
    omega_down: Number | None = None,
    bounded: bool = False,
) -> Question:
    """Checked constants: delta (contractive), or omega with eta (bias), or omega and delta (the induced compressor).

    mu, L: of every f_i, 0 < mu <= L. n: workers. delta_down or omega_down: of a compressed broadcast. bounded: also
    where the worst case is bounded alone. Raises InvalidParameter for constants out of range or of another claim,
    Unsupported for a broadcast that the body does not make and for more workers than its closed form is known for.
    """
    require(0 < mu <= L < float("inf"), f"mu={mu}, L={L} need 0 < mu <= L")
    require(isinstance(n, int) and n >= 1, f"n={n!r} must be a whole number of workers, at least 1")
    given = f"delta={delta}, omega={omega}, eta={eta}"
    _check_claim(named, given, delta, omega, eta)
    require(eta is None or (omega is not None and delta is None), f"{given}: eta goes with omega")
    require(delta is None or 0 < delta <= 1, f"delta={delta} must satisfy 0 < delta <= 1")
    require(omega is None or 0 <= omega < float("inf"), f"omega={omega} must be finite and at least 0")
    require(eta is None or 0 <= eta < 1, f"eta={eta} must satisfy 0 <= eta < 1")
    if named.most_workers is not None and n > named.most_workers:
        raise Unsupported(
            f"n={n}: the tight rate of {named.name} is known for {named.most_workers} worker; use EF or EF21"
        )
    # A contractive compressor corrected by an unbiased one of its error (Horvath, Richtarik 2021) is unbiased.
    if omega is not None and delta is not None:
        omega, delta = induced_omega(delta, omega), None
    down = _broadcast(named, delta_down, omega_down)
    found = Question(named.kind, mu, L, delta, omega, eta, n, named.name, *down, bounded)
    alias = "" if found.known is None else found.known.alias
    return replace(found, method=alias) if alias else found


def _broadcast(
    named: Named, delta: Number | None, omega: Number | None
) -> tuple[Number | None, Number | None]:
    """(delta, omega) of the broadcast's compressor, checked; None for one that sends everything."""
    given = f"delta_down={delta}, omega_down={omega}"
    require(delta is None or omega is None, f"{given}: give one of them")
    require(delta is None or 0 < delta <= 1, f"{given} must satisfy 0 < delta_down <= 1")
    require(omega is None or 0 <= omega < float("inf"), f"{given} must be finite and at least 0")
    if (delta is None or delta == 1) and not omega:
        return None, None
    code = getattr(getattr(named.kind, "body", None), "__code__", None)
    if code is not None and "broadcast" not in code.co_names:
        raise Unsupported(f"{given}: the body of {named.name} broadcasts nothing")
    return delta, omega


def _check_claim(
    named: Named, given: str, delta: Number | None, omega: Number | None, eta: Number | None
) -> None:
    """InvalidParameter where the constants are not those of the claim that the method's compressors make."""
    name, claim = named.name, named.claim
    require(
        delta is not None or omega is not None, f"{given}: {name} needs delta or omega of its compressors"
    )
    if claim is Contractive:
        require(omega is None and eta is None, f"{given}: {name} takes delta alone")
    if claim is Unbiased:
        require(omega is not None, f"omega={omega}: {name} needs the variance of its compressors")
        require(eta is None, f"eta={eta} is a bias: the compressors of {name} are unbiased")


def all_params(
    q: Question, given: Mapping[str, Number | None], instance: Mapping[str, object] = MappingProxyType({})
) -> dict[str, Number]:
    """Every parameter besides gamma: given, the instance's, the body's default, or its rule; else InvalidParameter."""
    kind, out = q.kind, dict[str, Number]()
    for name, value in given.items():
        require(
            value is None or name in kind.signature.params, f"{name}={value} is no parameter of {q.method}"
        )
    for name, default in kind.signature.params.items():
        # In this order: the call, the instance, the body's default, the closed form's or the method's own
        # rule.
        value = next(
            (v for v in (given.get(name), instance.get(name), default) if v is not None and v is not NOTHING),
            None,
        )
        out[name] = _step_rule_parameters(q).get(name) if value is None else value
        if out[name] is None:
            raise InvalidParameter(f"{kind.__name__} needs {name}=...: nothing plans it")
    return out


def _step_rule_parameters(q: Question) -> dict[str, object]:
    """Parameters that go with the best step in closed form, else those of the method's own rule; {} without either."""
    if q.known is not None:
        return dict(q.known.best(q)[1])
    if isinstance(q.kind, Told):  # a rule of the file's own is not known here
        return {}
    try:
        made = q.kind()
        if type(made).default_params is BodyMethod.default_params:  # no rule of its own
            return {}
        return dict(made.read_from(made.default_params(_constants(q))))
    except (
        CompthError,
        TypeError,
        AttributeError,
        LookupError,
    ):  # no rule, or these constants do not suffice
        return {}


def _constants(q: Question) -> Constants:
    """What the method's own rule may read of the class."""
    found = constants_of(q.mu, q.L, q.n, q.delta, q.omega, q.eta)
    if not q.downlink:
        return found
    biased = q.omega_down is None
    return found.but(
        omega_down=float("inf") if biased else q.omega_down, delta_down=q.delta_down if biased else 0
    )


def constants_of(
    mu: Number,
    L: Number,
    n: int,
    delta: Number | None = None,
    omega: Number | None = None,
    eta: Number | None = None,
) -> Constants:
    """What a theorem may see of the class: every L_i = L, a shared minimiser, independent workers."""
    # JointVariance is what independence gives: the mean of n independent errors has variance omega/n.
    claims: list[Claim] = [] if delta is None else [Contractive(delta)]
    if omega is not None:
        claims += (
            [BiasVariance(eta, omega)] if eta else [Unbiased(omega), JointVariance(ratio(omega, n), 0, n)]
        )
    return Constants(
        n=n,
        d=1,
        L=L,
        mu=mu,
        L_max=L,
        L_tilde=L,
        mu_min=mu,
        L_plus=L,
        independent=True,
        claims=tuple(claims),
    )


def check_instance(method: object, heard: bool = False) -> None:
    """Unsupported for an instance whose run is not the body on exact gradients with an uncompressed downlink.

    heard: the class says what its compressed broadcast claims.
    """
    # a name or a class has no settings of its own; a body that is told was checked where it lives
    if not isinstance(method, BodyMethod):
        return
    if method.oracle is not None:
        raise Unsupported(f"{method.label}: stochastic gradients are outside the class: leave oracle out")
    if not (method.broadcasts_all or heard):
        raise Unsupported(
            f"{method.label}: a compressed broadcast is outside the class without its constant: give delta_down=..."
            " or omega_down=..., or leave downlink out"
        )
    if not isinstance(method.fleet, Independent):
        raise Unsupported(
            f"{method.label}: workers that draw together are outside the class: use independent ones"
        )


def body_asked(
    method: object,
    mu: Number,
    L: Number,
    delta: Number | None,
    omega: Number | None,
    eta: Number | None,
    n: int,
    given: Mapping[str, Number | None],
    down: tuple[Number | None, Number | None] = (None, None),
    bounded: bool = False,
) -> tuple[Question, dict[str, Number], Number | None]:
    """(question, parameters, the instance's gamma). A body's parameter named as a constant of the class is that one.

    down: delta and omega of the broadcast. bounded: as in `question`.

    eta alone is the body's own where it has such a parameter: it is then no bias of the compressors.
    """
    named = asked_for(method)
    check_instance(method, heard=down != (None, None))
    used, gamma = _of_instance(method)
    own, values = named.kind.signature.params, dict(given)
    # A body may have a parameter called eta; it is then no bias, and the class is that of omega or delta
    # alone.
    if "eta" in own:
        values["eta"], eta = eta, None
    asked = question(named, mu, L, delta, omega, eta, n, *down, bounded=bounded)
    shared = {"mu": mu, "L": L, "n": n, "delta": delta, "omega": omega}
    values |= {k: v for k, v in shared.items() if k in own}
    return asked, all_params(asked, values, used), gamma


def unset_parameters(method: object, given: Mapping[str, object]) -> list[str]:
    """The body's parameters that neither `given` (constants of the class among them) nor an instance gives."""
    used, _ = _of_instance(method)
    own = asked_for(method).kind.signature.params
    return [k for k in own if given.get(k) is None and used.get(k) in (None, NOTHING)]


def _of_instance(method: object) -> tuple[Mapping[str, object], Number | None]:
    """The parameters and the step that an instance brings."""
    if isinstance(method, Told):
        return method.given, method.gamma
    if not isinstance(method, BodyMethod):
        return {}, None
    return {k: getattr(method, k, None) for k in method.signature.params}, method.gamma
