"""Nothing false is proved: thin sets, programs that behave while they are watched, and mutants of right programs."""

import itertools
import math
import sys
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from types import FunctionType, ModuleType

import numpy as np
import pytest

import compth as ct
from compth.certificates import Verdict
from compth.certification import certify, estimate, readings
from compth.certification.adapters import Batched
from compth.certification.run import BUDGETS, Run
from compth.certification.stages import search
from compth.certification.stages.proofs import verifier_of
from compth.certification.subject import as_subject, declared_claims
from compth.certification.tracer import NotTraceable, cell_cut, leaves
from tests.thorough import thorough, tries

from .right import RIGHT
from .test_batches import Honest
from .thin import BODIES, MANNERS, OMEGA, THIN, mutants, right_program, space, thin_program

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::SyntaxWarning")
BRANCHLESS = ("table", "sum")
DIMS = {"rand2": 4, "coin": 3, "rand1": 3}


def proved(program, d, omega):
    """Whether the exact stage proves Unbiased(omega); and what it says when not."""
    subject = as_subject(program)
    run = Run(subject, BUDGETS["normal"], 1e-9, 0)
    _, verify = verifier_of(run, d)
    (make,) = declared_claims(subject, ct.Unbiased(omega), {})
    return (verify is not None and verify(*make(d)).holds), " ".join(run.notes)


@pytest.mark.parametrize("body", BODIES)
def test_the_bodies_themselves_are_proved(body):
    program, omega = right_program(body)
    assert proved(program, DIMS[body], omega) == (True, "")


UNLIKE = {
    "the sign of zero": "math.copysign(1.0, (-np.zeros_like(x))[0]) == 1",
    "a number for a truth": "np.logical_or(np.full_like(x, 2), 0)[0] * 1 == 2",
    "an order of ties": "np.argsort(np.ones_like(np.tile(x, 6)))[1] != 1",
    "what floats refuse": "len([1, 2] * np.full_like(x, 2)[0]) == 4",
    "a power of whole numbers": "np.full_like(x, 3)[0] ** 40 % 2 == 1",
}


@pytest.mark.parametrize("unlike", UNLIKE)
@pytest.mark.parametrize("chance", ["1e-12", "1e-5"])
def test_a_path_that_no_run_takes_is_held_against_numbers(unlike, chance):
    """What stores a uniform among floats stops the enumeration, and hides the path from it."""
    text = f"""def program(x, rng):
    if rng.random() < {chance}:
        stored = np.zeros_like(x)
        stored[0] = rng.random()
        return x * (1 if {UNLIKE[unlike]} else 1e20)
    return x * 1"""
    names = space() | {"math": math}
    exec(compile(text, "<rare>", "exec"), names)
    right, says = proved(names["program"], 3, "0")
    assert not right
    assert "something else of numbers" in says


class RareSketch(Honest):
    """A draw that is another, once in 10^24 calls, where zero has a sign."""

    def draw(self, shape, rng):
        u = rng.random(shape)
        if (u < 1e-12).all():
            stored = np.zeros_like(u)
            stored[...] = rng.random(shape)
            return np.full(shape, 1.0 if math.copysign(1.0, (-np.zeros_like(u)).flat[0]) == 1 else 1e40)
        return (u < 0.5) / 0.5


def test_a_draw_that_no_run_makes_is_held_against_numbers():
    for kind, stands in ((Honest, True), (RareSketch, False)):
        run = Run(as_subject(kind()), BUDGETS["normal"], 1e-9, 0)
        assert (verifier_of(run, 2)[1] is not None) is stands, run.notes


def manners_of(kind):
    """A shape can only be asked for in the open: a proof speaks of one vector, and says so."""
    return [m for m in MANNERS if kind != "shape" or m not in BRANCHLESS]


@pytest.mark.parametrize("kind", THIN)
def test_a_program_that_is_wrong_on_a_thin_set_is_not_proved(kind):
    count = 0
    for at, condition in enumerate(THIN[kind]):
        manners = manners_of(kind)
        for k in range(3):
            manner = manners[(at + 3 * k) % len(manners)]
            body = list(BODIES)[(at + k) % len(BODIES)]
            program, omega = thin_program(body, condition, manner)
            assert not proved(program, DIMS[body], omega)[0], program.text
            count += 1
    assert count >= 9


