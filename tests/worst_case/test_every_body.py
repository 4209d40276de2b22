"""Every method that is a body: worst quadratic found <= LMI's value <= certified <= LMI's value + 1e-5 (1 - rho)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

import compth as ct
from compth.claims import Contractive, Unbiased
from compth.errors import InvalidParameter, Unsupported
from compth.methods.core.body import BodyMethod, with_all_parameters
from compth.problems import distributed_quadratic
from compth.worst_case import tight
from compth.worst_case.bodies import all_params, asked_for, question
from compth.worst_case.inequalities import SHARED
from compth.worst_case.question import known_of
from compth.worst_case.rational import spelled
from compth.worst_case.solver import Pencil
from compth.worst_case.tight_radius import attained_by
from tests.methods import bodies
from tests.thorough import thorough, tries

pytest.importorskip("clarabel")
MU, L, N, GAMMA = F(1, 10), F(1), 2, F(1, 8)
CLAIMS = {"omega": F(1), "delta": F(3, 4)}


@ct.method
def HeavyBall(w, x, y: ct.Server = ct.copy_of_start, *, gamma, beta):
    """Momentum: x - y is the last step."""
    return dict(x=x - gamma * w.mean(w.compress(w.gradient(x))) + beta * (x - y), y=x)


@ct.method
def Momentum21(w, x, g: ct.Worker, v: ct.Worker, *, gamma, beta):
    """EF21 whose workers follow their gradients slowly: two memories and momentum."""
    after = x - gamma * w.mean(g)
    follow = v + beta * (w.gradient(after) - v)
    return dict(x=after, g=g + w.compress(follow - g), v=follow)


@ct.method
def Separate(w, x, h: ct.Worker, *, gamma, alpha):
    """Two compressions of one difference: for the step, and for the memory."""
    gap = w.gradient(x) - h
    return dict(x=x - gamma * w.mean(h + w.compress(gap)), h=h + alpha * w.compress(gap))


@ct.method
def Ahead(w, x, p: ct.Server = ct.copy_of_start, *, gamma, beta):
    """Extrapolation: the gradient is taken ahead of x."""
    y = x + beta * (x - p)
    return dict(x=y - gamma * w.mean(w.compress(w.gradient(y))), p=x)


@ct.method
def ServerShift(w, x, s: ct.Server, *, gamma, alpha):
    """A slow server memory that all workers subtract."""
    m = w.mean(w.compress(w.gradient(x) - s))
    return dict(x=x - gamma * (s + m), s=s + alpha * m)


@ct.method
def Remembered(w, x, h: ct.Worker, e: ct.Worker, *, gamma, alpha):
    """Error feedback around learned shifts: two memories."""
    u = e + w.gradient(x) - h
    c = w.compress(u)
    return dict(x=x - gamma * w.mean(h + c), h=h + alpha * c, e=u - c)


HELD_BACK = {
    HeavyBall: {"beta": F(1, 4)},
    Momentum21: {"beta": F(1, 2)},
    Separate: {"alpha": F(1, 4)},
    Ahead: {"beta": F(1, 4)},
    ServerShift: {"alpha": F(1, 4)},
    Remembered: {"alpha": F(1, 8)},
}
ADIANA = {"theta": F(1, 4), "stride": F(1, 2), "beta": F(1, 2), "p": F(1, 4), "alpha": F(1, 4)}
GIVEN = {
    "ADIANA": ADIANA,
    "IASGD": {"mix": F(3, 10), "beta": F(9, 10), "momentum": F(3, 2)},
    "EFBV": {"lam": F(1, 8), "nu": F(1, 4)},
    "DIANA": {"alpha": F(1, 4)},
    "MARINA": {"p": F(1, 4)},
    "VRDIANA": {"alpha": F(1, 4), "p": F(1, 4)},
    "PAGE": {"p": F(1, 4)},
    "DASHAPAGE": {"a": F(1, 4), "p": F(1, 4)},
    "MARINAP": {"p": F(1, 4)},
    "LoCoDL": {"p": F(1, 4), "mix": F(2, 3), "lift": F(2, 9), "ridge": F(1, 20)},
}
"""Parameters of the catalogue's methods where no rule gives them, or for both kinds of compressors."""
CATALOGUE = [kind for kind in ct.methods.catalogue().values() if issubclass(kind, BodyMethod)]


