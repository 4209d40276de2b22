"""Fused loops in numba: subtract b, compress, average over workers and update the memory in one pass.

Randomness is counter-based: number c of a row's stream is mix(key_r + c g), SplitMix64 over a Weyl sequence,
with key_r = mix(key_t + (r + 1) h) for row r and key_t = mix(key + (t + 1) q) for round t. No state is carried, so any
row of any round can be drawn alone, and results do not depend on threads. Uniforms are multiples of 2^-53, bounded
integers exactly uniform (Lemire's rejection): each kernel has the law of its reference up to the rounding of sums such
as a norm.

Nothing here is typed: numba types these functions by their use, so arguments keep to what numba knows (arrays, numbers,
tuples of them). A kernel may be made faster, never other: the law of each is held against the compressor's reference.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  np.dot uses its BLAS: loaded before its threads are limited

# numba keeps its compiled code by this file alone: touch it where these numbers change
from compth.simulation.engines.tables import (
    COMPARE,
    COMPRESS,
    HEAD,
    HELD,
    KEPT,
    OFFSET,
    PRODUCT,
    SCRATCH,
    SERVER,
)

# the numbers of `coded._coders`
IDENTITY, RAND_K, TOP_K, DITHERING, TERNARY, NATURAL, SIGN = range(7)

# the Weyl increment of SplitMix64, odd multipliers for rows and turns, and the constants of its finaliser
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ROW = np.uint64(0xD1342543DE82EF95)
_TURN = np.uint64(0xA0761D6478BD642F)
_MIX1, _MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_U = np.uint64
_LOW32 = np.uint64(0xFFFFFFFF)
_UNIT = 2.0**-53
_ABS, _MANTISSA, _TOP = np.uint64((1 << 63) - 1), np.uint64(52), np.uint64(0xFFF << 52)
_TINY, _HUGE = 2.0**-1022, 2.0**1023
_BUCKETS = 256

# nogil, as threads run blocks side by side; numpy's error model, as divisions by 0 must not raise in the
# middle of a loop
jit = numba.njit(nogil=True, cache=True, error_model="numpy")
inlined = numba.njit(nogil=True, cache=True, error_model="numpy", inline="always")
summed = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc"})
"""Sums in any order, so that they use the vector units."""
ranked = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "nnan", "nsz"})
"""Maxima in any order."""


@inlined
def mix(z):
    """SplitMix64's finaliser, a bijection of the 64-bit integers."""
    z = (z ^ (z >> _U(30))) * _MIX1
    z = (z ^ (z >> _U(27))) * _MIX2
    return z ^ (z >> _U(31))


@inlined
def draw(key, counter):
    """64 random bits: number `counter` of the stream `key`."""
    return mix(key + _U(counter) * _GOLDEN)


@inlined
def uniform(key, counter):
    """A multiple of 2^-53 in [0, 1)."""
    # the upper 53 bits fill a double's mantissa exactly
    return (draw(key, counter) >> _U(11)) * _UNIT


@jit
def _below(key, counter, m):
    """(uniform integer in [0, m), counters used), m < 2^32."""
    # Lemire: the high word of a 32-bit draw times m is uniform but for the (2^32 mod m) lowest products,
    # which are refused; the division that finds their number is needed only where the product may be one of
    # them
    span, used = _U(m), 1
    product = (draw(key, counter) >> _U(32)) * span
    if product & _LOW32 < span:
        refused = ((_U(1) << _U(32)) - span) % span
        while product & _LOW32 < refused:
            product = (draw(key, counter + used) >> _U(32)) * span
            used += 1
    return np.int64(product >> _U(32)), used


@ranked
def _largest(y):
    """max |y_j|."""
    top = 0.0
    for j in range(len(y)):
        top = max(top, abs(y[j]))
    return top


