"""The tracer: exact laws of supported draws, refusal of all others, linear forms that refuse what is not linear."""

import itertools
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.certification.constants import positive_semidefinite
from compth.certification.linear import Form, verifier
from compth.certification.oracle import UNLIMITED, factored
from compth.certification.subject import as_subject
from compth.certification.tracer import NotTraceable, TooManyLeaves, TraceGenerator, leaves


def law(program):
    out = {}
    for leaf in leaves(program):
        value = leaf.output if not isinstance(leaf.output, np.ndarray) else tuple(leaf.output.tolist())
        out[value] = out.get(value, 0) + leaf.probability
    assert sum(out.values()) == 1
    return out


def test_finite_draws_have_their_exact_laws():
    assert law(lambda r: int(r.integers(3))) == {0: Fraction(1, 3), 1: Fraction(1, 3), 2: Fraction(1, 3)}
    assert law(lambda r: int(r.integers(2, 4, endpoint=True)))[4] == Fraction(1, 3)
    assert law(lambda r: int(r.binomial(2, 0.5))) == {0: Fraction(1, 4), 1: Fraction(1, 2), 2: Fraction(1, 4)}
    assert law(lambda r: tuple(sorted(r.choice(4, 2, replace=False).tolist()))) == dict.fromkeys(
        itertools.combinations(range(4), 2), Fraction(1, 6)
    )
    assert law(lambda r: int(r.choice(2, p=[0.25, 0.75])))[1] == Fraction(3, 4)
    assert law(lambda r: tuple(r.permutation(3).tolist())) == dict.fromkeys(
        itertools.permutations(range(3)), Fraction(1, 6)
    )
    assert law(lambda r: tuple(r.permuted([0, 1, 2]).tolist()))[2, 1, 0] == Fraction(1, 6)
    assert law(lambda r: tuple(r.multinomial(2, [0.5, 0.5]).tolist()))[1, 1] == Fraction(1, 2)


