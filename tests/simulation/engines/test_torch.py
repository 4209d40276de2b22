"""Engine `torch`: the package's own code on tensors has the reference's law; what torch lacks is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

import compth as ct
from compth.compressors import Compressor, catalogue
from compth.errors import InvalidParameter, Unsupported
from compth.methods import catalogue as methods
from tests.compressors.exact_law import law
from tests.compressors.test_kernels import difference_in_law

torch = pytest.importorskip("torch", reason="torch is not installed")
from compth.simulation.engines.torch_arrays import Stream, layer, target, tensor  # noqa: E402  # only where torch is

pytestmark = [pytest.mark.optional, pytest.mark.slow]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PROBLEM = ct.problems.random_quadratic(n=4, d=12, kappa=10, seed=1)
X = np.array([1.25, -0.7, 3.0, 0.0])
LACKING = {"AdaptiveRandom", "FixedSupport", "TopKSign"}
CASES = [
    e
    for name, thing in catalogue().items()
    if issubclass(thing, Compressor) and name not in LACKING | {"PowerSGD"}  # its normals have no finite law
    for e in thing.examples()
    if e.supports(4)
]


def on_device(compressor):
    """rows, seeded numpy generator -> messages, computed on the device."""

    def kernel(rows, rng):
        made = target(DEVICE).object(compressor)
        stream = Stream(int(rng.integers(1 << 62)), DEVICE)
        return tensor(made._compress(target(DEVICE).namespace.asarray(rows), stream)).cpu().numpy()

    return kernel


@pytest.mark.parametrize("compressor", CASES, ids=repr)
def test_the_law_is_the_reference_law(compressor):
    assert difference_in_law(on_device(compressor), law(compressor, X), X, seed=5) is None


def test_another_law_is_caught():
    assert "does not have" in difference_in_law(on_device(ct.RandK(2)), law(ct.RandK(1), X), X, seed=5)
    half = law(ct.Bernoulli(0.5), X)
    scaled = ct.Scaled(ct.Bernoulli(0.53), factor=0.53 / 0.5)
    assert "was seen" in difference_in_law(on_device(scaled), half, X, seed=5)


def test_what_torch_lacks_is_still_lacking():
    """A name leaves the list when its code runs: the list must not hide a law that nobody compares."""
    for name in LACKING:
        for e in catalogue()[name].examples():
            with pytest.raises((AttributeError, NotImplementedError, TypeError)):
                on_device(e)(np.ones((2, 4)), np.random.default_rng(0))


RUNS = [
    *(
        m
        for kind in ("DCGD", "DIANA", "EFBV", "MARINA", "ADIANA")
        for m in methods()[kind].examples(ct.RandK(3))
    ),
    ct.EF(ct.Scaled(ct.RandK(3))),
    ct.EF21(ct.Scaled(ct.NaturalCompression())),
    ct.GD(),
]


@pytest.mark.parametrize("method", RUNS, ids=lambda m: m.label)
def test_runs_agree_with_the_plain_engine(method):
    plain = ct.simulate(method, PROBLEM, 20, 512, seed=3)
    moved = ct.simulate(method, PROBLEM, 20, 512, seed=4, engine=f"torch:{DEVICE}", threads=2)
    error = np.hypot(plain.se_square, moved.se_square) + 1e-12 * plain.mean_square[0]
    assert (np.abs(plain.mean_square - moved.mean_square) < 9 * error).all()
    assert (plain.mean_metric is None) == (moved.mean_metric is None)
    assert isinstance(moved.mean, np.ndarray)


def test_deterministic_runs_agree_to_rounding():
    for method in (ct.EF(ct.TopK(3), gamma=0.05), ct.EF21(ct.ScaledSign(), gamma=0.02)):
        plain, moved = (ct.simulate(method, PROBLEM, 30, 70, engine=e) for e in ("numpy", f"torch:{DEVICE}"))
        np.testing.assert_allclose(moved.mean_square, plain.mean_square, rtol=1e-9)
        np.testing.assert_allclose(moved.bits, plain.bits)


def test_divergence_is_recorded():
    trace = ct.simulate(ct.DCGD(ct.TopK(1), gamma=20.0), PROBLEM, 200, 8, engine="torch:cpu")
    assert (trace.diverged > 0).all()


def test_tensors_stay_on_the_layer():
    made = target(DEVICE).object(ct.RandK(1))
    y = made._compress(target(DEVICE).namespace.asarray(np.ones((2, 5))), Stream(0, DEVICE))
    assert isinstance(y, layer.ndarray)
    assert y.tensor.device.type == DEVICE


def test_refusals_are_one_line():
    with pytest.raises(Unsupported, match="use engine='numpy'"):
        ct.simulate(
            ct.DCGD(ct.Scaled(ct.TopKSign(1), factor=1.0), gamma=0.1), PROBLEM, 3, 2, engine="torch:cpu"
        )
    with pytest.raises(InvalidParameter, match="cannot be used"):
        ct.simulate(ct.GD(), PROBLEM, 3, 2, engine="torch:nowhere")
    with pytest.raises(Unsupported, match="DistributedQuadratic"):
        ct.simulate(ct.GD(gamma=0.01), ct.problems.Rosenbrock(), 3, 2, engine="torch:cpu")