@inlined
def _rand_k(y, out, k, index, picks, key):
    """k steps of Fisher-Yates on `index`, undone afterwards so that it stays the identity; picks: scratch."""
    # k swaps of a shuffle choose a uniform ordered k-subset; undoing them backwards restores the index
    # array, so that no row pays d steps to fill it again
    d, counter = len(y), 0
    scale = d / k
    for j in range(d):
        out[j] = 0.0
    for t in range(k):
        offset, used = _below(key, counter, d - t)
        counter += used
        pick = t + offset
        picks[t] = _U(pick)
        index[t], index[pick] = index[pick], index[t]
        j = index[t]
        out[j] = y[j] * scale
    for t in range(k - 1, -1, -1):
        pick = np.int64(picks[t])
        index[t], index[pick] = index[pick], index[t]


@jit
def _threshold(bits, k, found):
    """(value, ties to keep) of the k-th largest entry of `bits`: radix selection, 8 bits a level.

    The first level counts exponents down from the largest; `found` is scratch for the surviving values.
    """
    # non-negative doubles are ordered as their bit patterns are as integers: the k-th largest is found by
    # counting digits, exponents first
    d, top = len(bits), np.max(bits)
    counts = np.zeros(_BUCKETS, np.int64)
    high = np.int64(top >> _MANTISSA)
    last = _BUCKETS - 1
    for j in range(d):
        counts[min(high - np.int64(bits[j] >> _MANTISSA), last)] += 1
    need, bucket = k, 0
    while counts[bucket] < need:
        need -= counts[bucket]
        bucket += 1
    size = 0
    for j in range(d):
        if min(high - np.int64(bits[j] >> _MANTISSA), last) == bucket:
            found[size] = bits[j]
            size += 1
    # more than 255 binary orders below the largest: nothing is left to count by, so sort
    if bucket == last:  # exponents too far below the largest to be told apart: order what is left
        ordered = np.sort(found[:size])
        return _ranked(ordered, need)
    shift = np.int64(44)
    # 8 bits of the mantissa a level; below two dozen values insertion sort is quicker
    while size > 24 and shift >= 0:
        counts[:] = 0
        for j in range(size):
            counts[np.int64(found[j] >> _U(shift)) & 255] += 1
        bucket = 255
        while counts[bucket] < need:
            need -= counts[bucket]
            bucket -= 1
        kept = 0
        for j in range(size):
            if np.int64(found[j] >> _U(shift)) & 255 == bucket:
                found[kept] = found[j]
                kept += 1
        size, shift = kept, shift - 8
    for j in range(1, size):  # insertion sort, ascending
        value, at = found[j], j
        while at > 0 and found[at - 1] > value:
            found[at] = found[at - 1]
            at -= 1
        found[at] = value
    return _ranked(found[:size], need)


@jit
def _ranked(ordered, need):
    """(the need-th largest of an ascending array, how many entries equal to it belong to the largest `need`)."""
    size = len(ordered)
    value = ordered[size - need]
    above = 0
    for j in range(size):
        if ordered[j] > value:
            above += 1
    return value, need - above


@ranked
def _reached(size, level):
    """How many entries are at least `level`."""
    count = 0
    for j in range(len(size)):
        count += size[j] >= level
    return count


@jit
def _between(low, high, above, below, k, halve):
    """A level inside (low, high), which `above` and `below` entries reach: by proportion, or the middle."""
    # regula falsi on the count, with bisection in turn, as ties and heavy tails stall the former
    share = 0.5 if halve else (above - k) / (above - below)
    return low + (high - low) * share


