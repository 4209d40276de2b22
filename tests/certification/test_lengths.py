"""Declared bits, against encoded bytes and against counting; honest ones pass."""

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter

REFUTED = ct.Verdict.REFUTED


def top1(x):
    y = np.zeros_like(x)
    i = np.argmax(np.abs(x))
    y[i] = x[i]
    return y


def half(x):
    return np.clip(x, -6e4, 6e4).astype(np.float16).tobytes()


def whole(message):
    return np.frombuffer(message, np.float16).astype(np.float64)


def signs(x, rng):
    return np.where(rng.random(len(x)) < 0.5, -1.0, 1.0) * np.abs(x[0])


HALVES = ct.adapt((half, whole))


def settled(function, bits, claims="Contractive(1/d)", d=4):
    report = ct.certify(ct.compressor(function, claims=claims, bits=bits), d, budget="quick")
    return report, next((c for c in report.certificates if c.claim == "bits of a message"), None)


@pytest.mark.parametrize(
    ("function", "bits"),
    [
        (top1, "64 + log2(d)"),
        (top1, lambda y: 66 * np.count_nonzero(y)),
        (HALVES, lambda message: 8 * len(message)),
        (HALVES, None),
    ],
)
def test_enough_bits_are_enough(function, bits):
    assert settled(function, bits)[1] is None


def test_bytes_have_their_own_length():
    report, found = settled(HALVES, lambda message: 8 * len(message) - 8, "Contractive(1/8)")
    assert report.verdict is REFUTED
    assert found.details["says"] == "the message is 8 bytes, declared are 56 bits"


@pytest.mark.parametrize("bits", [8, "2*d", lambda y: 8 * np.count_nonzero(y)])
def test_more_outputs_than_messages(bits):
    report, found = settled(top1, bits)
    assert report.verdict is REFUTED
    assert "512 different outputs have at most 8 bits each, and there are 511" in found.details["says"]


def test_what_a_shared_generator_draws_costs_no_bits():
    """Both sides draw the signs: a single number is sent."""
    assert settled(signs, 64, "AbsoluteError(1e100)")[1] is None


@pytest.mark.parametrize("bits", [lambda y: -1.0, lambda y: np.nan])
def test_no_length(bits):
    _, found = settled(top1, bits)
    assert "which is no length" in found.details["says"]


def test_what_only_a_better_encoder_reaches_is_said():
    pair = (lambda x: (int(np.argmax(np.abs(x))), np.max(np.abs(x))), lambda i, v, d: np.eye(d)[i] * v)
    report, found = settled(ct.adapt(pair), 66, "Contractive(0.0001)")
    assert found is None
    assert any("66 bits where a message has 128" in note for note in report.info["not_checked"])


@pytest.mark.parametrize(
    ("bits", "says"), [(lambda m: "a", "ValueError"), (lambda m: 1 / 0, "ZeroDivisionError")]
)
def test_bits_that_fail_are_one_line(bits, says):
    with pytest.raises(InvalidParameter, match=f"bits=.*raised {says}: .* for a message"):
        settled(top1, bits)
    with pytest.raises(InvalidParameter, match=says):
        ct.compressor(top1, claims="Contractive(1/d)", bits=bits).bits(4)
