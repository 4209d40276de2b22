"""Constants are taken as written: nothing false by 2e-14 is proved, and rounding alone refutes nobody."""

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy

import compth as ct
from compth.certificates import Verdict
from compth.certification import certify
from compth.certification.constants import ROUNDING, read_claim, readings_of
from compth.certification.linear import verifier
from compth.certification.oracle import UNLIMITED
from compth.certification.readings import named, noting, simple, simplest
from compth.certification.run import BUDGETS, Run
from compth.certification.stages.proofs import proofs_of, verifier_of
from compth.certification.subject import as_subject, declared_claims
from compth.claims.written import claim_of
from compth.text.expressions import parse

OFF = 1 - 2e-14


def rand_k(k, scale=None):
    def sparsify(x, rng):
        out = np.zeros_like(x)
        chosen = rng.permutation(len(x))[:k]
        out[chosen] = x[chosen] * (len(x) / k if scale is None else scale)
        return out

    return sparsify


def coin(p, scale):
    def flip(x, rng):
        return x * (rng.random(len(x)) < p) * scale

    return flip


def one(program, d, claim):
    """The certificate of the exact stage alone."""
    subject = as_subject(program)
    (make,) = declared_claims(subject, claim, {})
    (made,) = proofs_of(Run(subject, BUDGETS["normal"], 1e-9, 0), d, make(d))
    return made


def stage(program, d, claim):
    """The verdict of the exact stage alone; None where it leaves the claim to the others."""
    subject = as_subject(program)
    _, verify = verifier_of(Run(subject, BUDGETS["normal"], 1e-9, 0), d)
    (made,) = declared_claims(subject, claim, {})
    if verify is None:
        return None
    answer = verify(*made(d))
    return Verdict.PROVED if answer.holds else None if answer.witness is None else Verdict.REFUTED


def test_the_simplest_fraction_between_two():
    assert simplest(Fraction(31, 10), Fraction(32, 10)) == Fraction(16, 5)
    assert simplest(Fraction(3), Fraction(7, 2)) == 3
    assert simplest(Fraction(29, 10), Fraction(3)) == 3
    brute = min(
        (Fraction(n, q) for q in range(1, 200) for n in range(q) if 0.7071 <= n / q <= 0.7072),
        key=lambda f: f.denominator,
    )
    assert simplest(Fraction(7071, 10000), Fraction(7072, 10000)) == brute


@pytest.mark.parametrize("value", [Fraction(1, 3), Fraction(10, 3), Fraction(999, 1000), Fraction(10**9, 7)])
def test_a_float_names_the_fraction_that_it_rounds_and_no_other(value):
    near = float(value)
    assert named(Fraction(near)) == value
    assert named(Fraction(-near)) == -value
    for step in (8, 90, 1000):  # 90 ulps are 2e-14
        away = Fraction(near) + step * Fraction(np.spacing(near))
        assert abs(named(away) - away) <= Fraction(np.spacing(near))


def test_readings_are_noted_and_integers_stay():
    with noting() as held:
        assert (simple(2), simple(2.0), simple(0.5), simple(Fraction(1, 3))) == (2, 2, 0.5, Fraction(1, 3))
        assert not held
        assert simple(0.1) == Fraction(1, 10)
    assert held == {Fraction(0.1): Fraction(1, 10)}


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("make", [lambda k: ct.RandK(k), rand_k], ids=["sketch", "trace"])
def test_an_omega_a_little_too_small_is_not_proved(make, k):
    d = 4
    omega = Fraction(d, k) - 1
    assert stage(make(k), d, ct.Unbiased(omega)) is Verdict.PROVED
    assert stage(make(k), d, ct.Unbiased(omega * Fraction(OFF))) is Verdict.REFUTED
    assert stage(make(k), d, ct.Unbiased(omega - Fraction(1, 10**20))) is not Verdict.PROVED
    assert stage(make(k), d, ct.Unbiased(float(omega) * OFF)) is not Verdict.PROVED
    assert stage(make(k), d, ct.Unbiased(float(omega) * (1 - 1e-12))) is Verdict.REFUTED


