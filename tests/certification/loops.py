"""Sums, maxima and draws as a C programmer writes them: run up in loops, by comparisons and casts; and their likes.

TRUE and FALSE: program -> claim. What is false here takes one step less, another start, or something beside |x_i|.
"""

import math

import numpy as np

import compth as ct

TERN = ct.Unbiased("(sqrt(d) - 1)/2")
SIGN = ct.Contractive("1/d")
ONE = ct.Unbiased("d - 1")
DITHER = ct.Unbiased("sqrt(d) - 1")


def ternary(top, x, rng):
    y = np.zeros(len(x))
    if top == 0:
        return y
    for i in range(len(x)):
        if rng.random() * top < abs(x[i]):
            y[i] = top if x[i] > 0 else -top
    return y


def signs(s, x):
    return np.array([s if v >= 0 else -s for v in x]) / len(x)


# what is true


def largest_so_far(x, rng):
    top = 0.0
    for i in range(len(x)):
        if math.fabs(x[i]) > top:
            top = math.fabs(x[i])
    return ternary(top, x, rng)


def largest_from_the_first(x, rng):
    top = abs(x[0])
    for v in x[1:]:
        top = abs(v) if abs(v) >= top else top
    return ternary(top, x, rng)


def sum_by_signs(x):
    s = 0.0
    for i in range(len(x)):
        if x[i] >= 0:
            s += x[i]
        else:
            s -= x[i]
    return signs(s, x)


def squares_summed_up(x, rng):
    total, i = 0.0, 0
    while i < len(x):
        total += x[i] * x[i]
        i += 1
    return ternary(math.sqrt(total), x, rng)


def one_of_four(x, rng):
    y = np.zeros(len(x))
    for i in range(len(x)):
        if rng.integers(0, 4) == 0:
            y[i] = 4 * x[i]
    return y


def index_by_a_cast(x, rng):
    j = int(rng.random() * len(x))
    y = np.zeros(len(x))
    y[j] = len(x) * x[j]
    return y


def searched_in_partial_sums(x, rng):
    sums = np.cumsum(np.abs(x))
    y = np.zeros(len(x))
    if sums[-1] == 0:
        return y
    j = np.searchsorted(sums / sums[-1], rng.random(), side="right")
    y[j] = np.sign(x[j]) * sums[-1]
    return y


def dimensions_kept(x, rng):
    top = np.abs(x).max(axis=-1, keepdims=True, initial=0)
    return top * np.sign(x) * (rng.random(x.shape) * top < np.abs(x))


def place_of_the_largest(x):
    best = 0
    for i in range(1, len(x)):
        if abs(x[i]) > abs(x[best]):
            best = i
    y = np.zeros(len(x))
    y[best] = x[best]
    return y


TRUE = {
    place_of_the_largest: SIGN,
    largest_so_far: TERN, largest_from_the_first: TERN, sum_by_signs: SIGN, squares_summed_up: DITHER,
    one_of_four: ct.Unbiased(3), index_by_a_cast: ONE, searched_in_partial_sums: ONE, dimensions_kept: TERN,
}  # fmt: skip

# what is not


def largest_but_the_last(x, rng):
    top = 0.0
    for i in range(len(x) - 1):
        if abs(x[i]) > top:
            top = abs(x[i])
    return ternary(top, x, rng)


def largest_of_x(x, rng):
    top = 0.0
    for v in x:
        if v > top:
            top = v
    return ternary(top, x, rng)


def largest_from_one_half(x, rng):
    top = 0.5
    for v in x:
        if abs(v) > top:
            top = abs(v)
    return ternary(top, x, rng)


def smallest(x, rng):
    top = abs(x[0])
    for v in x:
        if abs(v) < top:
            top = abs(v)
    return ternary(top, x, rng)


def another_is_stored(x, rng):
    top = 0.0
    for i in range(len(x)):
        if abs(x[i]) > top:
            top = abs(x[i - 1])
    return ternary(top, x, rng)


