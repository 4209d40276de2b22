"""Batches are held to their rows; torch and jax programs are seen as numpy ones."""

import numpy as np
import pytest

import compth as ct


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