def test_rounded_constants_refute_nobody_and_are_proved_within_one_ulp():
    below = proved = 0
    for d in range(2, 40):
        for k in range(1, d):
            omega, exact = d / k - 1, Fraction(d, k) - 1
            below += Fraction(omega) < exact
            close = Fraction(omega) >= exact or exact - Fraction(omega) <= Fraction(np.spacing(omega))
            if Fraction(omega) < exact or k % 5 == 0:
                made = stage(ct.RandK(k), d, ct.Unbiased(omega))
                assert made is (Verdict.PROVED if close else None), (d, k)
            proved += close
    assert below == 249
    assert 492 < proved < 741


def test_the_report_prints_the_fraction_that_was_proved():
    found = one(ct.RandK(3), 5, ct.Unbiased(2 / 3))
    assert Fraction(2 / 3) < Fraction(2, 3)
    assert found.verdict is Verdict.PROVED
    assert any("0.6666666666666666 as 2/3, within one ulp" in a for a in found.assumptions)
    above = one(ct.RandK(3), 5, ct.Unbiased(np.nextafter(2 / 3, 1).item()))
    assert above.verdict is Verdict.PROVED
    assert any("by its exact binary value" in a for a in above.assumptions)


K = 23
"""(K + 1)/K - 1 in floats lies 5 ulps below 1/K."""


def test_an_undecided_constant_says_what_to_do():
    report = certify(ct.RandK(K), K + 1, claims=ct.Unbiased((K + 1) / K - 1), budget="quick")
    assert report.verdict is Verdict.CONSISTENT
    assert any("as expressions or Fractions" in note for note in report.info["not_checked"])
    assert (
        certify(ct.RandK(K), K + 1, claims=ct.Unbiased(f"d/{K} - 1"), budget="quick").verdict
        is Verdict.PROVED
    )


@pytest.mark.parametrize("scale", [5 / 3, np.nextafter(5 / 3, 1).item()])
def test_a_scale_within_one_ulp_is_read_as_the_fraction_that_it_names(scale):
    found = one(rand_k(3, scale), 5, ct.Unbiased(Fraction(2, 3)))
    assert found.verdict is Verdict.PROVED
    assert any(f"{scale!r} as 5/3" in a for a in found.assumptions)


@pytest.mark.parametrize("factor", [OFF, 2 - OFF, 1 + 4e-15, 1 - 1e-15])
@pytest.mark.parametrize("program", [lambda f: rand_k(3, 5 / 3 * f), lambda f: coin(0.3, f / 0.3)])
def test_a_scale_further_off_is_not_proved(program, factor):
    assert stage(program(1.0), 5, ct.Unbiased("7/3")) is Verdict.PROVED
    assert stage(program(factor), 5, ct.Unbiased("7/3")) is not Verdict.PROVED


@pytest.mark.parametrize("kept", [Fraction(23, 45), Fraction(27, 47), Fraction(137, 1000)])
def test_a_reciprocal_of_a_rounded_chance_is_read_as_what_two_roundings_started_from(kept):
    p = float(kept)
    assert Fraction(1 / p) != 1 / kept
    assert abs(Fraction(1 / p) - 1 / kept) > Fraction(np.spacing(1 / p))
    found = one(coin(p, 1 / p), 3, ct.Unbiased(1 / kept - 1))
    assert found.verdict is Verdict.PROVED
    assert any(f"as {1 / kept} (two roundings)" in a for a in found.assumptions)
    for further in (1 / p * (1 + 3e-16) * (1 + 3e-16), 1 / p * (1 - 1e-15)):
        assert stage(coin(p, further), 3, ct.Unbiased(1 / kept - 1)) is not Verdict.PROVED


