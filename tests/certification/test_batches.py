"""What a user's object does to rows of a batch, and a fleet to blocks of its workers' vectors, is held to its trace."""

import numpy as np
import pytest

import compth as ct
from tests.certification.test_objects import staged

FIVE, D = 5, 3


def one_kept(shape, rng, factor, fewer=0):
    w = np.zeros(shape)
    j = rng.integers(shape[-1] - fewer, size=shape[:-1])
    np.put_along_axis(w, np.asarray(j)[..., None], factor * shape[-1], -1)
    return w


class Honest(ct.compressors.DiagonalSketch):
    """One uniform entry, times d."""

    def inclusion(self, d, order=1):
        return ct.calculus.ratio(1, d) if order == 1 else 0

    def draw(self, shape, rng):
        return one_kept(shape, rng, 1.0)

    def claims(self, d):
        return (ct.Unbiased(d - 1),)

    def bits(self, d, float_bits=64):
        return ct.BitCost(floats=1, float_bits=float_bits)

    @classmethod
    def examples(cls):
        return (cls(),)


class NeverTheLast(Honest):
    """Of five rows: the same steps, every outcome one of the trace, another law."""

    def draw(self, shape, rng):
        return one_kept(shape, rng, 1.0, (len(shape) > 1) * (shape[0] == FIVE))


class TwiceInBlocks(Honest):
    """Of five blocks: twice what it says."""

    def draw(self, shape, rng):
        return one_kept(shape, rng, 1.0 + (len(shape) > 2) * (shape[0] == FIVE))


class OftenInBatches(ct.Compressor):
    """Keeps entries half as often in batches of five."""

    def _compress(self, x, rng):
        p = 0.5 - 0.25 * (x.ndim > 1) * (x.shape[0] == FIVE)
        return np.where(rng.random(x.shape) < p, 2 * x, 0)

    def claims(self, d):
        return (ct.Unbiased(1),)

    def bits(self, d, float_bits=64):
        return ct.BitCost(floats=1, float_bits=float_bits)

    @classmethod
    def examples(cls):
        return (cls(),)


def proofs_of_fleet(c):
    fleet, n = ct.Independent(c), 2
    return staged(fleet, [c for c in fleet.claims(n, D) if isinstance(c, ct.JointVariance)], D, n)


@pytest.mark.slow
def test_an_honest_object_is_proved_alone_and_in_a_fleet():
    assert staged(Honest(), Honest().claims(D), D) == {"Unbiased(omega=2)"}
    assert proofs_of_fleet(Honest()) == {"JointVariance(A=1, B=0, n=2)"}


@pytest.mark.parametrize("c", [NeverTheLast(), OftenInBatches()], ids=repr)
def test_another_law_of_the_same_outcomes_in_a_batch_is_seen(c):
    assert staged(c, c.claims(D), D) == set()


@pytest.mark.slow
@pytest.mark.parametrize("c", [NeverTheLast(), TwiceInBlocks(), OftenInBatches()], ids=repr)
def test_a_fleet_that_is_wrong_on_some_blocks_is_not_proved(c):
    assert proofs_of_fleet(c) == set()


ROWS = 211


class InLongBatches(Honest):
    """Of 211 rows: another law."""

    def draw(self, shape, rng):
        return one_kept(shape, rng, 1.0, (len(shape) > 1) * (shape[0] == ROWS))


class InHugeBatches(Honest):
    """Of more than 2^16 numbers: twice what it says."""

    def draw(self, shape, rng):
        return one_kept(shape, rng, 1.0 + (int(np.prod(shape)) > 2**16))


class Coins(ct.Compressor):
    """Every entry with probability 1/2, twice."""

    factor, often = "1", "0.5"

    def claims(self, d):
        return (ct.Unbiased(1),)

    def bits(self, d, float_bits=64):
        return ct.BitCost(floats=d, float_bits=float_bits)

    @classmethod
    def examples(cls):
        return (cls(),)


def coins(factor="1", often="0.5"):
    """Coins whose factor or probability is this expression in x."""
    text = f"def _compress(self, x, rng):\n    return np.where(rng.random(x.shape) < {often}, {factor} * 2 * x, 0.0)\n"
    space = {"np": np, "__name__": "coins"}
    exec(text, space)
    return type("Coins", (Coins,), {"_compress": space["_compress"]})()


COUNTED = [
    "1 + (x.shape[0] == 113)", "1 + (x.size == 339)", "1 + (len(x) * x.ndim == 226)", "1 + (x.size > 2**17)",
    "1 + (x.ndim == 2) * (x.shape[0] == 200)", "1 + (x.ndim == 3) * (x.shape[-2] == 19)",
    "1 + (x.shape == (2, 2, 2, 3))", "1 + (x.shape[0] // 701 == 1)", "0 ** (abs(x.shape[0] - 150) == 0)",
    "1 + (max(x.shape) > 999)",
    "(1, 3)[x.shape[:-1] == (4, 7)]", "1 + (round(x.shape[0] ** 0.5) == 18)",
]  # fmt: skip


@pytest.mark.parametrize("factor", COUNTED)
def test_a_program_that_counts_its_rows_is_not_proved(factor):
    """Batches were tried with a few numbers of rows: one that does something else for 113 of them was PROVED."""
    thing = coins(factor)
    assert staged(thing, thing.claims(D), D) == set()


@pytest.mark.slow
def test_rows_with_another_law_at_a_number_that_the_code_names_are_not_proved():
    assert staged(coins(), coins().claims(D), D) == {"Unbiased(omega=1)"}
    for often in ("0.5 - 0.2 * (x.shape[0] == 113)", "0.5 + 0.3 * (x.size == 2700)"):
        assert staged(coins(often=often), coins().claims(D), D) == set()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [InLongBatches, InHugeBatches])
def test_a_draw_that_counts_its_rows_is_not_proved(kind):
    for d in (D, 20):
        assert staged(kind(), kind().claims(d), d) == set()
