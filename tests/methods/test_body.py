"""Methods written as one body: what is read, what is refused and on which line, what a round costs."""

from __future__ import annotations

import dataclasses
import pickle
from fractions import Fraction as F

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter, Unsupported
from compth.methods.core.centre import centre_of, without_invariants
from compth.methods.core.program import bills, carried, known_to_server
from compth.methods.core.vectors import InPlace, Underivable
from compth.problems import random_quadratic
from tests.methods import bodies
from tests.methods.bodies import PARAMS, made

PROBLEM = random_quadratic(3, 4, 8, seed=0)


def program(name, downlink=False, **more):
    method = made(name, ct.RandK(1), downlink=ct.RandK(1) if downlink else ct.Identity())
    params = {k: F(v) for k, v in {**PARAMS.get(name, {}), **more}.items()}
    return method.program({"gamma": F(1, 4), **params}, 3, 4)


def test_a_body_is_an_ordinary_method():
    method = bodies.DianaMomentum(ct.RandK(k=2), gamma=0.1, alpha=0.25, beta=0.5)
    assert isinstance(method, ct.Method)
    assert method.label == "DianaMomentum RandK(k=2)"
    assert bodies.DianaMomentum.__doc__ == "DIANA with heavy-ball momentum."
    assert pickle.loads(pickle.dumps(method)) == method
    run = ct.simulate(method, PROBLEM, 300, 40, seed=1)
    exact = ct.exact(method, PROBLEM, 300)
    assert np.abs(run.mean_square[::20] - exact.mean_square[::20]).max() < 7 * run.se_square[::20].max()
    table = ct.compare([method, ct.DIANA(ct.RandK(k=2))], PROBLEM, steps=60, runs=8).table()
    assert "DianaMomentum" in table
    assert ct.simulate(method, PROBLEM, 30, 70, seed=1, threads=2).mean_square.tobytes() == (
        ct.simulate(method, PROBLEM, 30, 70, seed=1).mean_square.tobytes()
    )


def test_parameters_are_numbers_and_those_given_stay():
    with pytest.raises(InvalidParameter, match="alpha='a'"):
        bodies.Shifted(ct.RandK(1), gamma=0.1, alpha="a")
    assert dict(bodies.DianaMomentum(ct.RandK(1), 0.1, 0.5).default_params(None)) == {"alpha": 0.5, "beta": 0}


Own = ct.Worker


def one(w, x, *, gamma):
    return dict(x=x)


def unmarked(w, x, h, *, gamma):
    return dict(x=x, h=h)


def starred(w, x, *rest, gamma):
    return dict(x=x)


def reserved(w, x, sent: ct.Server, *, gamma):
    return dict(x=x, sent=sent)


def clash(w, x, *, gamma, step):
    return dict(x=x)


def other(w, y, *, gamma):
    return dict(y=y)


def begins(w, x, h: ct.Worker = 3, *, gamma):
    return dict(x=x, h=h)


def ready(w, x, *, gamma=1):
    return dict(x=x)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (unmarked, "mark every vector"),
        (starred, "write every vector"),
        (reserved, "sent is a name of the library"),
        (clash, "step is a name of the library"),
        (other, "must be x"),
        (begins, "must begin at"),
        (ready, "gamma takes no default"),
        (3, "needs a function"),
    ],
)
def test_a_signature_that_cannot_be_read_is_refused(body, says):
    with pytest.raises(InvalidParameter, match=says):
        ct.method(body)


def test_annotations_may_be_text_and_are_looked_up_not_evaluated():
    def body(w, x, h: Own, m: "ct.Server", *, gamma):  # noqa: UP037
        return dict(x=x - gamma * w.mean(w.gradient(x)), h=h, m=m)

    form = ct.method(body).signature
    assert form.worker == ("h",)
    assert form.server == ("x", "m")
    body.__annotations__["h"] = "__import__('os').getcwd()"
    with pytest.raises(InvalidParameter, match="mark every vector"):
        ct.method(body)


@ct.method
def InPlaceMemory(w, x, h: ct.Worker, *, gamma):
    c = w.compress(w.gradient(x) - h)
    h += c
    return dict(x=x - gamma * w.mean(h), h=h)