def test_many_small_readings_do_not_add_up_to_a_large_one():
    def creeping(x, rng):
        for _ in range(90):
            x = x * (1 + 2**-52)
        return x * (rng.random(len(x)) < 0.5) * 2

    assert stage(creeping, 3, ct.Unbiased(1)) is not Verdict.PROVED


@pytest.mark.parametrize("p", [0.3, 0.1, 0.01, 1 / 3, 0.7])
def test_thresholds_are_read_as_the_fractions_that_they_name(p):
    q = Fraction(p).limit_denominator(100)
    assert stage(coin(p, 1 / p), 3, ct.Unbiased(1 / q - 1)) is Verdict.PROVED
    assert stage(coin(p * OFF, 1 / p), 3, ct.Unbiased(1 / q - 1)) is not Verdict.PROVED
    assert stage(coin(p, 1 / p), 3, ct.Unbiased((1 / q - 1) * Fraction(OFF))) is Verdict.REFUTED


def test_a_probability_of_one_grid_point_is_kept():
    def rarely_wrong(x, rng):
        return x * 1e15 if rng.random() < 2.0**-53 else x

    assert stage(rarely_wrong, 2, ct.Unbiased("1e-9")) is not Verdict.PROVED


@pytest.mark.parametrize("p", [[0.1, 0.2, 0.7], [1 / 3, 1 / 3, 1 / 3]])
def test_choice_by_probabilities(p):
    def picks(x, rng):
        out = np.zeros_like(x)
        j = rng.choice(len(x), p=p)
        out[j] = x[j] / p[j]
        return out

    omega = max(1 / Fraction(v).limit_denominator(10) for v in p) - 1
    assert stage(picks, 3, ct.Unbiased(omega)) is Verdict.PROVED
    assert stage(picks, 3, ct.Unbiased(omega * Fraction(OFF))) is Verdict.REFUTED


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Fraction(1, 10)),
        ("2.9999999999999999999", 3 - Fraction(1, 10**19)),
        ("1.", 1),
        (".5", Fraction(1, 2)),
        ("1_0.2_5", Fraction(41, 4)),
        ("2.5E-3", Fraction(1, 400)),
        ("0x10", 16),
        ("(1e400)/1e399", 10),
        ("0.1\n+ 0.2", None),
    ],
)
def test_decimals_are_read_with_all_their_digits(text, value):
    if value is None:
        with pytest.raises(ct.errors.InvalidParameter):
            parse(text)
    else:
        assert parse(text)() == value


@pytest.mark.parametrize("text", ["1e999999999", "1e-999999999", "1e1001"])
def test_endless_decimals_are_refused_in_one_line(text):
    with pytest.raises(ct.errors.InvalidParameter, match="exponent"):
        parse(text)


def test_a_constant_of_twenty_digits_is_proved_or_refuted_by_all_of_them():
    for text, verdict in (
        ("3", "PROVED"),
        ("2.9999999999999999999", "REFUTED"),
        ("3.0000000000000000001", "PROVED"),
    ):
        assert one(ct.RandK(1), 4, claim_of(f"Unbiased({text})", {})).verdict.value == verdict


def test_parameters_spelled_on_the_command_line_are_exact():
    claim = claim_of("Unbiased(1/p - 1)", {"p": "0.1"})
    assert claim.omega(4) == 9
    assert claim_of("Unbiased(1/p - 1)", {"p": "0.30000000000000000001"}).omega(4) < Fraction(7, 3)


def test_claims_without_floats_have_one_reading_and_floats_at_most_two():
    assert [c for c, _ in readings_of(ct.Unbiased(2))] == [ct.Unbiased(2)]
    exact, second = (c for c, _ in readings_of(ct.BiasVariance(1 / 3, 0.5)))
    assert exact.eta == Fraction(1 / 3)
    assert (second.eta, second.omega) == (Fraction(1, 3), Fraction(1, 2))
    assert Fraction(1, 10) == read_claim(ct.JointVariance(0.1, 0, 2)).A


