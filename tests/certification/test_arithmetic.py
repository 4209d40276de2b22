"""The arithmetic of the judged program: seen or declared, its domain, and what its rounding is granted."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

import compth as ct
from compth.certificates import Verdict
from compth.certification import certify
from compth.certification.arithmetic import (
    FLOAT64,
    FORMATS,
    as_numpy,
    bound_with_rounding,
    declared,
    grid_points,
    limit,
    mean_square_with_rounding,
    seen,
)
from compth.certification.reproduce import Program, script
from compth.errors import InvalidParameter
from compth.reporting.certification import lines

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
BF16 = FORMATS["bfloat16"]


def to_bfloat16(x):
    """float64 -> the nearest bfloat16, as float32."""
    return BF16.rounded(np.asarray(x, dtype=np.float64)).astype(np.float32)


def rand2(x, rng, kind=np.float32):
    x = x.astype(kind)
    k = min(2, x.size)
    y = np.zeros_like(x)
    i = rng.choice(x.size, k, replace=False)
    y[i] = x[i] * kind(x.size / k)
    return y


def rand2_64(x, rng):
    return rand2(x, rng, np.float64)


def rand2_out64(x, rng):
    """Computes in float32, hands out float64 (as adapters do)."""
    return rand2(x, rng).astype(np.float64)


def rand2_16(x, rng):
    return rand2(x, rng, np.float16)


def rand2_bf16(x, rng):
    return to_bfloat16(rand2(to_bfloat16(x), rng))


def qsgd(x, rng, kind=np.float32, levels=4):
    x = x.astype(kind)
    n = np.linalg.norm(x)
    if n == 0:
        return x
    r = np.abs(x) / n * kind(levels)
    f = np.floor(r)
    return n / kind(levels) * np.sign(x) * (f + (rng.random(x.size, dtype=kind) < r - f))


def natural(x, rng):
    m, e = np.frexp(np.abs(x))
    return np.sign(x) * np.ldexp(0.5 + 0.5 * (rng.random(x.size) < 2 * m - 1), e)


def sign(x, rng):
    return np.sign(x)


def _cut(x, rng, bits):
    b = x.astype(np.float32).view(np.int32)
    return ((b + rng.integers(0, 1 << bits, b.shape, dtype=np.int32)) & np.int32(-65536)).view(np.float32)


def few(x, rng):
    """Stochastic rounding to bfloat16 with 7 random bits instead of 16."""
    return _cut(x, rng, 7)


def all16(x, rng):
    return _cut(x, rng, 16)


def call_of(program):
    return lambda x, seed: program(x.copy(), np.random.default_rng(seed))


@pytest.mark.parametrize("d", [1, 2, 8, 30])
@pytest.mark.parametrize(
    ("program", "name", "grid"),
    [
        (rand2, "float32", None),
        (rand2_64, "float64", None),
        (rand2_out64, "float32", None),
        (rand2_16, "float16", None),
        (rand2_bf16, "bfloat16", None),
        (qsgd, "float32", None),
        (lambda x, rng: qsgd(x, rng, np.float64), "float64", None),
        (
            natural,
            "float64",
            1,
        ),  # powers of two, but x is not read coarser and nothing moves with its last place
        (sign, "float64", 1),
        (lambda x, rng: 0.1 * np.sign(x), "float64", None),
        (lambda x, rng: x, "float64", None),
        (few, "float32", 8),
        (all16, "float32", 8),
        (lambda x, rng: 0 * x, "float64", None),
    ],
)
def test_the_arithmetic_is_seen(program, name, grid, d):
    found = seen(call_of(program), d)
    assert found.name == name
    assert found.grid == grid
    assert found.origin.startswith("seen: returns ")


def test_a_domain_keeps_cubes_and_their_sums_normal():
    for form in FORMATS.values():
        least, largest = form.domain
        assert form.least <= least**3 * (1 - form.unit_roundoff)
        assert max(largest**3, 1000 * largest**2) <= form.largest
        if form.exponents == (-126, 127):
            assert form.least <= least**4
            assert largest**4 <= form.largest
        info = np.finfo(form.name) if form.name != "bfloat16" else None
        if info is not None:
            assert (form.least, form.largest) == (float(info.tiny), float(info.max))
            assert form.unit_roundoff == float(info.eps) / 2


def test_rounding_is_numpys():
    x = np.random.default_rng(0).normal(size=400)
    for name in ("float16", "float32"):
        assert np.array_equal(FORMATS[name].rounded(x), x.astype(name).astype(np.float64))
    assert BF16.rounded(np.array([1 + 2.0**-8, 1 + 3 * 2.0**-8, -1.01])).tolist() == [
        1,
        1 + 2.0**-6,
        -1.0078125,
    ]


def test_the_allowance_is_minkowskis():
    # error root 3 may become 3 + 0.1 (2 + 1)
    assert mean_square_with_rounding(9.0, 0.1, 4.0, 1.0) == pytest.approx(3.3**2)
    assert mean_square_with_rounding(9.0, 0.0, 4.0, 1.0) == 9.0
    # the output moves by 0.1 (2 + 1): E||y||^2 by twice that times 2, <E y, x> by that times 1
    assert bound_with_rounding("alpha||x||^2", 1.0, 0.1, 4.0, 1.0) == pytest.approx(1 + 0.3 * 4)
    assert bound_with_rounding("gamma||x||^2", 1.0, 0.1, 4.0, 1.0) == pytest.approx(1 + 0.3)
    assert bound_with_rounding("E||C(x)||^2", 1.0, 0.1, 4.0, 1.0) == pytest.approx(1 + 0.3 * 6)
    square, lower = limit("E||C(x)-x||^2", 9.0, 0.1, 4.0, 1.0), limit("alpha||x||^2", 9.0, 0.1, 4.0, 1.0)
    assert square == pytest.approx(mean_square_with_rounding(9.0, 0.1, 4.0, 1.0), rel=1e-8)
    assert lower == pytest.approx(bound_with_rounding("alpha||x||^2", 9.0, 0.1, 4.0, 1.0), rel=1e-8)
    assert limit("||E C(x) - x||^2", 0.0, 0.0, 1.0, 1.0) == 2e-18


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
def test_sound_programs_stay_within_a_third_of_the_allowance_and_wrong_ones_do_not(name):
    form, rng = FORMATS[name], np.random.default_rng(1)
    for d in (2, 8, 30, 200):
        for _ in range(20):
            x = rng.normal(size=d)
            size = np.linalg.norm(x)
            f = form.rounded(x)
            n = form.rounded(np.linalg.norm(f))
            mean = form.rounded(
                form.rounded(n / 4) * form.rounded(4 * form.rounded(np.abs(f) / n))
            ) * np.sign(f)
            moved = np.linalg.norm(mean - x)
            assert moved < form.slack(d) * 2 * size / 3
            assert np.linalg.norm(1.2 * mean - x) > form.slack(d) * 2.2 * size


LONGER = [pytest.param(p, marks=pytest.mark.slow) for p in (rand2_out64, rand2_16)]


@pytest.mark.parametrize("program", [rand2, rand2_bf16, *LONGER], ids=lambda p: p.__name__)
@pytest.mark.slow
def test_sound_programs_in_few_bits_are_not_refuted_and_false_constants_are(program):
    right = certify(program, (2, 6), claims=ct.Unbiased("max(d,2)/2 - 1"), budget="quick")
    assert right.verdict is Verdict.CONSISTENT, right.certificates
    wrong = certify(program, 6, claims=ct.Unbiased(1.5), budget="quick")
    assert wrong.verdict is Verdict.REFUTED
    unscaled = certify(lambda x, rng: program(x, rng) / x.size * 2, 6, claims=ct.Unbiased(2), budget="quick")
    assert unscaled.verdict is Verdict.REFUTED


def test_float32_excess_of_a_millionth_is_found_where_float32_allows_less():
    claim = ct.Unbiased(2 * (1 - 1e-5))
    assert certify(rand2, 6, claims=claim, budget="quick").verdict is Verdict.REFUTED
    biased = certify(
        lambda x, rng: rand2(x, rng) * np.float32(1 + 1e-5), 6, claims=ct.Unbiased(2.1), budget="quick"
    )
    assert biased.verdict is Verdict.REFUTED


@pytest.mark.slow
def test_a_float32_quantiser_passes_on_the_default_domain():
    report = certify(qsgd, 3, claims=ct.Unbiased("d/64"), budget="quick")
    assert report.verdict is Verdict.CONSISTENT, report.certificates
    assert report.info["magnitudes"] == [1e-9, 1e9]
    assert report.info["arithmetic"]["name"] == "float32"
    said = "\n".join(lines(report))
    assert "arithmetic: float32 (seen: returns float32), magnitudes 1e-09 to 1e+09; rounding granted" in said


def test_stochastic_rounding_with_few_bits_is_judged_in_the_arithmetic_that_it_is_computed_in():
    # at d = 1 the 128 outcomes are enumerated: bias up to 2^-7 of x, in float32 that is refuted
    report = certify(few, 1, claims=ct.BiasVariance(1e-4, 1 / 65536), budget="quick")
    assert report.info["arithmetic"]["name"] == "float32"
    assert report.verdict is Verdict.REFUTED
    assert (
        certify(few, 1, claims=ct.BiasVariance(2.0**-7, 1 / 65536), budget="quick").verdict
        is Verdict.CONSISTENT
    )


PROGRAM = """
import numpy as np
def rand2(x, rng):
    x = x.astype(np.float32)
    y = np.zeros_like(x)
    i = rng.choice(x.size, 2, replace=False)
    y[i] = x[i] * np.float32({scale})
    return y