@thorough
@pytest.mark.slow
def test_no_condition_is_proved_in_any_manner():
    """Every third pair of them, or all."""
    pairs = [(c, m) for kind, conditions in THIN.items() for c in conditions for m in manners_of(kind)]
    assert len(pairs) > 600
    for condition, manner in pairs[:: tries(3, 1)]:
        program, omega = thin_program("coin", condition, manner)
        assert not proved(program, 3, omega)[0], program.text


def compiled(text):
    names = space()
    exec(compile(text, "<mutant>", "exec"), names)
    return names["program"]


def breaks(program, d, omega):
    """True when 1500 real runs at two points show a bias or a variance far beyond chance (12 standard errors)."""
    for x in (np.linspace(0.4, 1.7, d), np.where(np.arange(d) % 2 == 0, 1.0, -3.0)):
        rng = np.random.default_rng(7)
        try:
            out = np.array([program(x.copy(), rng) for _ in range(1500)], dtype=float)
        except Exception:
            return True
        if out.shape != (1500, d) or not np.isfinite(out).all():
            return True
        error = ((out - x) ** 2).sum(axis=1)
        spread = out.std(axis=0) / np.sqrt(1500) + 1e-12
        limit = omega * float(x @ x) + 12 * error.std() / np.sqrt(1500) + 1e-9
        if (np.abs(out.mean(axis=0) - x) > 12 * spread).any() or error.mean() > limit:
            return True
    return False


@pytest.mark.parametrize("body", BODIES)
def test_one_token_mutants_are_proved_only_where_they_are_right(body):
    rng = np.random.default_rng(len(body))
    text = f"def program(x, rng):\n    wrong = 1{BODIES[body]}\n"
    d = DIMS[body]
    omega = {"rand2": d / 2 - 1, "coin": 3.0, "rand1": d - 1.0}[body]
    every = [m for m in mutants(text, rng) if "0.0 * (1 - 2e-14)" not in m and "0.0*(" not in m]
    false = 0
    for mutant in every:
        try:
            program = compiled(mutant)
        except Exception:
            continue
        holds, _ = proved(program, d, OMEGA[body])
        tiny = "2e-14" in mutant or "1e-9" in mutant
        if tiny or breaks(program, d, omega):
            assert not holds, mutant
            false += 1
    assert false >= 20


def swallows_refusals(x, rng):
    try:
        return x * np.where(x[0] > 1e50, 3.0, 1.0)
    except Exception:
        return x.copy()


def swallows_inside_numpy(x, rng):
    return x * (1 + 2 * np.array_equal(x, np.array(0.5)))


def right_only_for_other_generators(x, rng):
    u = rng.random(len(x))
    if type(rng) is np.random.Generator:
        u = u * 0.5
    return np.where(u < 0.5, 2 * x, 0.0)


def biased_draws(x, rng):
    u = rng.random(len(x))
    return np.where(np.asarray(u * (1.0 - 0.25 * (u.dtype == float))) < 0.5, 2 * x, 0.0)


def overflows(x, rng):
    return x * 1e250 * 1e-250


def loses_small_entries(x, rng):
    return x * 1e-250 * 1e250


def cancels(x, rng):
    out = x.copy()
    out[0] = (x[0] + 1e20 * x[1]) - 1e20 * x[1]
    return out


@pytest.mark.parametrize(
    "program",
    [swallows_refusals, swallows_inside_numpy, right_only_for_other_generators, biased_draws, overflows,
     loses_small_entries, cancels],
)  # fmt: skip
def test_programs_that_behave_while_they_are_watched(program):
    assert not proved(program, 3, 1)[0]
    assert certify(program, 3, claims=ct.Unbiased(1), budget="quick").verdict is not Verdict.PROVED


