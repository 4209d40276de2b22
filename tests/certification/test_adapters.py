"""Batches are held to their rows; torch and jax programs are seen as numpy ones."""

import numpy as np
import pytest

import compth as ct
from compth.certification.subject import Subject


def rows(x, rng):
    return np.where(rng.random(x.shape) < 0.5, 2 * x, 0.0)


def one_coin_for_all_rows(x, rng):
    return np.where(rng.random(x.shape[-1:]) < 0.5, 2 * x, 0.0)


def other_law_in_batches(x, rng):
    p = 0.5 if len(x) == 1 else 0.25
    return np.where(rng.random(x.shape) < p, x / p, 0.0)


def test_a_right_batch_is_proved_or_consistent():
    assert ct.certify(ct.Batched(rows), (2, 3), claims=ct.Unbiased(1)).verdict in (
        ct.Verdict.PROVED,
        ct.Verdict.CONSISTENT,
    )


@pytest.mark.parametrize("wrong", [one_coin_for_all_rows, other_law_in_batches])
def test_wrong_batches_are_refuted(wrong):
    report = ct.certify(ct.Batched(wrong), (2, 3), claims=ct.Unbiased(3))
    assert report.verdict is ct.Verdict.REFUTED
    assert any("rows" in c.claim for c in report.certificates if c.verdict is ct.Verdict.REFUTED)


class Adapter:
    """Somebody's: it names an object of the package and runs another program."""

    def __init__(self, program, thing, **more):
        self.program, self.thing, self.more = program, thing, more

    def subject(self):
        return Subject("mine", self.program, object=self.thing, **self.more)

    def __call__(self, x, rng):
        return self.program(x, rng)


def thin(x, rng):
    return ct.RandK(2)._compress(x, rng) * (2 if x[0] == 1.2345678 else 1)


ADAPTED = [
    (thin, ct.RandK(2), ct.Unbiased("d/2 - 1"), {}),
    (thin, ct.RandK(2)._compress, ct.Unbiased("d/2 - 1"), {}),
    (lambda x, rng: thin(x, rng) / 2, ct.Scaled(ct.RandK(2), 0.5), ct.Contractive("1/4"), {}),
    (thin, ct.RandK(2), ct.Unbiased("d/2 - 1"), {"form": "kernel"}),
]


@pytest.mark.parametrize(("program", "thing", "claim", "more"), ADAPTED)
def test_an_adapter_of_others_is_the_program_that_it_runs(program, thing, claim, more):
    """Whatever object it names: RandK was proved by its inclusion probabilities, whatever ran."""
    report = ct.certify(Adapter(program, thing, **more), 4, claims=claim, budget="quick")
    assert report.verdict is not ct.Verdict.PROVED
    assert ct.estimate(Adapter(program, thing, **more), 4, budget="quick").exact is None


def test_an_adapter_brings_no_process_of_its_own():
    with pytest.raises(ct.errors.InvalidParameter, match="no program of this process"):
        ct.certify(Adapter(thin, ct.RandK(2), worker=object()), 4, claims=ct.Unbiased(1))


def test_unknown_backend():
    with pytest.raises(ct.errors.InvalidParameter, match="torch or jax"):
        ct.adapt(rows, "tensorflow")


@pytest.mark.optional
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_other_arrays(backend):
    pytest.importorskip(backend)
    if backend == "torch":
        import torch

        def coin(x, generator):
            return torch.where(
                torch.rand(x.shape, generator=generator, dtype=torch.float64) < 0.5, 2 * x, 0.0 * x
            )
    else:
        import jax

        def coin(x, key):
            return jax.numpy.where(jax.random.uniform(key, x.shape) < 0.5, 2 * x, 0.0)

    program = ct.adapt(coin, backend)
    assert ct.certify(program, 3, claims=ct.Unbiased(1), budget="quick").verdict is ct.Verdict.CONSISTENT
    assert ct.certify(program, 3, claims=ct.Unbiased("1/2"), budget="quick").verdict is ct.Verdict.REFUTED


@pytest.mark.parametrize("default", [{}, {"rng": None}])
def test_a_generator_by_keyword_alone_is_no_reason_to_refute(default):
    def coin(x, *, rng):
        return np.where(rng.random(x.shape) < 0.25, 4 * x, 0.0)

    coin.__kwdefaults__ = default
    with pytest.raises(ct.errors.InvalidParameter, match=r"judge C = lambda x, rng: .*coin\(x, rng=rng\)"):
        ct.certify(coin, 3, claims=ct.Unbiased(3))
    right = ct.certify(lambda x, rng: coin(x, rng=rng), 3, claims=ct.Unbiased(3), budget="quick")
    assert right.verdict is ct.Verdict.PROVED