@ct.method
def InPlaceNumpy(w, x, h: ct.Worker, *, gamma):
    c = w.compress(w.gradient(x) - h)
    np.add(h, c, out=h)
    return dict(x=x - gamma * w.mean(h), h=h)


@ct.method
def Normalised(w, x, *, gamma):
    g = w.mean(w.gradient(x))
    return dict(x=x - gamma * g / np.linalg.norm(g, axis=-1, keepdims=True))


@ct.method
def Branching(w, x, *, gamma):
    g = w.mean(w.gradient(x))
    return dict(x=x - gamma * g if (g * g).sum() > 1 else x)


@ct.method
def Product(w, x, m: ct.Server, *, gamma):
    return dict(x=x - gamma * m * m, m=w.mean(w.gradient(x)))


@ct.method
def Parametric(w, x, *, gamma, alpha):
    g = w.mean(w.compress(w.gradient(x)))
    return dict(x=x - gamma * g if alpha < 1 else x - gamma / 2 * g)


@ct.method
def TwoFaced(w, x, *, gamma):
    """Halves its step on arrays only."""
    g = w.mean(w.gradient(x))
    return dict(x=x - (gamma / 2 if isinstance(x, np.ndarray) else gamma) * g)


KEPT = []


@ct.method
def Remembering(w, x, *, gamma):
    """Uses last round's gradient behind the state's back."""
    KEPT.append(w.mean(w.gradient(x)))
    return dict(x=x - gamma * KEPT[max(len(KEPT) - 2, 0)])


@ct.method
def Drawing(w, x, *, gamma):
    return dict(x=x - gamma * np.random.default_rng().random() * w.mean(w.gradient(x)))


@pytest.mark.parametrize("kind", [InPlaceMemory, InPlaceNumpy])
def test_an_update_in_place_is_refused_with_its_line(kind):
    method = kind(ct.RandK(1), gamma=0.1)
    text = {InPlaceMemory: r"h \+= c", InPlaceNumpy: r"np.add\(h, c, out=h\)"}[kind]
    with pytest.raises(InvalidParameter, match=rf"line \d+ \({text}\): an in-place update"):
        ct.simulate(method, PROBLEM, 3, 2)
    with pytest.raises((InvalidParameter, Unsupported), match=text):
        ct.exact(method, PROBLEM, 3)


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (Normalised, "np.linalg.norm", ""),
        (Branching, r"\(g \* g\)", "a vector times a vector"),
        (Product, r"m \* m", "a vector times a vector"),
    ],
)
def test_what_is_not_linear_simulates_and_says_which_line(kind, text, says):
    method = kind(ct.Identity(), gamma=0.01)
    with pytest.raises(Underivable, match=text) as found:
        ct.exact(method, PROBLEM, 3)
    assert found.value.line > 0
    assert says in str(found.value)
    if kind is not Branching:  # numpy itself has no truth value for it
        assert ct.simulate(method, PROBLEM, 5, 3).mean_square[-1] < 1e3


@ct.method
def Sized(w, x, *, gamma):
    """Halves its step for many replicates, where arrays have a size."""
    g = w.mean(w.gradient(x))
    try:
        few = len(x) < 8
    except Exception:
        few = True
    return dict(x=x - (gamma if few else gamma / 2) * g)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (TwoFaced, r"asks what it is given \(isinstance\)"),
        (Remembering, "its steps are not all the same"),
        (Drawing, "reads numpy.random, whose state is not followed"),
        (Sized, "goes on after a refusal"),
    ],
)
def test_a_body_that_does_otherwise_on_arrays_derives_nothing(kind, says):
    with pytest.raises(Underivable, match=says):
        ct.exact(kind(ct.Identity(), gamma=0.1), PROBLEM, 3)


def test_control_flow_on_parameters_is_taken_again():
    slow, fast = Parametric(ct.RandK(1), gamma=0.2, alpha=1), Parametric(ct.RandK(1), gamma=0.2, alpha=0.5)
    a, b = ct.exact(slow, PROBLEM, 10), ct.exact(fast, PROBLEM, 10)
    assert a.mean_square == pytest.approx(
        ct.exact(ct.DCGD(ct.RandK(1), 0.1), PROBLEM, 10).mean_square, rel=1e-12
    )
    assert b.mean_square == pytest.approx(
        ct.exact(ct.DCGD(ct.RandK(1), 0.2), PROBLEM, 10).mean_square, rel=1e-12
    )