def methods():
    """(class, parameters) of every body: the catalogue's, the tests', and those held back from both."""
    found = [
        (getattr(bodies, k), {a: F(v) for a, v in params.items()}) for k, params in bodies.PARAMS.items()
    ]
    found += HELD_BACK.items()
    return found + [(kind, GIVEN.get(kind.__name__, {})) for kind in CATALOGUE]


REFUSED = {
    "Counted": "depends on d", "Parted": "drawn parts", "Sampling": "drawn parts", "Sketched": "applied several times",
    "Subnetwork": "applied several times", "IST": "applied several times", "GDCI": "compresses what it broadcasts",
    "NSEGA": "depends on d", "SEGA": "depends on d", "SGD": "draws its gradients", "SGDStar": "draws its gradients",
    "VRDIANA": "drawn parts", "SAGA": "draw together", "NSAGA": "draw together", "JacSketch": "draw together",
    "PAGE": "drawn parts", "DASHAPAGE": "drawn parts", "MAST": "applied several times",
    "LocalIST": "applied several times",
    "RelaxedGDCI": "no rate", "CompressedScaffnew": "draw together", "LSVRG": "draw together",
}  # fmt: skip
"""Bodies that the LMI does not cover, and what is said."""


def said(kind, claim):
    """What refuses this case, None for a covered one: another claim than it requires, or a body that is not covered."""
    if Contractive in kind.requires and claim != "delta":
        return "takes delta alone"
    if Unbiased in kind.requires and claim != "omega" and kind is not ct.GDCI:
        return "needs the variance"
    return REFUSED.get(kind.__name__)


CASES = [(kind, params, claim) for kind, params in methods() for claim in CLAIMS]
COVERED = [case for case in CASES if said(case[0], case[2]) is None]


def the_question(kind, params, claim):
    """(question, all parameters)."""
    given = {k: CLAIMS[k] if k == claim else None for k in ("delta", "omega")}
    q = question(asked_for(kind), MU, L, given["delta"], given["omega"], None, N, bounded=True)
    return q, all_params(q, params)


def lmi_value(q, params, low):
    """The least rho at which the LMI has an interior, by bisection in floats: of the small and of the full model."""
    best = 1.0
    for full in (False, True):
        pencil = Pencil(q.model(GAMMA, params, full=full))
        failed, passed = low, 1.0
        while passed - failed > 1e-7 * (1 - low):
            middle = (failed + passed) / 2
            failed, passed = (
                (failed, middle) if pencil.largest_margin(middle).margin > 0 else (middle, passed)
            )
        best = min(best, passed)
    return best


def worst_found(kind, params, claim, shared):
    """The largest exact rate on quadratics with spectra in [mu, L], turned against one another."""
    compressor = {"omega": ct.RandK(1), "delta": ct.Scaled(ct.Identity(), factor=1.5)}[claim]
    given = {k: float(v) for k, v in params.items()}
    made = with_all_parameters(kind)(
        compressor, **given, **({"gamma": float(GAMMA)} if kind.signature.takes_gamma else {})
    )
    rng, found = np.random.default_rng(3), []
    few = len(kind.signature.worker) > 1 or len(kind.signature.server) > 2  # their joint moments take long
    for k in range(2 if few else 6):
        values = rng.choice([float(MU), 1.0], (N, 2)) if k % 2 else rng.uniform(float(MU), 1.0, (N, 2))
        turns = np.linalg.qr(rng.standard_normal((N, 2, 2)))[0]
        a = np.einsum("nij,nj,nkj->nik", turns, values, turns)
        b = np.zeros((N, 2)) if shared else rng.standard_normal((N, 2))
        problem = distributed_quadratic((a + np.swapaxes(a, 1, 2)) / 2, b)
        found.append(ct.exact_rate(made, problem).rho)
    return max(found)


