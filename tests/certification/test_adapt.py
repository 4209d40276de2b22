"""Compressors as libraries have them: honest ones get a verdict, false ones are caught, errors are one line."""

import random
import threading
import time
from functools import partial

import numpy as np
import pytest

import compth as ct
from compth.certification.adapting import layers, memory, pairs, remedies
from compth.certification.adapting.memory import put_back
from compth.certification.subject import as_subject
from compth.errors import InvalidParameter, UnusableInput

PROVED, CONSISTENT, REFUTED = ct.Verdict.PROVED, ct.Verdict.CONSISTENT, ct.Verdict.REFUTED


def settled(what, claim, d=4):
    return ct.certify(what, d, claims=claim, budget="quick")


def largest(x):
    y = np.zeros_like(x)
    i = np.argmax(np.abs(x))
    y[i] = x[i]
    return y


# Messages


class Pair:
    """As GRACE, FedLab and hivemind have it: a message with its context."""

    def compress(self, tensor, name):
        flat = tensor.flatten()
        i = int(np.argmax(np.abs(flat)))
        return (flat[i], i), tensor.shape

    def decompress(self, message, ctx):
        y = np.zeros(ctx).flatten()
        y[message[1]] = message[0]
        return y.reshape(ctx)


class Remembers(Pair):
    """False: the vector travels inside the object."""

    def compress(self, tensor, name):
        self.kept = tensor.copy()
        return super().compress(tensor, name)

    def decompress(self, message, ctx):
        return self.kept


class RemembersQuietly(Remembers):
    """False, and no error says so: an object that did not compress has zeros."""

    def decompress(self, message, ctx):
        return getattr(self, "kept", np.zeros(ctx))


LAST = {}


def compress_aside(x):
    LAST["x"] = x.copy()
    return len(x)


def decompress_aside(n):
    return LAST["x"]


def half(x):
    return {"values": x.astype(np.float16), "size": len(x)}


def whole(message):
    return message["values"].astype(np.float64)


def parts(x, rng):
    keep = rng.random(len(x)) < 0.5
    return np.flatnonzero(keep), 2 * x[keep]


def join(index, values, d):
    y = np.zeros(d)
    y[index] = values
    return y


@pytest.mark.parametrize(
    ("what", "claim"),
    [
        (Pair(), ct.Contractive("1/d")),
        (Pair, ct.Contractive("1/d")),
        ((half, whole), ct.Contractive("1 - 1e-6")),
        ((lambda x: x.tobytes(), lambda m: m), ct.Unbiased(0)),
    ],
)
def test_honest_pairs_get_a_verdict(what, claim):
    assert settled(ct.adapt(what), claim).verdict is CONSISTENT


def test_a_pair_that_draws_is_followed():
    adapted = ct.adapt((parts, join))
    assert settled(adapted, ct.Unbiased(1), 3).verdict is CONSISTENT
    assert settled(adapted, ct.Unbiased("1/2"), 3).verdict is REFUTED


@pytest.mark.parametrize(
    "what", [Remembers(), RemembersQuietly(), Remembers, (compress_aside, decompress_aside)]
)
def test_what_no_message_carries_is_caught(what):
    report = settled(ct.adapt(what), ct.Unbiased(0))
    assert report.verdict is REFUTED
    assert "no message carries" in report.certificates[0].technique


class SharedSeed:
    """Honest: both sides draw the places from generators that start alike, and only values travel."""

    def __init__(self):
        self.rng = np.random.default_rng(3)

    def compress(self, x):
        return 2 * x[self.rng.random(len(x)) < 0.5]

    def decompress(self, values, d):
        y = np.zeros(d)
        y[self.rng.random(d) < 0.5] = values
        return y


def test_both_sides_may_share_a_generator():
    adapted = ct.adapt(SharedSeed())
    assert settled(adapted, ct.Unbiased(1), 2).verdict is CONSISTENT
    assert settled(adapted, ct.Unbiased("1/2"), 2).verdict is REFUTED
    x = np.arange(1.0, 9)
    first = adapted(x, np.random.default_rng(4))
    assert np.array_equal(first, adapted(x, np.random.default_rng(4)))  # the first call looks at the pair
    assert set(first / x) == {0, 2}


def test_a_receiver_that_draws_from_a_global_generator_is_no_leak():
    dither = (lambda x: np.sign(x), lambda m: m * np.random.rand(len(m)))  # noqa: NPY002
    found = settled(ct.adapt(dither, generators="global"), ct.Contractive("1/2"), 2)
    assert "carries" not in found.certificates[0].technique


