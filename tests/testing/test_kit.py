"""The kit that other test-suites use: it passes what is right, fails what is wrong, and works from outside."""

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from importlib import metadata

import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

import compth as ct
from compth.compressors import catalogue
from compth.methods.diana import DIANAShift
from compth.testing import assert_claim, conformance, method_conformance, strategies, vectors
from tests.thorough import thorough, tries

strategies.register()  # an installed compth does this by entry point
CLASSES = [c for c in catalogue().values() if issubclass(c, ct.Compressor)]


@given(st.from_type(ct.TopK), vectors(min_d=3))
def test_top_k_meets_its_claims_on_every_drawn_vector(compressor, x):
    y = compressor.compress(x)
    for margin in compressor.claim(ct.Contractive, len(x)).margins(x, y, float(y @ y)):
        assert margin.value <= margin.bound * (1 + 1e-9) + 1e-9 * float(x @ x)


@pytest.mark.slow
def test_strategies_reach_the_hard_vectors():
    """`find` raises where no draw fits; what it returns fits in floats, too."""
    single = find(vectors(min_d=3), lambda x: np.count_nonzero(x) == 1 and len(x) >= 3)
    assert len(single) >= 3
    assert np.count_nonzero(single) == 1
    flat = find(vectors(min_d=3), lambda x: len(x) >= 3 and len(set(np.abs(x))) == 1 and x.any())
    assert np.ptp(np.abs(flat)) == 0 < np.abs(flat).max()
    negative_zero = find(vectors(), lambda x: (np.signbit(x) & (x == 0)).any())
    assert "-0.0" in map(str, negative_zero.tolist())
    assert 1e99 <= np.abs(find(vectors(), lambda x: np.abs(x).max() >= 1e99)).max() < np.inf


def test_a_wrong_claim_is_found_and_shrunk_by_hypothesis():
    def wrong(x):
        y = ct.TopK(1).compress(x)
        return float((y - x) @ (y - x)) > (1 - 1.5 / len(x)) * float(x @ x) * (1 + 1e-9)

    smallest = find(vectors(min_d=2, max_d=4, nonzero=True), wrong)
    assert len(smallest) == 2


def test_assert_claim_shows_the_report():
    assert_claim(ct.RandK(2), d=4, proved=True, budget="quick")
    with pytest.raises(AssertionError, match=r"REFUTED.*Contractive"):
        assert_claim(ct.TopK(1), ct.Contractive("0.9"), d=4, budget="quick")
    with pytest.raises(AssertionError, match="CONSISTENT"):
        assert_claim(ct.TopK(1), d=4, proved=True, budget="quick")


@thorough
@pytest.mark.slow
@pytest.mark.parametrize("cls", CLASSES[:: tries(3, 1)], ids=lambda c: c.__name__)
def test_the_catalogue_conforms(cls):
    """A third of the classes and a sixth of their examples, or all and half: claims are in tests/compressors."""
    conformance(cls, every=tries(6, 2))


@dataclass(frozen=True)
class Broken(ct.TopK):
    k: int = 1

    def claims(self, d):
        return (ct.Contractive(0.99),)

    @classmethod
    def examples(cls):
        return (cls(1),)


def test_a_wrong_object_does_not_conform():
    with pytest.raises(AssertionError, match="REFUTED"):
        conformance(Broken)
    with pytest.raises(ct.errors.InvalidParameter, match="every=0"):
        conformance(Broken, every=0)


@pytest.mark.parametrize("method", [ct.DCGD(ct.RandK(2)), ct.DIANA(ct.RandK(2)), ct.EF21(ct.TopK(2))])
def test_methods_conform(method):
    method_conformance(method, ct.problems.random_quadratic(3, 4, 5, seed=1))


def test_a_method_that_skips_its_memory_does_not_conform():
    class Claimed(DIANAShift):
        """The theorem as the method's author claims it: a changed step inherits none of the package's."""

        def why_not(self, c):
            return super().why_not(c)

    class Forgetful(ct.DIANA):
        @classmethod
        def theorems(cls):
            return (Claimed(),)

        def step(self, problem, state, rng, plan, t):
            new = super().step(problem, state, rng, plan, t)
            return type(new)(new.x, new.sent, h=state.h * 0)

    with pytest.raises(AssertionError, match="exceeded"):
        method_conformance(
            Forgetful(ct.RandK(1)), ct.problems.random_quadratic(2, 4, 2, seed=1, minimisers=5), steps=400
        )


PLUGIN = """
from dataclasses import dataclass
import numpy as np
from compth.bits import BitCost
from compth.claims import Contractive, Sharpness
from compth.compressors import Compressor

@dataclass(frozen=True)
class KeepHalf(Compressor):
    def _compress(self, x, rng):
        return x * (rng.random(x.shape) < 0.5)
    def claims(self, d):
        return (Contractive({delta}, sharpness=Sharpness.TIGHT),)
    def bits(self, d, float_bits=32):
        return BitCost(floats=d / 2, other=d, float_bits=float_bits, random=True)
    @classmethod
    def examples(cls):
        return (cls(),)
"""
SUITE = """
import compth as ct
from compth.methods.diana import DIANAShift
from other_package import KeepHalf

def test_it(check_compressor):
    assert ct.KeepHalf is KeepHalf
    check_compressor(KeepHalf(), d=(2, 3))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("delta", "passes"), [(0.5, True), (0.6, False)])
def test_from_a_separate_package(tmp_path, delta, passes):
    (tmp_path / "other_package.py").write_text(PLUGIN.format(delta=delta))
    info = tmp_path / "other_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[compth.compressors]\nKeepHalf = other_package:KeepHalf\n")
    (tmp_path / "test_it.py").write_text(SUITE)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    installed = any(p.value == "compth.testing.plugin" for p in metadata.entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "compth.testing.plugin"]
    command = [sys.executable, "-m", "pytest", "-q", *plugin, "-p", "no:cacheprovider", "test_it.py"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is passes, done.stdout + done.stderr
    if not passes:
        assert "REFUTED" in done.stdout


def test_a_broken_plug_in_is_a_warning(tmp_path):
    info = tmp_path / "bad-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[compth.compressors]\nX = no_such_module:X\n")
    code = textwrap.dedent(
        """
        import warnings
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            from compth.compressors import catalogue
            assert "RandK" in catalogue()
        assert "no_such_module" in str(seen[0].message)
        """
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