@inlined
def _top_k(y, out, k, bits, found, guess):
    """Largest |y_j|, lower index first under ties. Returns a level near the k-th size, a guess for the next row.

    A level that exactly k entries reach is sought from the guess (0: none), by proportion and halving in turn; each
    count uses the vector units, and the guess changes the way only. What 32 counts do not separate (ties, wild ranges)
    goes to `_threshold`, which compares sizes as integers.
    """
    d, size = len(y), bits.view(np.float64)
    for j in range(d):
        size[j] = abs(y[j])
    # invariant: at least k entries reach low, fewer than k reach high
    low, high, above, below = 0.0, math.inf, d, 0
    level = guess
    for turn in range(32):
        # no upper end yet, or a guess of no use: take the largest entry for it
        if (turn == 4 and high == math.inf) or not 0.0 < level < math.inf:
            if high == math.inf:
                high = _largest(size)
            level = low + (high - low) / 2
        reached = _reached(size, level)
        # exactly k entries reach this level: they are the k largest, and no tie is cut
        if reached == k:
            for j in range(d):
                out[j] = y[j] if size[j] >= level else 0.0
            return level
        if reached > k:
            low, above = level, reached
        else:
            high, below = level, reached
        if (low > 0.0 and high < math.inf) or turn >= 4:
            level = _between(low, high, above, below, k, turn % 2 == 1 or turn >= 8)
        else:  # sizes near the guess are as dense as a bell curve's
            level *= min(1.0 + 0.3 * (reached - k) / k, 2.0)
    # ties at the k-th size: all larger entries, and of the equal ones those with the lowest indices
    value, ties = _threshold(bits, k, found)
    for j in range(d):
        if bits[j] > value:
            out[j] = y[j]
        elif bits[j] == value and ties > 0:
            out[j] = y[j]
            ties -= 1
        else:
            out[j] = 0
    return level


@summed
def _sum_squares(y):
    """||y||^2."""
    total = 0.0
    for j in range(len(y)):
        total += y[j] * y[j]
    return total


@summed
def _sum_sizes(y):
    """||y||_1."""
    total = 0.0
    for j in range(len(y)):
        total += abs(y[j])
    return total


@inlined
def _norm(y, p):
    """||y||_p for p = 1, 2 or inf, scaled where squares would overflow or vanish."""
    if p == 1.0:
        return _sum_sizes(y)
    if p == 2.0:
        total = _sum_squares(y)
        # squares neither overflowed nor vanished: the plain sum is accurate
        if 1e-280 < total < 1e280:
            return math.sqrt(total)
    top = _largest(y)
    if top == 0.0 or p == math.inf:
        return top
    total = 0.0
    for j in range(len(y)):
        # scaled by the largest entry, whose square is then 1
        total += (y[j] / top) * (y[j] / top)
    return top * math.sqrt(total)


@inlined
def _dithering(y, out, s, p, key):
    """||y||_p/s times y s/||y||_p rounded at random to integers."""
    norm = _norm(y, p)
    if norm == 0.0:
        out[:] = 0
        return
    # sign(y) times a random rounding of s|y|/||y|| is a random rounding of s y/||y||: floor plus a coin
    # with the fractional part, on negative numbers, too
    unit = norm / s
    for j in range(len(y)):
        v = y[j] / norm * s
        low = math.floor(v)
        up = 1.0 if uniform(key, j) < v - low else 0.0
        out[j] = (low + up) * unit


@inlined
def _ternary(y, out, key):
    """max|y| sign(y_j) with probability |y_j|/max|y|, else 0."""
    top = _largest(y)
    if top == 0.0:
        out[:] = 0
        return
    for j in range(len(y)):
        kept = uniform(key, j) < abs(y[j]) / top
        out[j] = math.copysign(top, y[j]) if kept else 0.0