def place_of_the_largest_x(x):
    best = 0
    for i in range(1, len(x)):
        if x[i] > x[best]:
            best = i
    return np.where(np.arange(len(x)) == best, x, 0)


def place_but_the_last(x):
    best = 0
    for i in range(1, len(x) - 1):
        if abs(x[i]) > abs(x[best]):
            best = i
    return np.where(np.arange(len(x)) == best, x, 0)


def place_of_the_smallest(x):
    best = 0
    for i in range(1, len(x)):
        if abs(x[i]) < abs(x[best]):
            best = i
    return np.where(np.arange(len(x)) == best, x, 0)


def place_before_it(x):
    best = 0
    for i in range(1, len(x)):
        if abs(x[i]) > abs(x[best]):
            best = i - 1
    return np.where(np.arange(len(x)) == best, x, 0)


def compared_with_the_first(x):
    best = 0
    for i in range(1, len(x)):
        if abs(x[i]) > abs(x[0]):
            best = i
    return np.where(np.arange(len(x)) == best, x, 0)


def two_places_at_a_tie(x):
    first = last = 0
    for i in range(1, len(x)):
        if abs(x[i]) > abs(x[first]):
            first = i
        if abs(x[i]) >= abs(x[last]):
            last = i
    y = np.zeros(len(x))
    y[first] = x[first]
    y[first] -= x[first] if first != last else 0
    return y


def one_twice(x):
    s = 0.0
    for v in x:
        s += abs(v)
    return signs(s + abs(x[0]), x)


def without_the_first(x):
    s = 0.0
    for v in x[1:]:
        s += abs(v)
    return signs(s, x)


def negative_magnitudes(x):
    s = 0.0
    for v in x:
        s += v if v < 0 else -v
    return signs(s, x)


def powers_mixed(x):
    s = x[0] * x[0]
    for v in x[1:]:
        s += abs(v)
    return signs(s, x)


def sign_about_one_quarter(x):
    s = 0.0
    for v in x:
        s += v if v > 0.25 else -v
    return signs(s, x)


def index_of_too_few(x, rng):
    n = len(x) - 1
    j = int(rng.random() * n)
    y = np.zeros(len(x))
    y[j] = n * x[j]
    return y


def draw_used_twice(x, rng):
    u = rng.random()
    j = int(u * len(x))
    y = np.zeros(len(x))
    y[j] = len(x) * x[j] * (1 if u < 0.5 else 3)
    return y


def two_of_four(x, rng):
    y = np.zeros(len(x))
    for i in range(len(x)):
        k = rng.integers(0, 4)
        if k == 1 or k == 2:
            y[i] = 4 * x[i]
    return y


def searched_in_sums_of_the_reverse(x, rng):
    sums = np.cumsum(np.abs(x)[::-1])
    y = np.zeros(len(x))
    if sums[-1] == 0:
        return y
    j = np.searchsorted(sums / sums[-1], rng.random(), side="right")
    y[j] = np.sign(x[j]) * sums[-1]
    return y


def initial_is_not_small(x, rng):
    top = np.abs(x).max(keepdims=True, initial=1e-3)
    return top * np.sign(x) * (rng.random(x.shape) * top < np.abs(x))


def sums_compared(x):
    s = 0.0
    for v in x:
        s += abs(v)
    y = signs(s, x)
    if s != np.abs(x).sum():
        y[0] = -y[0]
    return y


FALSE = {
    **dict.fromkeys((largest_but_the_last, largest_of_x, largest_from_one_half, smallest, another_is_stored), TERN),
    **dict.fromkeys((one_twice, without_the_first, negative_magnitudes, powers_mixed, sums_compared), SIGN),
    **dict.fromkeys((index_of_too_few, draw_used_twice, searched_in_sums_of_the_reverse), ONE),
    **dict.fromkeys((place_of_the_largest_x, place_but_the_last, place_of_the_smallest, place_before_it), SIGN),
    **dict.fromkeys((sign_about_one_quarter, compared_with_the_first, two_places_at_a_tie), SIGN),
    two_of_four: ct.Unbiased(3), initial_is_not_small: TERN,
}  # fmt: skip