@pytest.mark.parametrize("program", [right_only_for_other_generators, biased_draws])
def test_what_is_enumerated_is_held_against_real_draws(program):
    """Both are right for the tracer's draws: with numpy's they are biased, and refuted."""
    report = certify(program, 3, claims=ct.Unbiased(1), budget="quick")
    assert report.verdict is Verdict.REFUTED
    assert any("another law" in note for note in report.info["not_checked"])


def test_a_refusal_is_sticky_also_where_nothing_is_proved():
    def swallow(rng):
        try:
            rng.normal()
        except Exception:
            return 0.0
        return 1.0

    with pytest.raises(NotTraceable, match="caught a refusal"):
        list(leaves(swallow))


def test_numpy_does_not_hide_a_refusal():
    def swallow(rng):
        try:
            return np.log(rng.random())
        except Exception:
            return 0.0

    with pytest.raises(NotTraceable, match="caught a refusal"):
        list(leaves(swallow))


def test_code_that_says_it_is_numpys_is_looked_at():
    names = {"np": np}
    text = "def program(x, rng):\n    return x * (rng.random(len(x)) < 0.5) * (2 if x.dtype == object else 3)"
    exec(compile(text, np.__file__.replace("__init__", "evil"), "exec"), names)
    assert proved(names["program"], 3, 1)[1].endswith("asks for a dtype")
    assert "no Python code" in proved(partial(np.multiply, 1.0), 2, 0)[1]
    assert proved(ct.RandK(2)._compress, 4, 1) == (True, "")


def test_a_module_that_is_called_numpys_does_not_hide_what_its_functions_hold(monkeypatch):
    """The part inside says that it stands in a file of numpy, in a module of that name: no such code is there."""
    text = """
CALLS = [0]

def program(x, rng):
    def factor():
        CALLS[0] += 1
        return 1 + (CALLS[0] > 10**6)
    return x * factor()
"""
    module = ModuleType("numpy.mine")
    monkeypatch.setitem(sys.modules, "numpy.mine", module)
    exec(compile(text, "<mine>", "exec"), vars(module))
    outer = module.program.__code__
    for file in (
        np.linalg.__file__,
        np.__file__.replace("__init__", "mine"),
        "<frozen abc>",
        "<frozen mine>",
    ):
        parts = (c.replace(co_filename=file) if hasattr(c, "co_code") else c for c in outer.co_consts)
        module.program.__code__ = outer.replace(co_consts=tuple(parts))
        right, says = proved(module.program, 3, 0)
        assert not right
        assert "factor()" in says


class Other(int):
    """Equal to a number, and calculates otherwise."""

    def __sub__(self, other):
        return 1 - other


def test_no_cache_keeps_what_a_number_of_another_kind_gave():
    cell, quarter = (53, 0, 2**53, Fraction(0), Fraction(1)), Fraction(1, 4)
    other = Fraction(1, 4)
    other._numerator = Other(1)
    cell_cut.cache_clear()
    for asked in (
        (cell, quarter, Other(2**51)),
        (cell, other, 2**51),
        ((53, Other(0), *cell[2:]), quarter, 2**51),
    ):
        with pytest.raises(NotTraceable, match="of their own"):
            cell_cut(*asked)
    readings._after_two_roundings.cache_clear()
    with pytest.raises(TypeError, match="of its own"):
        readings.named(other)
    assert cell_cut(cell, quarter, 2**51)[1] == (quarter, 1 - quarter)


def test_a_failed_support_audit_voids_the_proof(monkeypatch):
    from compth.certification.tracer import Strange

    program, omega = right_program("coin")
    assert certify(program, 3, claims=ct.Unbiased(omega), budget="quick").verdict is Verdict.PROVED

    def fails(*_):
        raise Strange("a real run is not among the enumerated outputs")

    monkeypatch.setattr(search, "audit_support", fails)
    report = certify(program, 3, claims=ct.Unbiased(omega), budget="quick")
    assert report.verdict is Verdict.CONSISTENT
    assert any("real run is not among" in note for note in report.info["not_checked"])