def test_every_direction_is_looked_at_before_rounding_is_blamed():
    """One coordinate fails by rounding, another one grossly: refuted."""

    def program(x, rng):
        return x * (rng.random(len(x)) < 0.3) * np.array([(1 + 1e-15) / 0.3, 4.0])

    verify = verifier(as_subject(program), 2, 100, UNLIMITED)
    assert Fraction(1e-15) < ROUNDING
    answer = verify(ct.Unbiased(7 / 3))
    assert not answer.holds
    assert answer.witness is not None
    assert answer.witness[1] != 0


def test_an_object_of_the_package_is_proved_at_every_parameter():
    """float(1/p - 1) may be several ulps below: the object's own formula at the fraction that p names settles it."""
    by_formula = 0
    for i in range(1, 100):
        sketch = ct.Bernoulli(i / 100)
        run = Run(as_subject(sketch), BUDGETS["quick"], 1e-9, 0)
        for made in proofs_of(run, 5, list(sketch.claims(5))):
            assert made is not None, sketch
            assert made.verdict is Verdict.PROVED, sketch
            by_formula += any("by its formula" in a for a in made.assumptions)
    assert by_formula >= 10


def test_a_formula_excuses_no_other_claim():
    sketch = ct.Bernoulli(0.34)
    own = sketch.claim(ct.Unbiased, 5)
    assert own.omega < Fraction(33, 17)
    for typed in (ct.Unbiased(own.omega * OFF), ct.Unbiased(own.omega)):
        run = Run(as_subject(sketch), BUDGETS["quick"], 1e-9, 0)
        (made,) = proofs_of(run, 5, [typed])
        assert made is None or made.verdict is not Verdict.PROVED
    user = as_subject(coin(0.34, 1 / 0.34))
    assert proofs_of(Run(user, BUDGETS["quick"], 1e-9, 0), 3, [own]) == [None]


def test_other_kinds_of_numbers_are_exact():
    long = np.longdouble(3) - np.longdouble(2) ** -60
    if long != 3:
        assert stage(ct.RandK(1), 4, ct.Unbiased(long)) is Verdict.REFUTED
    assert stage(ct.RandK(3), 4, ct.Unbiased(sympy.Rational(1, 3))) is Verdict.PROVED
    assert stage(ct.RandK(3), 4, ct.Unbiased(np.float32(1 / 3))) is Verdict.PROVED  # it lies above 1/3
    assert stage(ct.RandK(1), 4, ct.Unbiased(Decimal("3"))) is Verdict.PROVED
    assert stage(ct.RandK(1), 4, ct.Unbiased(Decimal("2.99999999999999999999"))) is Verdict.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize(("p", "verdict"), [("0.3", "PROVED"), ("0.30000000000000000001", "CONSISTENT")])
def test_the_command_line_reads_decimals_exactly(tmp_path, p, verdict):
    file = tmp_path / "my.py"
    file.write_text(
        "import numpy as np\n\ndef coin(x, rng, p):\n    return np.where(rng.random(len(x)) < p, x / p, 0.0)\n"
    )
    arguments = ["check", f"{file}:coin", "--omega", "1/p - 1", "--param", f"p={p}", "-d", "3"]
    done = subprocess.run(
        [sys.executable, "-m", "compth", *arguments], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith(f"coin(p=0.3): {verdict}"), done.stdout + done.stderr


@pytest.mark.parametrize("units", [2, 10])
def test_a_constant_that_is_too_small_within_rounding_is_not_proved_with_more_room(units):
    """Nor by the engine that grants it to constants such as 1/sqrt(30)."""

    def coin(x, rng):
        return 2 * x * (rng.random(len(x)) < 0.5)

    report = ct.certify(coin, 3, claims=ct.Unbiased(1 - units / 2**53), budget="quick")
    assert report.verdict is ct.Verdict.CONSISTENT
    assert ct.certify(coin, 3, claims=ct.Unbiased(1.0), budget="quick").verdict is ct.Verdict.PROVED