@inlined
def _natural(y, out, wide, key):
    """A uniform integer below the mantissa is added and masked off; rows with odd exponents take the slow way."""
    # adding a uniform 52-bit integer to the mantissa carries into the exponent with probability
    # mantissa/2^52, which is the unbiased rounding to a power of two; subnormals and the last exponent have
    # no such carry
    d, bits, odd = len(y), wide.view(np.uint64), 0
    for j in range(d):
        wide[j] = y[j]
        odd += (abs(wide[j]) < _TINY) | (abs(wide[j]) >= _HUGE)
    if odd == 0:
        for j in range(d):
            bits[j] = (bits[j] + (draw(key, j) >> _U(12))) & _TOP
            out[j] = wide[j]
        return
    for j in range(d):
        size = abs(wide[j])
        mantissa, exponent = math.frexp(size)
        up = uniform(key, j) < 2 * mantissa - 1 and exponent < 1024
        out[j] = math.copysign(math.ldexp(1.0 if up else 0.5, exponent), y[j]) if size > 0 else 0.0


@inlined
def _scaled(o, keep):
    """o = keep o; keep = 0 reads nothing."""
    for j in range(len(o)):
        o[j] = keep * o[j] if keep != 0.0 else 0.0


@inlined
def _plus_one(o, keep, a, x):
    """o = keep o + a x; keep = 0 reads nothing."""
    # keep = 0 must not read: what lies there may be NaN from another round
    if keep == 0.0:
        for j in range(len(o)):
            o[j] = a * x[j]
    elif keep == 1.0:
        for j in range(len(o)):
            o[j] += a * x[j]
    else:
        for j in range(len(o)):
            o[j] = keep * o[j] + a * x[j]


@inlined
def _stream(stream, r, worker, n):
    """The stream of row r of a worker, of n of them: rows may be made in any order, or alone."""
    return mix(stream + _U(r * n + worker + 1) * _ROW)


@jit
def _messages(code, given, sent, rows, stream, worker, n, room, guess):
    """C of the first rows of given (., 1, d) into sent, streams counted from row `rows[0]`; a guess for later rows.

    code: kind, k, s, p, factor; room: index, bits, found, the scratch of a row.
    """
    kind, k, s, p, factor = code
    index, bits, found = room
    first, size, d = rows[0], rows[1] - rows[0], given.shape[2]
    # a loop for each kind, with its kernel written into it: a call for every row would cost as much as twenty
    # entries
    if kind == RAND_K:
        for r in range(size):
            _rand_k(given[r, 0], sent[r, 0], k, index, found, _stream(stream, first + r, worker, n))
    elif kind == TOP_K:
        for r in range(size):
            guess = _top_k(given[r, 0], sent[r, 0], k, bits, found, guess)
    elif kind == DITHERING:
        for r in range(size):
            _dithering(given[r, 0], sent[r, 0], s, p, _stream(stream, first + r, worker, n))
    elif kind == TERNARY:
        for r in range(size):
            _ternary(given[r, 0], sent[r, 0], _stream(stream, first + r, worker, n))
    elif kind == NATURAL:
        wide = bits.view(np.float64)
        for r in range(size):
            _natural(given[r, 0], sent[r, 0], wide, _stream(stream, first + r, worker, n))
    elif kind == SIGN:
        for r in range(size):
            mean = _norm(given[r, 0], 1.0) / d
            for j in range(d):
                sent[r, 0, j] = mean * np.sign(given[r, 0, j])
    else:
        for r in range(size):
            _plus_one(sent[r, 0], 0.0, 1.0, given[r, 0])
    if factor != 1.0:
        for r in range(size):
            _scaled(sent[r, 0], factor)
    return guess


@jit
def _room(d):
    """The scratch of a row: the identity permutation and two arrays of bit patterns."""
    return np.arange(d), np.empty(d, np.uint64), np.empty(d, np.uint64)


@jit
def compress(kind, k, s, p, factor, x, out, key):
    """C of every row of x (rows, d) into out."""
    rows, d = x.shape
    given, sent = x.reshape(rows, 1, d), out.reshape(rows, 1, d)
    _messages((kind, k, s, p, factor), given, sent, (0, rows), _U(key), 0, 1, _room(d), 0.0)