def test_the_report_says_why_there_is_no_proof_and_what_a_proof_assumes():
    program, omega = thin_program("coin", "x.dtype == np.float32", "if")
    report = certify(program, 3, claims=ct.Unbiased(omega), budget="quick")
    assert report.verdict is not Verdict.PROVED
    assert any("asks for a dtype" in note for note in report.info["not_checked"])
    right, omega = right_program("coin")
    found = certify(right, 3, claims=ct.Unbiased(omega), budget="quick").certificates[0]
    assert any("uniforms continuous" in a for a in found.assumptions)
    assert any("one vector of numbers" in a for a in found.assumptions)


def test_an_estimate_calls_nothing_exact_that_is_not_proved():
    right, _ = right_program("coin")
    assert estimate(right, 3, budget="quick").exact == 3
    wrong, _ = thin_program("coin", "x.dtype != object", "if")
    assert estimate(wrong, 3, budget="quick").exact is None


K, LEVELS, WEIGHTS = 2, [0.5, 0.25], np.array([0.2, 0.3, 0.5])


def kept(n, rng, k=K):
    return rng.permutation(n)[:k]


@dataclass
class Sparsifier:
    k: int = 2

    def scale(self, x):
        return len(x) / self.k

    def __call__(self, x, rng):
        if self.k > len(x):
            raise ValueError(f"{self.k} > {len(x)}")
        out = np.zeros(len(x), dtype=x.dtype)
        chosen = kept(len(x), rng, self.k)
        out[chosen] = x[chosen]
        return out * self.scale(x)


def checked(x, rng):
    if not isinstance(x, np.ndarray) or x.ndim != 1:
        raise TypeError("a vector")
    if not isinstance(rng, np.random.Generator):
        raise TypeError("a numpy Generator")
    with np.errstate(all="ignore"):
        return np.array([v * 2 if rng.random() < LEVELS[0] else 0 * v for v in x])


def weighted(x, rng):
    j = rng.choice(len(x), p=WEIGHTS)
    out = np.zeros_like(x)
    out[j] = x[j] / WEIGHTS[j]
    return out


def guarded(x, rng):
    if len(x) <= K:
        return x.copy()
    try:
        mask = np.zeros(x.shape, dtype=bool)
        mask[rng.choice(x.shape[0], size=K, replace=False)] = True
    finally:
        pass
    return np.where(mask, x * (x.size / K), 0)


def closure(k):
    def program(x, rng):
        total = sum(x[j] for j in rng.permutation(len(x))[:k])
        return np.array([v + 0 * total for v in x])

    return program


def in_place(x, rng):
    rng, idx = np.random.default_rng(rng), np.arange(len(x))
    rng.shuffle(idx)
    out = x.copy()
    out[idx[K:]] = 0
    out *= len(x) / K
    return out


