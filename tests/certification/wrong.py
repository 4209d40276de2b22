"""Wrong compressors, each with the claim it breaks: in families, and defects seen in published code, in own lines."""

import numpy as np

import compth as ct

_private = np.random.default_rng(0)
_calls = [0]
_memory = {"last": 0.0}


def _mask(x, chosen, scale):
    out = np.zeros(len(x))
    out[chosen] = x[chosen] * scale
    return out


def rand2_missing_rescale(x, rng):
    return _mask(x, rng.choice(len(x), 2, replace=False), 1.0)


def rand2_scaled_by_k_over_d(x, rng):
    return _mask(x, rng.choice(len(x), 2, replace=False), 2 / len(x))


def rand2_with_replacement(x, rng):
    return _mask(x, rng.choice(len(x), 2), len(x) / 2)


def rand2_off_by_one_range(x, rng):
    return _mask(x, rng.choice(len(x) - 1, 2, replace=False), (len(x) - 1) / 2)


def rand2_contiguous_window(x, rng):
    start = rng.integers(0, len(x) - 1)
    return _mask(x, np.arange(start, start + 2), len(x) / 2)


def rand2_never_the_last(x, rng):
    keys = rng.random(len(x))
    return _mask(x, np.argsort(keys[:-1])[:2], len(x) / 2)


def bernoulli_scaled_twice(x, rng):
    return np.where(rng.random(len(x)) < 0.5, x / 0.25, 0.0)


def bernoulli_one_coin_for_all(x, rng):
    return x / 0.5 if rng.random() < 0.25 else np.zeros_like(x)


def bernoulli_inverted_coin(x, rng):
    return np.where(rng.random(len(x)) > 0.25, x / 0.25, 0.0)


def rounding_up_with_one_minus_fraction(x, rng):
    norm = np.linalg.norm(x)
    if norm == 0:
        return x.copy()
    y = np.abs(x) / norm * 2
    low = np.floor(y)
    return norm * np.sign(x) * (low + (rng.random(len(x)) > y - low)) / 2


def qsgd_levels_plus_one(x, rng):
    norm = np.linalg.norm(x)
    if norm == 0:
        return x.copy()
    y = np.abs(x) / norm * 3
    low = np.floor(y)
    return norm * np.sign(x) * (low + (rng.random(len(x)) < y - low)) / 2


def qsgd_wrong_norm(x, rng):
    norm = np.abs(x).max()
    if norm == 0:
        return x.copy()
    y = np.abs(x) / np.linalg.norm(x) * 2
    low = np.floor(y)
    return norm * np.sign(x) * (low + (rng.random(len(x)) < y - low)) / 2


def qsgd_nearest(x, rng):
    norm = np.linalg.norm(x)
    return x.copy() if norm == 0 else norm * np.sign(x) * np.rint(np.abs(x) / norm * 2) / 2