@jit
def _at(kind, slot, i, start, products, b, memory, shared, scratch, kept, totals):
    """(rows, which of a row's vectors, first row, step between rows) of a place (`tables`) of worker i."""
    # what is the same for all workers has one vector in a row, what each has for itself n of them; scratch
    # begins at the batch's first row, and b has a single row for all (step 0)
    if kind == PRODUCT:
        return products[slot], 0, 0, 1
    if kind == OFFSET:
        return b[0], i, 0, 0
    if kind == HELD:
        return memory[slot], i, 0, 1
    if kind == SERVER:
        return shared[slot], 0, 0, 1
    if kind == SCRATCH:
        return scratch[slot], 0, start, 1
    if kind == KEPT:
        return kept[slot], i, 0, 1
    return totals[slot], 0, 0, 1


@inlined
def _plus_two(o, keep, a, x, b, y):
    """o = keep o + a x + b y."""
    if keep == 0.0:
        for j in range(len(o)):
            o[j] = a * x[j] + b * y[j]
    else:
        for j in range(len(o)):
            o[j] = keep * o[j] + (a * x[j] + b * y[j])


@inlined
def _plus_three(o, keep, a, x, b, y, c, z):
    """o = keep o + a x + b y + c z."""
    if keep == 0.0:
        for j in range(len(o)):
            o[j] = a * x[j] + b * y[j] + c * z[j]
    else:
        for j in range(len(o)):
            o[j] = keep * o[j] + (a * x[j] + b * y[j] + c * z[j])


@jit
def _none(rows, leaf, leaves, keep, out):
    """Rows without sources: they are scaled."""
    to, m, first, _ = out
    for r in range(rows[0], rows[1]):
        # a bit for each outcome of the coins: rows of other leaves are left alone
        if leaves < 0 or (leaves >> leaf[r]) & 1:
            _scaled(to[r - first, m], keep)


@jit
def _one(rows, leaf, leaves, keep, out, a, x):
    """Rows with one source; out and x are places as `_at` gives them, and so below."""
    to, m, first, _ = out
    u, mu, fu, su = x
    for r in range(rows[0], rows[1]):
        if leaves < 0 or (leaves >> leaf[r]) & 1:
            _plus_one(to[r - first, m], keep, a, u[(r - fu) * su, mu])


@jit
def _two(rows, leaf, leaves, keep, out, a, x, b, y):
    """Rows with two sources."""
    to, m, first, _ = out
    u, mu, fu, su = x
    v, mv, fv, sv = y
    for r in range(rows[0], rows[1]):
        if leaves < 0 or (leaves >> leaf[r]) & 1:
            _plus_two(to[r - first, m], keep, a, u[(r - fu) * su, mu], b, v[(r - fv) * sv, mv])


@jit
def _three(rows, leaf, leaves, keep, out, a, x, b, y, c, z):
    """Rows with three sources."""
    to, m, first, _ = out
    u, mu, fu, su = x
    v, mv, fv, sv = y
    w, mw, fw, sw = z
    for r in range(rows[0], rows[1]):
        if leaves < 0 or (leaves >> leaf[r]) & 1:
            p, q, o = (r - fu) * su, (r - fv) * sv, (r - fw) * sw
            _plus_three(to[r - first, m], keep, a, u[p, mu], b, v[q, mv], c, w[o, mw])


@jit
def _combined(row, number, i, rows, leaf, products, b, memory, shared, scratch, kept, totals):
    """out = keep out + the sum of coefficient x source, on some rows."""
    count, leaves, keep, start = row[3], row[4], number[0], rows[0]
    out = _at(row[1], row[2], i, start, products, b, memory, shared, scratch, kept, totals)
    # one to three sources have a loop each, as a loop over a variable number of them would not be
    # vectorised
    if count == 0:
        _none(rows, leaf, leaves, keep, out)
        return
    x = _at(row[HEAD], row[HEAD + 1], i, start, products, b, memory, shared, scratch, kept, totals)
    if count == 1:
        _one(rows, leaf, leaves, keep, out, number[1], x)
        return
    y = _at(row[HEAD + 2], row[HEAD + 3], i, start, products, b, memory, shared, scratch, kept, totals)
    if count == 2:
        _two(rows, leaf, leaves, keep, out, number[1], x, number[2], y)
        return
    z = _at(row[HEAD + 4], row[HEAD + 5], i, start, products, b, memory, shared, scratch, kept, totals)
    _three(rows, leaf, leaves, keep, out, number[1], x, number[2], y, number[3], z)