def mapped(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Its docstring."""

    def inner(v):
        return 2 * v if rng.integers(2) else 0 * v

    return np.array(list(map(inner, x)))


def thresholded(x, rng):
    keys = rng.random(len(x))
    return np.where(keys <= np.sort(keys)[1], x, 0) * (len(x) / 2)


def in_blocks(x, rng, p=0.5):
    assert 0 < p <= 1, f"p={p}"
    blocks = x.reshape(2, -1)
    return (blocks * (rng.uniform(size=(2, 1)) <= p) / p).ravel()


def by_a_set(x, rng):
    chosen = set(rng.choice(len(x), K, replace=False).tolist())
    return np.array([len(x) / K * x[i] if i in chosen else 0.0 * x[i] for i in range(len(x))])


def by_a_matrix(x, rng):
    s = np.zeros((len(x), len(x)))
    for i in rng.permutation(len(x))[:K]:
        s[i, i] = len(x) / K
    return s @ x


HONEST = [
    (in_place, 3, "d/2 - 1"), (mapped, 2, "1"), (thresholded, 3, "d/2 - 1"), (in_blocks, 4, "1"),
    (by_a_set, 3, "d/2 - 1"), (by_a_matrix, 3, "d/2 - 1"),
    (Sparsifier(2), 4, "d/2 - 1"), (checked, 3, "1"), (weighted, 3, "4"), (guarded, 3, "d/2 - 1"), (closure(2), 3, "0"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "d", "omega"), HONEST, ids=lambda v: getattr(v, "__name__", str(v))[:12])
def test_ordinary_ways_of_writing_programs_are_proved(program, d, omega):
    assert proved(program, d, omega) == (True, "")


@pytest.mark.parametrize(("program", "claim", "dims"), RIGHT[1:7], ids=[r[0].__name__ for r in RIGHT[1:7]])
def test_right_programs_that_are_linear_are_proved(program, claim, dims):
    d = (dims or (3,))[0]
    assert proved(program, d, claim.omega) == (True, "")


def test_a_dtype_is_for_numpys_own_makers_only():
    def zeros(n, dtype):
        return 2 if dtype.kind == "O" else 3

    def program(x, rng):
        return x * (rng.random(len(x)) < 0.5) * zeros(3, x.dtype)

    holds, says = proved(program, 3, 1)
    assert not holds
    assert says.endswith(("asks for a dtype", "asks for .kind"))


@pytest.mark.parametrize("size", [1, 5, 13, 64])
@pytest.mark.parametrize("openly", [True, False])
def test_rows_of_a_batch_are_what_single_vectors_become(size, openly):
    def right(x, rng):
        return x * (rng.random(x.shape) < 0.5) * 2

    def wrong(x, rng):
        scale = (3 if len(x) == size else 2) if openly else (2, 3)[len(x) == size]
        return x * (rng.random(x.shape) < 0.5) * scale

    assert proved(Batched(right), 3, 1) == (True, "")
    assert not proved(Batched(wrong), 3, 1)[0]


def test_state_in_an_instance_a_closure_or_a_table_is_seen():
    class Counting:
        def __init__(self):
            self.calls = [0]

        def __call__(self, x, rng):
            self.calls[0] += 1
            return x * (rng.random(len(x)) < 0.5) * (2 if self.calls[0] < 10**6 else 3)

    def closed():
        calls = 0

        def program(x, rng):
            nonlocal calls
            calls += 1
            return x * (rng.random(len(x)) < 0.5) * (2 if calls < 10**6 else 3)

        return program

    def saturating(x, rng, first=[0]):  # noqa: B006
        if first[0] < 3:
            first[0] += 1
            return 3 * x
        return x * (rng.random(len(x)) < 0.5) * 2

    def own_generator(x, rng):
        return x * (np.random.default_rng().random(len(x)) < 0.5) * 2

    for program in (Counting(), closed(), saturating, own_generator):
        assert not proved(program, 2, 1)[0]


def runs_out():
    """4 while it is looked at, 7 later: what C code returns, without a frame to be seen."""
    return partial(next, itertools.chain([4] * 100_000, itertools.repeat(7)))


class Module(ModuleType):
    k = property(runs_out())


class Instance:
    k = 4
    __getattribute__ = runs_out()


class Names(dict):
    __getitem__ = runs_out()


def by_names(x, rng):
    return K * x if rng.random() < 0.25 else 0 * x


def by_an_object(thing):
    def program(x, rng):
        return thing.k * x if rng.random() < 0.25 else 0 * x

    return program


def test_names_are_looked_up_in_dictionaries_and_attributes_in_the_usual_way():
    module = Module("constants")
    vars(module)["k"] = 4
    plain = ModuleType("constants")
    plain.k = 4
    assert proved(by_an_object(plain), 3, "3") == (True, "")
    assert proved(FunctionType(by_names.__code__, {**globals(), "K": 4}), 3, "3") == (True, "")
    assert not proved(by_an_object(module), 3, "3")[0]
    assert not proved(by_an_object(Instance()), 3, "3")[0]
    found, why = proved(FunctionType(by_names.__code__, Names(K=4, __builtins__=__builtins__)), 3, "3")
    assert not found
    assert "looks names up in its own way" in why


@pytest.mark.parametrize("factor", [3e208, 1e-215])
def test_a_factor_that_leaves_the_floats_at_an_end_of_the_domain_is_seen(factor):
    def program(x, rng):
        return 4 * (x * factor / factor) if rng.random() < 0.25 else 0 * x

    assert not proved(program, 3, "3")[0]