def test_a_message_is_as_long_as_it_is_encoded():
    made = ct.compressor(ct.adapt((half, whole)), claims="Contractive(1/2)")
    y = made.compress(np.ones(10))
    assert made.message_bits(y) == 10 * 16 + 64
    smuggled = ct.adapt((lambda x: (0, x), lambda m, ctx: ctx))  # the context is the vector
    assert ct.compressor(smuggled, claims="Unbiased(0)").bits(10).total == 64 + 640


@pytest.mark.parametrize(
    ("message", "bits"),
    [
        (b"abc", 24),
        (np.zeros(5, np.float16), 80),
        ([np.zeros(2, np.int8), None, "ab"], 32),
        ({"v": 1.0, "i": 3}, 128),
        (np.float32(1), 32),
    ],
)
def test_lengths(message, bits):
    assert pairs.encoded_bits(message) == bits


def test_an_object_in_a_message_has_no_known_length():
    with pytest.raises(InvalidParameter, match="give bits="):
        pairs.encoded_bits(object())


def test_a_method_runs_a_pair():
    problem = ct.problems.random_quadratic(n=3, d=4, kappa=5, seed=0)
    made = ct.compressor(ct.adapt(Pair()), claims="Contractive(1/d)")
    one = ct.simulate(ct.EF21(made), problem, steps=20, runs=4)
    own = ct.simulate(ct.EF21(ct.TopK(k=1)), problem, steps=20, runs=4)
    assert np.array_equal(one.mean_square, own.mean_square)
    assert one.bits[-1] == 20 * (64 + 64 + 64)  # a value, its place, the shape


# Memory


class Feedback:
    def __init__(self, d=None):
        self.e = np.zeros(d) if d else 0.0

    def __call__(self, x, rng=None):
        p = x + self.e
        y = largest(p)
        self.e = p - y
        return y


class Shift:
    def __init__(self):
        self.h = 0.0

    def __call__(self, x):
        message = largest(x - self.h)
        self.h = self.h + message
        return message


class Momentum:
    def __init__(self):
        self.m = 0.0

    def __call__(self, x):
        self.m = 0.9 * self.m + x
        return largest(self.m)


class Leaks:
    """False: copies share a list of the class."""

    seen: list = []  # noqa: RUF012  (this is the point)

    def __call__(self, x):
        self.seen.append(1)
        return x / len(self.seen)


def test_the_claim_is_judged_at_the_state_that_was_given():
    assert settled(ct.adapt(Feedback()), ct.Contractive("1/d")).verdict is CONSISTENT
    warm = Feedback()
    warm(np.ones(4))
    for held in (ct.adapt(warm), ct.adapt(Feedback(), after=2), ct.adapt(Feedback, after=[np.ones(4)])):
        report = settled(held, ct.Contractive("1/d"))
        assert report.verdict is REFUTED
        assert "C(0) is not 0" in report.certificates[0].technique
    assert np.array_equal(warm.e, [0, 1, 1, 1])  # it is as it was


@pytest.mark.parametrize(
    ("made", "method"), [(Feedback, "compth.EF"), (Shift, "compth.EF21 or compth.DIANA"), (Momentum, "")]
)
def test_whose_recursion_a_memory_follows(made, method):
    said = ct.adapt(made()).recursion(4)
    assert said.endswith(f"as a method it is {method}") if method else not said


class Coin:
    """Random(1), its generator wherever `held` puts it."""

    __slots__ = ("__held",)

    def __init__(self, held):
        self.__held = held

    def compress(self, x):
        rng = self.__held
        while isinstance(rng, list):
            rng = rng[0]
        return 2 * x * (rng.random(len(x)) < 0.5)

    def decompress(self, message):
        return message


class Quiet(Momentum):
    def __call__(self, x):
        return largest(x)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (ct.adapt(Momentum()), "Momentum remembers (m): judged at its state as given, not along its calls"),
        (
            ct.adapt(Momentum),
            "Momentum remembers (m): judged at its state as it is made, not along its calls",
        ),
        (ct.adapt(Momentum(), after=2), "Momentum remembers (m): judged at its state after 2 warm-up calls"),
        (ct.adapt(Feedback()), "as a method it is compth.EF"),
        (ct.adapt(Quiet()), ""),
        (ct.adapt(Coin([np.random.default_rng(0)])), ""),
        (largest, ""),
    ],
)
def test_the_state_of_what_remembers_is_in_the_report(what, says):
    said = [n for n in ct.certify(what, 3, budget="quick").info["not_checked"] if "remembers" in n]
    assert [says in n for n in said] == [True] * bool(says)