"""


@pytest.mark.parametrize(
    ("scale", "claim"),
    [
        ("1", ct.Unbiased(2)),
        ("3.00003", ct.Unbiased(3)),
        ("2.9", ct.BiasVariance(1e-3, 3)),
        ("4", ct.Unbiased(2)),
    ],
)
@pytest.mark.slow
def test_the_script_grants_the_same_rounding(scale, claim, tmp_path):
    file = tmp_path / "mine.py"

    def ends(text):
        file.write_text(PROGRAM.format(scale=text))
        return subprocess.run([sys.executable, str(made)], capture_output=True, text=True, check=False)

    file.write_text(PROGRAM.format(scale=scale))
    space: dict[str, object] = {}
    exec(file.read_text(), space)
    report = certify(space["rand2"], 6, claims=claim, budget="quick")
    assert report.verdict is Verdict.REFUTED
    made = tmp_path / "again.py"
    made.write_text(script(report.certificates[0], Program(str(file), "rand2", {})))
    wrong, mended = ends(scale), ends("3")
    assert (wrong.returncode, mended.returncode) == (1, 0), wrong.stdout + wrong.stderr + mended.stdout
    assert "violated" in wrong.stdout
    assert "holds" in mended.stdout


def test_a_claim_of_the_size_of_rounding_is_held_strictly():
    def nearest(x):
        return to_bfloat16(x)

    strict = certify(nearest, 3, claims=ct.Contractive(1 - 1e-7), budget="quick")
    assert strict.verdict is Verdict.REFUTED
    assert any("about rounding in bfloat16" in note for note in strict.info["not_checked"])
    true = certify(nearest, 3, claims=ct.Contractive(1 - 2.0**-16), budget="quick")
    assert true.verdict is Verdict.CONSISTENT


def test_the_arithmetic_can_be_declared():
    report = certify(few, 1, claims=ct.Unbiased(0.1), budget="quick", arithmetic="bfloat16")
    assert report.verdict is Verdict.CONSISTENT  # rounding to bfloat16 is granted: said so
    assert "bfloat16 (declared)" in "\n".join(lines(report))
    assert declared("float64").slack(8) == FLOAT64.slack(8) == 0
    with pytest.raises(InvalidParameter, match=r"arithmetic='float8'.*bfloat16, float16, float32, float64"):
        certify(few, 1, claims=ct.Unbiased(0), arithmetic="float8")
    with pytest.raises(InvalidParameter, match=r"magnitudes=\(10.0, 0.1\)"):
        certify(few, 1, claims=ct.Unbiased(0), magnitudes=(10.0, 0.1))


def test_grid_points_are_midway_and_just_below_the_next_number():
    assert grid_points(3, None) == []
    middle = grid_points(2, 8)[0]
    assert middle.tolist() == [1 + 2.0**-8] * 2
    rng = np.random.default_rng(0)
    z = [float(((all16(middle, rng) - middle) ** 2).sum() / (middle @ middle)) for _ in range(20)]
    assert z == pytest.approx([1 / 66049] * 20)


class Tensor:
    """A stand-in with the names that are asked of a torch tensor."""

    __module__ = "torch"

    def __init__(self, values, dtype):
        self.values, self.dtype = values, f"torch.{dtype}"

    def detach(self):
        return self

    cpu = detach

    def float(self):
        return Tensor(self.values.astype(np.float32), "float32")

    def numpy(self):
        if self.dtype == "torch.bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.values


def test_a_tensor_of_bfloat16_is_read_without_torch():
    x = np.random.default_rng(0).normal(size=6)
    assert as_numpy(Tensor(to_bfloat16(x), "bfloat16")).tolist() == to_bfloat16(x).tolist()
    assert as_numpy(Tensor(x, "float64")) is x
    assert seen(call_of(lambda x, rng: Tensor(few(x, rng), "bfloat16")), 6).name == "float32"
    assert seen(call_of(lambda x, rng: Tensor(rand2_bf16(x, rng), "bfloat16")), 6).name == "bfloat16"
    report = certify(
        lambda x, rng: Tensor(few(x, rng), "bfloat16"), 1, claims=ct.Unbiased(1e-4), budget="quick"
    )
    assert report.verdict is Verdict.REFUTED
    assert report.info["arithmetic"]["origin"] == "seen: returns bfloat16, reads x as float32"


def needs(name):
    missing = importlib.util.find_spec(name) is None
    return [pytest.mark.optional, pytest.mark.skipif(missing, reason=f"{name} is not installed")]


def _ml(x):
    import ml_dtypes

    return x.astype(ml_dtypes.bfloat16)


def _torch(x):
    import torch

    return torch.from_numpy(np.asarray(x, dtype=np.float32)).to(torch.bfloat16)


@pytest.mark.parametrize(
    "to", [pytest.param(_ml, marks=needs("ml_dtypes")), pytest.param(_torch, marks=needs("torch"))]
)
def test_bfloat16_arrays_and_tensors_are_read(to):
    assert as_numpy(to(np.array([1.0, 2.5]))).tolist() == [1.0, 2.5]
    sound, rounds = (lambda x, rng: to(rand2_bf16(x, rng))), (lambda x, rng: to(few(x, rng)))
    assert seen(call_of(sound), 5).name == "bfloat16"
    assert seen(call_of(lambda x, rng: to(natural(BF16.rounded(x), rng))), 5).name == "bfloat16"
    assert seen(call_of(rounds), 5).name == "float32"
    assert certify(sound, 6, claims=ct.Unbiased(2), budget="quick").verdict is Verdict.CONSISTENT
    assert certify(sound, 6, claims=ct.Unbiased(1.5), budget="quick").verdict is Verdict.REFUTED
    report = certify(rounds, 1, claims=ct.BiasVariance(1e-4, 1 / 65536), budget="quick")
    assert report.verdict is Verdict.REFUTED


def test_a_hidden_direction_of_a_float32_program_is_found_on_its_paths():
    d = 24
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(d, d)))[0].astype(np.float32)
    w = np.ones(d, np.float32)
    w[0] = 1.4  # along q's first column the mean is 1.4 x

    def rotated(x, rng):
        u = rng.standard_normal(d, dtype=np.float32) * np.float32(0.1)
        return q @ ((w + u) * (q.T @ x.astype(np.float32)))

    # E||C(x)-x||^2 = 0.01 ||x||^2 but along that column 0.17: listed inputs see 0.01 to 0.04
    assert certify(rotated, d, claims=ct.Contractive(1 - 0.1), budget="quick").verdict is Verdict.REFUTED
    assert certify(rotated, d, claims=ct.Contractive(1 - 0.18), budget="quick").verdict is Verdict.CONSISTENT


@pytest.mark.parametrize(
    "program", [rand2_bf16, pytest.param(rand2, marks=pytest.mark.slow)], ids=lambda p: p.__name__
)
@pytest.mark.parametrize(
    ("right", "wrong"),
    [(ct.B1(3, 3), ct.B1(4, 3)), (ct.B1(3, 3), ct.B1(3, 2.5)), (ct.B2(1, 3), ct.B2(1.4, 3))],
)
def test_the_other_classes_are_granted_rounding_too(program, right, wrong):
    assert certify(program, 6, claims=right, budget="quick").verdict is Verdict.CONSISTENT
    assert certify(program, 6, claims=wrong, budget="quick").verdict is Verdict.REFUTED


def in_bfloat16(x):
    return FORMATS["bfloat16"].rounded(np.asarray(x, dtype=np.float64))


def qsgd_bf16(x, rng, factor=1.0):
    """QSGD with every number rounded to bfloat16 on the way, sums in full."""
    x = in_bfloat16(x)
    n = in_bfloat16(np.linalg.norm(x))
    if n == 0:
        return x
    r = in_bfloat16(np.abs(x) / n * 4)
    level = np.floor(r) + (rng.random(x.size) < r - np.floor(r))
    return in_bfloat16(in_bfloat16(n / 4) * np.sign(x) * level * factor)


def test_the_allowance_is_tight_where_x_is_flat():
    form, d = FORMATS["bfloat16"], 1000
    flat, single = np.ones(d), np.eye(d)[0]
    assert form.slack(d, flat) < 0.018 < 0.07 < form.slack(d, single) <= form.slack(d) < 0.08
    gaussian = np.random.default_rng(0).normal(size=d)
    assert form.slack(d, flat) < form.slack(d, gaussian) < 0.03
    assert form.slack(d, 0 * flat) == form.slack(d)
    assert FORMATS["float32"].slack(d, flat) <= FORMATS["float32"].slack(d)


@pytest.mark.parametrize("d", [30, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_bias_in_bfloat16_is_seen_where_it_exceeds_the_roundings(d):
    claim = ct.Unbiased("sqrt(d)/2")
    sound = certify(qsgd_bf16, d, claims=claim, budget="quick")
    assert (sound.verdict, sound.info["arithmetic"]["name"]) == (Verdict.CONSISTENT, "bfloat16")
    wrong = certify(lambda x, rng: qsgd_bf16(x, rng, 1.1), d, claims=claim, budget="quick")
    assert wrong.verdict is Verdict.REFUTED