@pytest.mark.parametrize(("kind", "params", "claim"), [case for case in CASES if case not in COVERED])
def test_what_is_not_covered_says_why(kind, params, claim):
    names = [kind, *([kind.__name__, kind.name] if kind in CATALOGUE else [])]
    for method in names:
        with pytest.raises((Unsupported, InvalidParameter), match=said(kind, claim)):
            ct.tight_rate(method, mu=MU, L=L, n=N, gamma=GAMMA, **{claim: CLAIMS[claim]}, **params)


@thorough
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "params", "claim"), COVERED[:: tries(3, 1)], ids=lambda v: getattr(v, "__name__", str(v))
)
def test_worst_found_lmi_and_certified_are_in_order(kind, params, claim):
    q, params = the_question(kind, params, claim)
    model = q.model(GAMMA, params, full=False)
    found = ct.tight_rate(kind, mu=MU, L=L, n=N, gamma=GAMMA, **{claim: CLAIMS[claim]}, **params)
    if found.certified is None:  # the LMI proves nothing there: at a rate below 1 it has no interior
        assert lmi_value(q, params, min(found.attained, 1.0)) > 1 - 1e-3
        return
    gap = 1 - found.certified
    value = lmi_value(q, params, found.attained - 1e-6 * gap)
    worst = max(found.attained, worst_found(kind, params, claim, SHARED in model.assumptions))
    assert found.certificate.check()
    assert worst <= found.certified * (1 + 1e-9)
    assert worst <= value + 1e-6 * gap
    assert found.certified <= value + 1e-5 * gap


def test_every_body_is_a_case():
    names = {kind.__name__ for kind, _, _ in CASES}
    assert names >= {kind.__name__ for kind in CATALOGUE} | {kind.__name__ for kind in HELD_BACK}
    made = {k for k, v in vars(bodies).items() if isinstance(v, type) and issubclass(v, BodyMethod)}
    assert names >= made - {"Iterates"}  # without a downlink it is gradient descent


@pytest.mark.parametrize("kind", HELD_BACK, ids=lambda kind: kind.__name__)
def test_held_back_methods_are_certified_through_the_public_form(kind):
    claim = "delta" if kind in (Momentum21, Remembered) else "omega"
    found = ct.tight_rate(kind, mu=MU, L=L, n=N, gamma=GAMMA, **{claim: CLAIMS[claim]}, **HELD_BACK[kind])
    assert found.certificate.check()
    assert found.attained <= found.certified < 1
    assert found.tight


CLOSED = [(kind, k) for kind in CATALOGUE for k in known_of(kind)]


def disagreement(question_of, known, claim):
    """How far the closed form is from what is attained, and from its own certificate, over random constants."""
    rng, worst = np.random.default_rng(11), 0.0
    for _ in range(6):
        n = 1 if known.most_workers == 1 else int(rng.integers(1, 9))
        q = question_of(F(int(rng.integers(2, 60)), 80), claim(rng), n)
        rho, (gamma, params) = float(known.factor(q)), known.best(q)
        model = q.model(gamma, params, full=False)
        at = (spelled(gamma), {k: spelled(v) for k, v in params.items()})
        certified = tight._closed(q.rational(), known.factor(q), *at)
        if certified is None:
            return 1.0
        worst = max(worst, abs(rho - attained_by(model)[0]), abs(rho - float(certified.rho)))
    return worst


@pytest.mark.parametrize(
    ("kind", "known"), CLOSED, ids=[f"{k.__name__} {c.claim.__name__}" for k, c in CLOSED]
)
def test_every_closed_form_is_attained_and_certified(kind, known):
    contractive = known.claim is Contractive

    def question_of(mu, constant, n):
        delta, omega = (constant, None) if contractive else (None, constant)
        return question(asked_for(known.alias or kind.__name__), mu, F(1), delta, omega, None, n)

    def claim(rng):
        return F(int(rng.integers(2, 38)), 40) if contractive else F(int(rng.integers(1, 60)), 10)

    assert disagreement(question_of, known, claim) < 1e-9
    # planted: a rate a thousandth too small, a step that is not the best one
    small = replace(known, factor=lambda q: known.factor(q) * F(999, 1000))
    assert disagreement(question_of, small, claim) > 1e-4
    long = replace(known, best=lambda q: (known.best(q)[0] * F(11, 10), known.best(q)[1]))
    assert disagreement(question_of, long, claim) > 1e-4