def test_a_memory_that_copies_share_is_caught():
    report = settled(ct.adapt(Leaks()), ct.Contractive("1/2"))
    assert report.verdict is REFUTED
    assert "same input" in report.certificates[0].technique


def test_an_object_with_memory_is_told_its_adapter_and_method():
    (found,) = settled(Feedback(), ct.Contractive("1/d")).certificates
    assert found.verdict is REFUTED
    assert "compth.adapt(Feedback())" in found.details["remedy"]
    assert "compth.EF" in found.details["cause"]


class Sized:
    def __init__(self, numel):
        self.order = np.arange(numel)[::-1]

    def __call__(self, x):
        return x[self.order][self.order]


class NeedsMore:
    def __init__(self, width):
        self.width = width

    def __call__(self, x):
        return x


def test_a_factory_gets_the_size():
    assert settled(ct.adapt(Sized), ct.Unbiased(0)).verdict is CONSISTENT
    assert settled(ct.adapt(lambda d: Sized(d), fresh=True), ct.Unbiased(0)).verdict is CONSISTENT
    with pytest.raises(InvalidParameter, match=r"needs width=, which is called like none of rng, seed, d"):
        settled(ct.adapt(NeedsMore), ct.Unbiased(0))


# Generators


def global_coin(x):
    return 2 * x * (np.random.rand(len(x)) < 0.5)  # noqa: NPY002


def python_coin(x):
    return 2 * x * np.array([random.random() < 0.5 for _ in x])


def honest_glue(x, rng):
    np.random.seed(int(rng.integers(1 << 31)))  # noqa: NPY002
    return global_coin(x)


class Private:
    def __init__(self):
        self.rng = np.random.default_rng(3)

    def __call__(self, x):
        return 2 * x * (self.rng.random(len(x)) < 0.5)


def test_global_generators_are_seeded_and_put_back():
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[2], random.getstate()  # noqa: NPY002
    assert settled(ct.adapt(global_coin, generators="global"), ct.Unbiased(1), 2).verdict is CONSISTENT
    for coin in (global_coin, python_coin):
        adapted = ct.adapt(coin, generators="global")
        assert settled(adapted, ct.Unbiased("1/2"), 2).verdict is REFUTED
        assert np.array_equal(
            adapted(np.ones(9), np.random.default_rng(1)), adapted(np.ones(9), np.random.default_rng(1))
        )
    assert (np.random.get_state()[2], random.getstate()) == before  # noqa: NPY002


@pytest.mark.parametrize(("coin", "name"), [(global_coin, "np.random"), (python_coin, "Python's random")])
def test_the_global_generator_is_named(coin, name):
    (found,) = settled(coin, ct.Unbiased(1)).certificates
    assert found.technique == f"drew from {name}, not from the generator that it is given"
    assert f"compth.adapt({coin.__name__}, generators='global')" in found.details["remedy"]


def test_honest_glue_is_not_refuted():
    assert settled(honest_glue, ct.Unbiased(1)).verdict is CONSISTENT
    assert settled(honest_glue, ct.Unbiased("1/2")).verdict is REFUTED


def test_a_generator_that_an_object_holds_starts_from_ours():
    assert settled(ct.adapt(Private()), ct.Unbiased(1), 2).verdict is CONSISTENT
    assert settled(ct.adapt(Private()), ct.Unbiased("1/2"), 2).verdict is REFUTED


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (lambda x: x * (np.random.default_rng().random(len(x)) < 0.5), "the operating system seeds"),
        (lambda x: x * (random.SystemRandom().random() + 1), "the operating system seeds"),
        (lambda x: x * (time.perf_counter() % 1), "reads the clock"),
    ],
)
def test_what_cannot_be_controlled_is_said(program, says):
    (found,) = settled(program, ct.Contractive("1/10")).certificates
    assert found.verdict is REFUTED
    assert says in found.details["cause"]
    assert "remedy" not in found.details


def flip(x, gen):
    return 2 * x * (gen.random(len(x)) < 0.5)


def _methods(held):
    made = Coin(held)
    return made.compress, made.decompress


@pytest.mark.parametrize(
    "make",
    [
        lambda: Coin(np.random.default_rng(0)),
        lambda: Coin([[[[[[np.random.default_rng(0)]]]]]]),
        lambda: Coin(np.random.default_rng(0)).compress,
        lambda: _methods(np.random.default_rng(0)),
        lambda: partial(flip, gen=np.random.default_rng(0)),
    ],
    ids=["slots", "nested", "method", "methods", "partial"],
)
def test_held_generators_are_found_wherever_they_are(make):
    adapted = ct.adapt(make())
    assert not adapted.deterministic
    assert outcomes(adapted, 2) == {(a, b) for a in (0, 2) for b in (0, 2)}