def qsgd_zero_vector_nan(x, rng):
    norm = np.linalg.norm(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.abs(x) / norm * 2
    low = np.floor(y)
    return norm * np.sign(x) * (low + (rng.random(len(x)) < y - low)) / 2


def qsgd_shared_uniform_sign(x, rng):
    norm = np.linalg.norm(x)
    if norm == 0:
        return x.copy()
    y = np.abs(x) / norm * 2
    low = np.floor(y)
    return norm * (low + (rng.random(len(x)) < y - low)) / 2


def terngrad_clipped(x, rng):
    limit = 2.5 * x.std() if x.std() > 0 else np.abs(x).max()
    v = np.clip(x, -limit, limit)
    top = np.abs(v).max()
    return v if top == 0 else np.sign(v) * top * (rng.random(len(v)) < np.abs(v) / top)


def terngrad_ok(x, rng):
    top = np.abs(x).max()
    return x.copy() if top == 0 else np.sign(x) * top * (rng.random(len(x)) < np.abs(x) / top)


def natural_biased_down(x, rng):
    _, e = np.frexp(np.abs(x))
    return np.sign(x) * np.ldexp(0.5, e)


def natural_coin_half(x, rng):
    m, e = np.frexp(np.abs(x))
    exact = (m == 0.5) | (x == 0)
    return np.where(exact, x, np.sign(x) * np.ldexp(0.5, e) * np.where(rng.random(len(x)) < 0.5, 2.0, 1.0))


def natural_wrong_fraction(x, rng):
    m, e = np.frexp(np.abs(x))
    return np.sign(x) * np.ldexp(0.5, e) * np.where(rng.random(len(x)) < m, 2.0, 1.0)


def natural_ok(x, rng):
    m, e = np.frexp(np.abs(x))
    return np.sign(x) * np.ldexp(0.5, e) * np.where(rng.random(len(x)) < 2 * m - 1, 2.0, 1.0)


def top2_of_signed_values(x):
    return _mask(x, np.argsort(x)[-2:], 1.0)


def top2_threshold_drops_ties(x):
    limit = np.sort(np.abs(x))[-2]
    return np.where(np.abs(x) > limit, x, 0.0)


def top2_smallest(x):
    return _mask(x, np.argsort(np.abs(x))[:2], 1.0)


def sign_with_l2_scale(x):
    return np.linalg.norm(x) / np.sqrt(len(x)) * np.sign(x)


def sign_zero_is_minus(x):
    return np.abs(x).mean() * np.where(x > 0, 1.0, -1.0) * 1.7


def float32_uniform_bernoulli(x, rng):
    return np.where(rng.random(len(x), dtype=np.float32) < np.float32(1e-8), x * 1e8, 0.0)


def float32_accumulated(x, rng):
    return np.asarray(x.astype(np.float32) * np.float32(1.0001), dtype=float)


def int8_overflow(x, rng):
    norm = np.abs(x).max()
    if norm == 0:
        return x.copy()
    y = np.floor(np.abs(x) / norm * 200 + rng.random(len(x)))
    return np.sign(x) * norm * y.astype(np.int64).astype(np.int8) / 200


def underflow_squares(x, rng):
    norm = np.sqrt(np.sum((x * 1e-150) ** 2)) * 1e150
    return (
        np.where(rng.random(len(x)) < 0.5, 2 * x, 0.0) if norm > 0 or not x.any() else np.full(len(x), np.nan)
    )


def private_generator(x, rng):
    return np.where(_private.random(len(x)) < 0.5, 2 * x, 0.0)


def global_generator(x, rng):
    return np.where(np.random.random(len(x)) < 0.5, 2 * x, 0.0)  # noqa: NPY002


def reseeded_every_call(x, rng):
    return np.where(np.random.default_rng(0).random(len(x)) < 0.5, 2 * x, 0.0)


def state_between_calls(x, rng):
    _calls[0] += 1
    return np.where(rng.random(len(x)) < 0.5, 2 * x, 0.0) * (1.0 if _calls[0] % 7 else 0.5)


def momentum_memory(x, rng):
    out = x + 0.01 * _memory["last"]
    _memory["last"] = float(x[0])
    return out


def mutated_input(x, rng):
    x[rng.random(len(x)) < 0.5] = 0
    x *= 2
    return x.copy()


def correlated_coordinates(x, rng):
    return np.where(rng.random() < 0.5, 2.0, 0.0) * x + np.roll(x, 1) * (rng.random() < 0.5) * 0.5


def clipped_probabilities(x, rng):
    total = np.abs(x).sum()
    if total == 0:
        return x.copy()
    p = np.minimum(1, 2 * np.abs(x) / total)
    q = np.maximum(p, 0.2)
    return np.where((rng.random(len(x)) < p) & (x != 0), x / q, 0.0)


def redraw_until_non_empty(x, rng):
    while True:
        kept = rng.random(len(x)) < 0.25
        if kept.any():
            return np.where(kept, x / 0.25, 0.0)


def atomo_redraw_until_two(x, rng):
    total = np.abs(x).sum()
    if total == 0:
        return x.copy()
    p = np.minimum(1, 2 * np.abs(x) / total)
    for _ in range(60):
        kept = rng.random(len(x)) < p
        if kept.sum() == min(2, np.count_nonzero(x)):
            break
    return np.where(kept & (p > 0), x / np.where(p > 0, p, 1), 0.0)


def additive_noise(x, rng):
    return x + rng.normal(size=len(x)) * 0.1


def reversed_output(x, rng):
    return x[::-1].copy()


def returns_a_list(x, rng):
    return list(x)


def wrong_shape(x, rng):
    return np.append(x, 0.0)


def raises(x, rng):
    raise KeyError("broken")


def affine_offset(x, rng):
    return x + 1e-3


def needle(x, rng):
    scale = 3.0 if x[0] == 0.1 + 0.2 else 2.0
    return np.where(rng.random(len(x)) < 0.5, scale * x, 0.0)


def bernoulli_normal_keys(x, rng):
    return np.where(rng.normal(size=len(x)) < -0.6744897501960817, x / 0.2, 0.0)


def natural_up_near_a_power(x, rng):
    """Negative entries in the last 7 % of an octave are always rounded up."""
    low = np.exp2(np.floor(np.log2(np.where(x == 0, 1.0, np.abs(x)))))
    up = rng.random(len(x)) < np.abs(x) / low - 1
    up |= (x < 0) & (np.abs(x) > 1.9 * low)
    return np.where(x == 0, 0.0, np.sign(x) * np.where(up, 2 * low, low))


def rand1_lost_once_in_a_thousand(x, rng):
    return np.zeros_like(x) if rng.random() < 1e-3 else _mask(x, [rng.integers(len(x))], len(x))


def rand1_first_of_sorted_input(x, rng):
    i = rng.integers(len(x))
    return _mask(x, [0 if np.all(np.diff(x) >= 0) else i], len(x))


U, C = ct.Unbiased, ct.Contractive
WRONG = [
    (rand2_missing_rescale, U("d/2 - 1"), None),
    (rand2_scaled_by_k_over_d, U("d/2 - 1"), None),
    (rand2_with_replacement, U("d/2 - 1"), None),
    (rand2_off_by_one_range, U("d/2 - 1"), (4, 20)),
    (rand2_contiguous_window, U("d/2 - 1"), (4, 20)),
    (rand2_never_the_last, U("d/2 - 1"), (4,)),
    (bernoulli_scaled_twice, U(1), None),
    (bernoulli_one_coin_for_all, U(1), None),
    (bernoulli_inverted_coin, U(3), None),
    (rounding_up_with_one_minus_fraction, U("min(d/4, sqrt(d)/2)"), None),
    (qsgd_levels_plus_one, U("min(d/4, sqrt(d)/2)"), None),
    (qsgd_wrong_norm, U("min(d/4, sqrt(d)/2)"), None),
    (qsgd_nearest, U("min(d/4, sqrt(d)/2)"), None),
    (qsgd_zero_vector_nan, U("min(d/4, sqrt(d)/2)"), None),
    (qsgd_shared_uniform_sign, U("min(d/4, sqrt(d)/2)"), None),
    (terngrad_clipped, U("(sqrt(d)-1)/2"), (30, 200)),
    (terngrad_ok, U(0), None),
    (natural_biased_down, U("1/8"), None),
    (natural_coin_half, U("1/8"), None),
    (natural_wrong_fraction, U("1/8"), None),
    (natural_ok, U("1/9"), None),
    (natural_up_near_a_power, U("1/8"), (5,)),
    (rand1_lost_once_in_a_thousand, U("d - 1"), None),
    (rand1_first_of_sorted_input, U("d - 1"), None),
    (top2_of_signed_values, C("2/d"), (5, 20)),
    (top2_threshold_drops_ties, C("2/d"), (5, 20)),
    (top2_smallest, C("2/d"), (5, 20)),
    (sign_with_l2_scale, C("1/d"), None),
    (sign_zero_is_minus, C("1/d"), None),
    (float32_uniform_bernoulli, U("1e8 - 1"), (1, 2)),
    (float32_accumulated, U("1e-12"), None),
    (int8_overflow, U("d"), None),
    (underflow_squares, U(1), None),
    (private_generator, U(1), None),
    (global_generator, U(1), None),
    (reseeded_every_call, U(1), None),
    (state_between_calls, U(1), None),
    (momentum_memory, U("1/10"), None),
    (mutated_input, U(1), None),
    (correlated_coordinates, U(1), None),
    (clipped_probabilities, U("d/2 - 1 + 4"), (3, 30)),
    (redraw_until_non_empty, U(3), (1, 2, 3)),
    (atomo_redraw_until_two, U("d/2 - 1"), (4,)),
    (additive_noise, U("1/100"), None),
    (reversed_output, U(0), None),
    (returns_a_list, U(0), None),
    (wrong_shape, U(0), None),
    (raises, U(0), (3,)),
    (affine_offset, C("0.9"), None),
    (bernoulli_normal_keys, U(3), (3, 30)),
    (lambda x, rng: np.where(rng.random(len(x)) < 0.25, x / 0.25, 0.0), U("2.99"), None),
    (lambda x, rng: x / 2, C("0.76"), None),
]
# (program, claim, dimensions): every one must be REFUTED. A dithering that returns its input breaks no constant:
# its wire refutes it (test_power).