def test_a_server_vector_must_be_common():
    @ct.method
    def Wrong(w, x, *, gamma):
        return dict(x=x - gamma * w.gradient(x))

    with pytest.raises(InvalidParameter, match="differs between the workers"):
        ct.exact(Wrong(ct.Identity(), gamma=0.1), PROBLEM, 3)

    @ct.method
    def Missing(w, x, h: ct.Worker, *, gamma):
        return dict(x=x)

    with pytest.raises(InvalidParameter, match="must return a dict of its state, x, h"):
        ct.simulate(Missing(ct.Identity(), gamma=0.1), PROBLEM, 3, 2)


def test_a_downlink_needs_a_broadcast():
    with pytest.raises(Unsupported, match="its body broadcasts nothing"):
        ct.simulate(made("DianaMomentum", ct.RandK(1), downlink=ct.RandK(1)), PROBLEM, 3, 2)


@pytest.mark.parametrize(
    ("name", "messages", "full", "known"),
    [
        ("Gradient", [0], [1], set()),
        ("Compressed", [1], [0], set()),
        ("Feedback", [1], [0], set()),
        ("Learned", [1], [0], {"g"}),
        ("Shifted", [1], [0], {"h"}),
        ("Marina", [0, 1], [1, 0], set()),
        ("Accelerated", [2, 2], [0, 0], {"h"}),
        ("Control", [1], [0], {"h"}),
        ("Slow", [1], [0], {"h"}),
        ("Reference", [1, 1], [1, 1], set()),
    ],
)
def test_bits_follow_from_who_knows_what(name, messages, full, known):
    found = program(name)
    assert known_to_server(found) == known
    assert [(len(b.messages), b.full) for b in bills(found)] == list(zip(messages, full, strict=True))


def test_a_gradient_that_the_next_round_takes_again_is_carried():
    assert carried(program("Marina")) == (1, 0)
    assert carried(program("Shifted")) is None

    class Counting:
        def __init__(self, problem):
            self._problem, self.calls = problem, 0

        def gradients(self, x):
            self.calls += 1
            return self._problem.gradients(x)

        def __getattr__(self, name):
            return getattr(self._problem, name)

    seen = Counting(PROBLEM)
    ct.simulate(made("Marina", ct.RandK(1)), seen, 20, 4)
    assert seen.calls <= 20 + 4  # one a round, not two


def test_invariants_and_fixed_points():
    plain, gone = without_invariants(program("Copied"))
    assert gone == {"H": {"h": 1}}
    assert plain.server == ("x",)
    assert without_invariants(program("Control"))[1] == {}
    tiers = {"Shifted": 1, "Learned": 1, "Marina": 1, "Accelerated": 1, "Control": 1, "Slow": 2, "Spread": 2,
             "Feedback": 2, "Compressed": 2, "DianaMomentum": 1, "Reference": 1}  # fmt: skip
    assert {k: centre_of(program(k)).tier for k in tiers} == tiers
    assert centre_of(program("Iterates", downlink=True)).tier == 3
    assert centre_of(program("Shifted")).worker == {"h": (0, 1)}


def test_a_copy_that_does_not_begin_as_one_stays():
    @ct.method
    def Apart(w, x, h: ct.Worker, H: ct.Server = ct.gradient_at_start, *, gamma):
        m = w.mean(w.compress(w.gradient(x) - h))
        return dict(x=x - gamma * (H + m), H=H + m / 4, h=h + (w.compress(w.gradient(x) - h)) / 4)

    found = Apart(ct.RandK(1)).program({"gamma": F(1, 4)}, 3, 4)
    assert without_invariants(found)[1] == {}


def test_deriving_takes_no_time_to_speak_of():
    import timeit

    from compth.methods.core.body import trace

    kind = bodies.Accelerated
    params = {"gamma": F(1, 4), **{k: F(v) for k, v in PARAMS["Accelerated"].items()}}
    once = (
        timeit.timeit(
            lambda: trace(kind.body, kind.signature.server, kind.signature.worker, params, n=3, d=4), number=3
        )
        / 3
    )
    assert once < 1  # the target is 50 ms; a busy machine must not fail this