@jit
def one_pass(
    table,
    numbers,
    dots,
    codes,
    A,
    b,
    products,
    memory,
    shared,
    scratch,
    kept,
    totals,
    star,
    gap,
    leaf,
    key,
    turn,
):
    """A pass over all workers (`tables`): the table's instructions, a worker and a few rows at a time.

    So a worker's matrix, products and memory stay in the cache. table, numbers: the instructions; dots (., 2): slots of
    points and products; codes: kinds, k, s, p, factors (n,). Stacks of rows: products, shared, totals (., R, 1, d),
    memory, kept (., R, n, d), scratch (., rows at a time, 1, d), b (1, 1, n, d). star (n, d) and gap (R,): mean
    ||memory_i - star_i||^2 is added where it is asked for. leaf (R,): the outcome of the coins. key, turn: the stream
    and the round in it.
    """
    kinds, ks, ss, ps, factors = codes
    n, (_, runs, _, d), step = len(A), totals.shape, scratch.shape[1]
    # made once a pass and used by every row
    room, stream = _room(d), mix(_U(key) + _U(turn + 1) * _TURN)
    guesses = np.zeros(len(scratch))
    for i in range(n):
        code = kinds[i], ks[i], ss[i], ps[i], factors[i]
        for g in range(len(dots)):
            # A_i x for all replicates at once: one matrix product a worker, which is where the flops are
            np.dot(shared[dots[g, 0]].reshape(runs, d), A[i], products[dots[g, 1]].reshape(runs, d))
        # Top-K's guess is a level of the row before; another worker's sizes are of another order
        guesses[:] = 0.0
        for start in range(0, runs, step):
            rows = start, min(start + step, runs)
            for q in range(len(table)):
                if table[q, 0] == COMPRESS:
                    message = table[q, 5]
                    # messages of one round have streams of their own
                    block = stream if message == 0 else mix(stream + _U(message) * _GOLDEN)
                    given, sent = scratch[table[q, HEAD + 1]], scratch[table[q, 2]]
                    guesses[message] = _messages(code, given, sent, rows, block, i, n, room, guesses[message])
                elif table[q, 0] == COMPARE:
                    for r in range(rows[0], rows[1]):
                        # while the memory is in the cache: in the plain run this is a pass of its own over
                        # (R, n, d)
                        gap[r] += _distance(memory[table[q, 2], r, i], star[i]) / n
                else:
                    _combined(
                        table[q],
                        numbers[q],
                        i,
                        rows,
                        leaf,
                        products,
                        b,
                        memory,
                        shared,
                        scratch,
                        kept,
                        totals,
                    )


@summed
def _distance(u, v):
    """||u - v||^2."""
    total = 0.0
    for j in range(len(u)):
        total += (u[j] - v[j]) * (u[j] - v[j])
    return total


@summed
def measured(z, gradient, out):
    """Rows ||z||^2, <gradient, z>/2 and ||gradient||^2 of out (3, R)."""
    runs, d = z.shape
    for r in range(runs):
        distance, gap, slope = 0.0, 0.0, 0.0
        for j in range(d):
            distance += z[r, j] * z[r, j]
            gap += gradient[r, j] * z[r, j]
            slope += gradient[r, j] * gradient[r, j]
        out[0, r], out[1, r], out[2, r] = distance, gap / 2, slope