DRAWS = [
    lambda r: tuple(r.multinomial(1, [0.5, 0.3]).tolist()),  # the last probability is what the others leave
    lambda r: tuple(r.multinomial(2, [0.5, 0.5, 0.7]).tolist()),
    lambda r: tuple(r.multinomial(2, [0.5, 0.3, 0.2]).tolist()),
    lambda r: tuple(r.choice(4, 2, replace=False, shuffle=False).tolist()),  # a set in no uniform order
    lambda r: tuple(r.choice(4, 3, replace=False, shuffle=False).tolist()),
    lambda r: tuple(r.choice(3, 3, replace=False, shuffle=False).tolist()),
    lambda r: tuple(r.choice(4, 2, shuffle=False).tolist()),
    lambda r: tuple(r.choice(3, 2, replace=False, shuffle=False, p=[0.2, 0.3, 0.5]).tolist()),
    lambda r: tuple(r.choice([[1, 2], [3, 4], [5, 6]], 2, replace=False, axis=0)[:, 0].tolist()),
    lambda r: tuple(r.permuted(np.arange(4).reshape(2, 2), axis=0).ravel().tolist()),
    lambda r: tuple(r.binomial([1, 2], [0.3, 0.5]).tolist()),
    lambda r: int(r.integers(-2.5, 1)),
    lambda r: int(r.random() * 3 - 1.5),
    lambda r: int((r.random() * 3 - 1.5) // -0.5),
    lambda r: bool((r.random() * 3 - 1.5) % -0.7 < -0.25),
    lambda r: round(r.random() * 3 - 1.5),
    lambda r: round(
        r.random() * 0 + 2.5
    ),  # no tie of a draw: the half goes to the even number, as numpy's do
    lambda r: int(np.searchsorted(np.cumsum([0.2, 0.3, 0.5]), r.random(), side="right")),
]


@pytest.mark.parametrize("draw", DRAWS)
def test_the_laws_of_draws_are_numpys(draw):
    expected, runs = law(draw), 4000
    rng = np.random.default_rng(3)
    counts = Counter(draw(rng) for _ in range(runs))
    assert counts.keys() <= expected.keys()
    for value, p in expected.items():
        assert abs(counts[value] - runs * p) <= 5 * np.sqrt(float(runs * p * (1 - p)))


@pytest.mark.parametrize(
    "draw",
    [
        lambda u: int(np.argmax(u)),  # of equal ones the first
        lambda u: tuple(np.argsort(u)),
        lambda u: bool(u[0] == u[1]),
        lambda u: bool(u[0] * 2 != u[2]),
    ],
)
def test_uniforms_of_single_precision_are_equal_now_and_then(draw):
    law(lambda r: draw(r.random(3)))
    with pytest.raises(NotTraceable, match="single precision"):
        law(lambda r: draw(r.random(3, dtype=np.float32)))


def test_a_uniform_from_a_bound_to_a_lower_one_is_refused():
    with pytest.raises(NotTraceable, match="lower"):
        law(lambda r: bool(r.uniform(1, 0) < 0.5))


def test_uniforms_are_on_numpys_grid():
    assert law(lambda r: bool(r.random() < 0.3))[True] == Fraction(int(np.ceil(Fraction(0.3) * 2**53)), 2**53)
    assert law(lambda r: bool(r.random(dtype=np.float32) < 1e-8))[True] == Fraction(1, 2**24)
    assert law(lambda r: int(r.random() * 4)) == dict.fromkeys(range(4), Fraction(1, 4))
    assert law(lambda r: int(np.floor(r.uniform(-1, 1) * 2))) == dict.fromkeys((-2, -1, 0, 1), Fraction(1, 4))
    assert law(lambda r: tuple(np.argsort(r.random(3)).tolist())) == dict.fromkeys(
        itertools.permutations(range(3)), Fraction(1, 6)
    )


@pytest.mark.parametrize("c", [0.1, 0.7, 0.07])
def test_a_remainder_lies_below_what_it_is_a_remainder_of(c):
    """A product of floats for the multiple that is taken off would leave c or more, with some grid points' chance."""
    assert law(lambda r: bool(8 * r.random() % c < c)) == {True: 1}
    assert law(lambda r: bool(8 * r.random() % c >= 0)) == {True: 1}


@pytest.mark.parametrize(
    "program",
    [
        lambda r: r.normal(),
        lambda r: r.exponential(),
        lambda r: r.bytes(3),
        lambda r: r.bit_generator.state,
        lambda r: r.spawn(1),
        lambda r: float(r.random()),
        lambda r: np.sqrt(r.random()),
        lambda r: r.random() * r.random(),
        lambda r: bool(r.random()),
        lambda r: r.integers(1 << 40),
        lambda r: int(r.integers(1 << 40)),
        lambda r: r.integers(1 << 40) % 2,
        lambda r: r.integers(1 << 40) == 3,
        lambda r: f"{r.integers(1 << 40)}",
        lambda r: [1.0, r.integers(1 << 40).item()],
        lambda r: np.random.default_rng(r.integers(1 << 40)).random(),
        lambda r: np.array([1.0, r.integers(1 << 40)], dtype=float),
        lambda r: r.integers(1 << 40, size=2),
        lambda r: {r.integers(1 << 40): 1.0},
        lambda r: np.array([1.0, 2.0])[r.random() > r.random() * 2],
    ],
)
def test_everything_else_is_refused(program):
    with pytest.raises(NotTraceable):
        list(leaves(program))


def test_a_seed_that_nobody_looks_at_does_not_matter():
    def seeded(r):
        held = [r.integers(1 << 40)]
        return 1.5 if len(held) and r.random() < 0.5 else 2.5

    assert law(seeded) == {1.5: Fraction(1, 2), 2.5: Fraction(1, 2)}


def test_equal_draws_without_replacement_are_as_before():
    three = law(lambda r: tuple(r.choice(5, 3, replace=False).tolist()))
    assert three == dict.fromkeys(itertools.permutations(range(5), 3), Fraction(1, 60))
    weighted = law(lambda r: tuple(r.choice(3, 2, replace=False, p=[0.5, 0.25, 0.25]).tolist()))
    assert weighted[0, 1] == Fraction(1, 4)
    assert weighted[1, 0] == Fraction(1, 6)


def test_every_public_method_of_the_generator_is_implemented_or_refused():
    own = set(vars(TraceGenerator))
    assert {n for n in dir(np.random.Generator) if not n.startswith("_")} <= own


def test_too_many_paths_is_said():
    with pytest.raises(TooManyLeaves):
        list(leaves(lambda r: r.permutation(9), limit=100))


def test_affine_outputs_are_integrated():
    def subtractive(x, rng):
        u = rng.uniform(-0.5, 0.5, size=len(x))
        return np.rint(x + u) - u

    report = ct.certify(subtractive, (1, 2), claims=ct.AbsoluteError("sqrt(d/12) + 1e-9"), budget="quick")
    assert report.verdict is ct.Verdict.PROVED
    assert (
        ct.certify(subtractive, 1, claims=ct.AbsoluteError("0.28"), budget="quick").verdict
        is ct.Verdict.REFUTED
    )


def test_factored_oracle_refuses_interacting_coordinates():
    def shifted(x, rng):
        return np.roll(np.where(rng.random(len(x)) < 0.5, 2 * x, 0.0), 1)

    with pytest.raises(NotTraceable):
        factored(as_subject(shifted), 5)


def test_forms_refuse_what_is_not_linear():
    x = Form({0: Fraction(1)})
    for operation in (
        lambda: x < 1,
        lambda: abs(x),
        lambda: x * x,
        lambda: x + 1,
        lambda: bool(x),
        lambda: float(x),
    ):
        with pytest.raises(NotTraceable):
            operation()
    assert (2 * x - x / 4).c == {0: Fraction(7, 4)}


def test_exact_definiteness():
    half = Fraction(1, 2)
    assert positive_semidefinite([[Fraction(1), half], [half, Fraction(1, 4)]]) is None
    witness = positive_semidefinite([[Fraction(1), half], [half, Fraction(6, 25)]])
    assert witness is not None
    assert witness[0] ** 2 + witness[0] * witness[1] + Fraction(6, 25) * witness[1] ** 2 < 0
    assert positive_semidefinite([[Fraction(0), Fraction(1)], [Fraction(1), Fraction(0)]]) is not None


def test_symbolic_certificate_is_sharp():
    verify = verifier(as_subject(ct.Averaged(ct.RandK(1), 2)), 4, 1000, UNLIMITED)
    assert verify(ct.Unbiased(Fraction(3, 2)))[0]
    assert not verify(ct.Unbiased(Fraction(3, 2) - Fraction(1, 10**9)))[0]