def outcomes(program, d):
    """What 60 seeds give, each twice the same."""
    twice = [{tuple(program(np.ones(d), np.random.default_rng(k))) for k in range(60)} for _ in range(2)]
    assert twice[0] == twice[1]
    return twice[0]


def first_kept(x, n=1, name="", seed=0):
    """TopK(n): defaults are the author's."""
    y = np.zeros_like(x)
    i = np.argsort(-np.abs(x))[:n]
    y[i] = x[i]
    return y


def test_a_default_of_the_author_stays():
    for what in (first_kept, ct.adapt(first_kept)):
        assert settled(what, ct.Contractive("1/2")).verdict is REFUTED
        assert settled(what, ct.Contractive("1/4")).verdict is not REFUTED
    assert ct.adapt(first_kept).deterministic
    assert not ct.adapt(lambda x, rng=None: rng.permutation(x)).deterministic


def _place(d, seed):
    return int(np.random.default_rng(seed).integers(d))


def by_seed():
    def spread(v, d, seed):
        y = np.zeros(d)
        y[_place(d, seed)] = d * v[0]
        return y

    return lambda x, seed: x[_place(len(x), seed)][None], spread


def by_rng():
    def spread(v, d, rng):
        y = np.zeros(d)
        y[int(rng.integers(d))] = d * v[0]
        return y

    return lambda x, rng: x[int(rng.integers(len(x)))][None], spread


@pytest.mark.parametrize("make", [by_seed, by_rng])
def test_both_halves_get_the_same_seed(make):
    adapted = ct.adapt(make())
    x = np.arange(1.0, 9)
    for k in range(20):
        y = adapted(x, np.random.default_rng(k))
        assert np.array_equal(y, np.where(y != 0, 8 * x, 0))
    assert outcomes(adapted, 3) == {(3, 0, 0), (0, 3, 0), (0, 0, 3)}  # another seed for every message


class Locked(Pair):
    def __init__(self):
        self.lock = threading.Lock()


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (Locked(), "cannot be copied"),
        ((lambda x, foo: x, lambda m: m), "needs foo="),
        ((lambda x: (x, 1, 2), lambda a, b, c, e: a), "takes 4 arguments, and compress returned 3"),
    ],
)
def test_what_the_adapter_cannot_do_refutes_nobody(what, says):
    with pytest.raises(InvalidParameter, match=says):
        settled(ct.adapt(what), ct.Unbiased(0))


def test_nan_is_no_leak():
    (found,) = settled(ct.adapt((lambda x: x * np.nan, lambda m: m)), ct.Unbiased(0)).certificates
    assert found.technique == "returned NaN or inf for a finite input"


def test_workers_are_not_adapted():
    with pytest.raises(InvalidParameter, match="an adapted program takes one vector"):
        ct.certify(ct.adapt(lambda X: X / 2), 3, n=2, claims=ct.JointContractive("3/4"))


# Layers


def sign_layers(params):
    assert {k: v.shape for k, v in params.items()} == {"w": (2, 3), "b": (1,)}
    return {k: np.sign(v) * np.abs(v).mean() for k, v in params.items()}


def test_layers_are_split_and_flattened():
    adapted = ct.adapt(sign_layers, shapes={"w": (2, 3), "b": (1,)})
    assert adapted.only_d == 7
    x = np.arange(1.0, 8)
    assert np.array_equal(adapted(x), [3.5] * 6 + [7])
    report = ct.certify(adapted, claims=ct.Contractive("1/6"), budget="quick")
    assert report.verdict is CONSISTENT
    assert report.info["dims"] == [7]
    with pytest.raises(UnusableInput, match=r"sign_layers needs d = 7, the size of the shapes .*, got d=4"):
        settled(adapted, ct.Contractive("1/6"))


def test_a_matrix_of_any_width():
    adapted = ct.adapt(lambda m: m.T.T, shapes=(2, -1))
    assert settled(adapted, ct.Unbiased(0), 6).verdict is CONSISTENT
    with pytest.raises(UnusableInput, match="a multiple of 2"):
        settled(adapted, ct.Unbiased(0), 5)


def test_what_returns_several_arrays_is_told_its_adapter():
    def two(x):
        return x[:2], x[2:].reshape(-1, 1)

    with pytest.raises(UnusableInput, match=r"not as one numpy vector: judge C = compth.adapt\(two\)"):
        settled(two, ct.Unbiased(0))
    assert settled(ct.adapt(two), ct.Unbiased(0)).verdict is CONSISTENT