def test_in_place_is_an_error_of_its_own():
    assert issubclass(InPlace, InvalidParameter)
    assert issubclass(Underivable, Unsupported)


def parted(read):
    """A body that reads the parts in some way, on a sum of components."""

    def Parted(w, x, *, gamma):
        return dict(x=x - gamma * w.mean(read(w, x)))

    return ct.method(Parted)(ct.RandK(1), gamma=0.1)


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (lambda w, x: w.parts.gradient(x), "first w.parts.mean"),
        (lambda w, x: w.compress(w.parts.gradient(x)), "take w.parts.mean of it"),
        (lambda w, x: w.parts.gradient(w.compress(w.gradient(x))), "at the server's points"),
        (lambda w, x: w.parts.sample()(w.gradient(x)), "no vector for each part"),
    ],
)
def test_parts_are_refused_where_they_mean_nothing(read, says):
    method = parted(read)
    with pytest.raises(Underivable, match=says):
        method.program({"gamma": 0.1}, 2, 3)


def test_a_part_that_is_read_twice_and_an_oracle_beside_parts_have_no_exact_dynamics():
    def twice(w, x):
        part = w.parts.sample()
        return part(w.parts.gradient(x)) - part(w.parts.gradient(x)) / 2

    problem = ct.problems.random_finite_sum(2, 2, 3, 5, seed=0)
    large = ct.problems.random_finite_sum(2, 2, 130, 5, seed=0)
    with pytest.raises(ct.errors.Unsupported, match=r"line .*read twice"):
        ct.exact_rate(parted(twice), large)
    once = parted(lambda w, x: w.parts.sample()(w.parts.gradient(x)))
    assert ct.exact_rate(once, problem).converged
    with pytest.raises(ct.errors.Unsupported, match="drawn parts and an oracle"):
        ct.exact_rate(dataclasses.replace(once, oracle=ct.Minibatch(1)), problem)
    with pytest.raises(ct.errors.Unsupported, match="drawn parts are outside the class"):
        ct.tight_rate(type(once), mu=0.1, L=1, omega=2, n=2, gamma=0.5)


def test_the_mean_over_the_parts_is_the_workers_gradient():
    problem = ct.problems.random_finite_sum(2, 3, 4, 5, seed=0)
    mean, plain = parted(lambda w, x: w.parts.mean(w.parts.gradient(x))), parted(lambda w, x: w.gradient(x))
    assert ct.exact_rate(mean, problem).rho == ct.exact_rate(plain, problem).rho
    a, b = (ct.simulate(m, problem, 5, 2).mean_square for m in (mean, plain))
    assert a == pytest.approx(b, rel=1e-12)


def test_a_class_that_sees_another_problem_inherits_no_curve():
    class Elsewhere(bodies.Shifted):
        def seen(self, problem):
            return random_quadratic(3, 4, 2, seed=9)

    with pytest.raises(Unsupported, match="changes what its body says"):
        ct.exact_rate(Elsewhere(ct.RandK(1), gamma=0.1, alpha=0.25), PROBLEM)
    with pytest.raises(Unsupported, match="changes what its body says"):
        ct.tight_rate(Elsewhere, mu=0.1, L=1, omega=1, n=2, gamma=0.5, alpha=0.25)


def test_a_coin_takes_tuples_of_one_length():
    @ct.method
    def Torn(w, x, h: ct.Worker, *, gamma):
        a, b = w.coin(0.5, (x, h), (x,))
        return dict(x=a, h=b)

    with pytest.raises(Underivable, match="a coin between a vector and something else"):
        Torn(ct.RandK(1), gamma=0.1).program({"gamma": 0.1}, 2, 3)


@pytest.mark.parametrize("kind", [ct.DIANA, ct.MARINA, bodies.Learned])
def test_what_a_signature_says_cannot_be_written(kind):
    """DIANA.signature.start["h"] = "gradient" moved its runs, and its theorem stayed PROVED."""
    for held in (kind.signature.start, kind.signature.params):
        with pytest.raises(TypeError):
            held["h"] = "gradient"
        assert not hasattr(held, "clear")
    assert pickle.loads(pickle.dumps(kind(ct.RandK(1)))) is not None