def test_entries_come_back_in_the_order_of_the_input():
    swapped = ct.adapt(lambda p: {"b": p["b"], "a": p["a"]}, shapes={"a": (2,), "b": (3,)})
    assert np.array_equal(swapped(np.arange(5.0)), np.arange(5.0))


@pytest.mark.parametrize(
    ("text", "shapes"),
    [("3x4,4", [(3, 4), (4,)]), ("w:3x4, b:4", {"w": (3, 4), "b": (4,)}), ("2x-1", (2, -1))],
)
def test_shapes_as_text(text, shapes):
    assert layers.parsed(text) == shapes


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ct.adapt(3), "cannot be called, and is no pair"),
        (lambda: ct.adapt(largest, pair=True), "is no pair"),
        (lambda: ct.adapt(largest, "tensorflow"), "choose torch or jax"),
        (lambda: ct.adapt(largest, dtype="float7"), "no type of numpy"),
        (lambda: ct.adapt(largest, shapes=(0, 2)), "a shape is a tuple of integers >= 1"),
        (lambda: ct.adapt(largest, shapes=[(2, -1), (3,)]), "-1 stands once, in a single shape alone"),
        (lambda: ct.adapt(largest, generators="mine"), "'global' seeds"),
        (lambda: ct.adapt(largest, after=-1), "a number of calls >= 0"),
        (lambda: layers.parsed("3x"), "cannot be read"),
        (lambda: layers.parsed("w:2,w:3"), "names the layer 'w' twice"),
        (lambda: ct.adapt(largest, shapes=5), "shapes=5: give a tuple"),
        (lambda: ct.adapt(largest, after=["a"]), "holds vectors of numbers"),
        (lambda: ct.adapt(largest, after=[3]), "holds vectors of numbers"),
        (lambda: ct.adapt(ct.TopK(k=1)), r"^TopK\(k=1\) needs no adapter"),
        (lambda: ct.adapt(ct.TopK), "^TopK needs no adapter"),
        (lambda: ct.adapt(Momentum(), pair=True), "^Momentum is no pair"),
        (lambda: ct.adapt(object()), "^object cannot be called"),
        (lambda: ct.adapt(largest, dtype="bfloat16"), r"try float32 \(bfloat16 with a backend\)"),
        (lambda: ct.adapt((lambda x: (x, 1), lambda a, b, c: a))(np.ones(3)), "takes 3 arguments"),
        (lambda: ct.adapt(lambda x, width: x)(np.ones(3)), "needs width="),
        (lambda: memory.copied(iter([])) and memory.copied(x for x in "a"), "cannot be copied"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(make, says):
    with pytest.raises(InvalidParameter, match=says):
        make()


def test_what_an_adapted_object_does_not_hold_is_said_to_lie_outside():
    rng = np.random.default_rng(0)
    (found,) = settled(ct.adapt(lambda x: x * rng.random()), ct.Contractive("1/10")).certificates
    assert "hand the given generator on, as f(x, rng)" in found.details["cause"]


def test_only_what_works_is_offered():
    def broken(x):
        raise KeyError("x")

    assert remedies.remedy(as_subject(broken), 4) == ""


class Feedback:
    """Error feedback of Top-1: its memory has the size of the first vector."""

    def __init__(self):
        self.e = 0

    def __call__(self, x):
        v = self.e + x
        y = np.where(np.arange(len(v)) == np.abs(v).argmax(), v, 0.0)
        self.e = v - y
        return y


@pytest.mark.parametrize("dims", [[3], [3, 6]])
def test_a_memory_of_one_size_is_judged_as_such_at_several(dims):
    report = ct.certify(Feedback(), dims, claims=ct.Contractive("1/d"), budget="quick")
    (found,) = report.certificates
    assert found.technique.startswith(("gave two results", "kept state"))
    assert "--state copied" in found.details["remedy"]


def test_a_look_leaves_the_state_and_runs_nothing_for_it():
    class Odd:
        def __init__(self):
            self.seen, self.table, self.other = np.zeros(2), {"a": [np.ones(1)]}, self

        def __deepcopy__(self, memo):
            raise AssertionError("a copy may be another program")

    odd = Odd()
    with put_back(odd):
        odd.seen[0], odd.new, odd.table["a"][0][:] = 5, 1, 7
    assert odd.seen[0] == 0
    assert odd.table["a"][0][0] == 1
    assert not hasattr(odd, "new")
    assert odd.other is odd
