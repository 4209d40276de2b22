"""Every outcome of a compressor with its probability, by running it under a generator that enumerates choices.

Probabilities are exact Fractions of the floats that the program compares with, outputs are the program's own floats:
what is summed up is the law of the program as written.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np


class NotEnumerable(Exception):
    """The compressor reads its randomness in a way that has no finite list of outcomes."""


class _Uniform:
    """Independent uniforms on [0, 1) known only through comparisons; each keeps the interval it is known to be in."""

    def __init__(self, chooser, shape, only=None):
        self.chooser, self.only = chooser, only
        self.low = np.full(shape, Fraction(0), dtype=object)
        self.high = np.full(shape, Fraction(1), dtype=object)

    def __lt__(self, thresholds):
        thresholds = np.asarray(thresholds, dtype=np.float64)
        shape = np.broadcast_shapes(self.low.shape, thresholds.shape)
        owner = np.broadcast_to(np.arange(self.low.size).reshape(self.low.shape), shape)
        out = np.empty(shape, dtype=bool)
        for index, t in np.ndenumerate(np.broadcast_to(thresholds, shape)):
            out[index] = self._below(owner[index], t)
        return out

    def __ge__(self, thresholds):
        return ~(self < thresholds)

    def _below(self, i, t):
        low, high = self.low.flat[i], self.high.flat[i]
        t = low if t <= low else high if t >= high else Fraction(float(t))
        ours = self.only in (None, i)
        answer = self.chooser.choose([t - low, high - t]) == 0 if ours else t > low  # others: any one outcome
        self.low.flat[i], self.high.flat[i] = (low, t) if answer else (t, high)
        return answer


class _Generator:
    """Looks like numpy's Generator to a compressor: random (compared with <, >=) and permuted."""

    def __init__(self, chooser, only=None):
        self.chooser, self.only = chooser, only

    def random(self, size):
        return _Uniform(self.chooser, size, self.only)

    def permuted(self, x, axis):
        assert axis in (-1, x.ndim - 1)
        flat = np.array(x).reshape(-1, x.shape[-1])
        for row in flat:
            orders = sorted(set(permutations(row.tolist())))
            row[:] = orders[self.chooser.choose([Fraction(1, len(orders))] * len(orders))]
        return flat.reshape(x.shape)

    def __getattr__(self, name):
        raise NotEnumerable(name)


class _Chooser:
    """Replays a script of branch numbers, extends it with first branches, and knows the next script."""

    def __init__(self, script):
        self.script, self.position, self.weight, self.widths = script, 0, Fraction(1), []

    def choose(self, weights):
        total = sum(weights)
        live = [i for i, w in enumerate(weights) if w > 0]
        branch = self.script[self.position] if self.position < len(self.script) else 0
        self.script = [*self.script[: self.position], branch, *self.script[self.position + 1 :]]
        self.position += 1
        self.widths.append(len(live))
        self.weight *= weights[live[branch]] / total
        return live[branch]

    def following(self):
        script = list(self.script)
        while script and script[-1] + 1 >= self.widths[len(script) - 1]:
            script.pop()
        if not script:
            return None
        script[-1] += 1
        return script


def outcomes(function, limit=200_000):
    """[(probability, output)] of function(rng)."""
    found, script = [], []
    while script is not None:
        chooser = _Chooser(script)
        value = function(_Generator(chooser))
        found.append((chooser.weight, value))
        script = chooser.following()
        assert len(found) <= limit, "too many outcomes"
    assert sum(w for w, _ in found) == 1
    return found


def law(compressor, x):
    """Outcomes of one vector (or of one (n, d) array for a fleet), merged."""
    merged = {}
    x = np.asarray(x, dtype=np.float64)
    for weight, y in outcomes(lambda rng: compressor._compress(x.copy(), rng)):
        key = np.asarray(y, dtype=np.float64).tobytes()
        merged[key] = merged.get(key, 0) + weight
    return [(w, np.frombuffer(k).reshape(x.shape)) for k, w in merged.items()]


def coordinatewise_moments(compressor, x):
    """(E C(x), E||C(x)||^2) at any d of a compressor whose coordinates are rounded one by one given x.

    The marginal law of entry j is enumerated with the other entries' uniforms held at one outcome.
    """
    x = np.asarray(x, dtype=np.float64)
    mean, second = [], Fraction(0)
    for j in range(len(x)):
        found, script = [], []
        while script is not None:
            chooser = _Chooser(script)
            y = compressor._compress(x.copy(), _Generator(chooser, only=j))
            found.append((chooser.weight, Fraction(float(y[j]))))
            script = chooser.following()
        mean.append(sum(w * v for w, v in found))
        second += sum(w * v * v for w, v in found)
    return mean, second


def moments(outcome_list):
    """(E y, E||y||^2) as exact Fractions for outcomes y of shape (d,)."""
    d = outcome_list[0][1].shape[-1]
    mean = [sum(w * Fraction(float(y[j])) for w, y in outcome_list) for j in range(d)]
    second = sum(w * sum(Fraction(float(v)) ** 2 for v in y) for w, y in outcome_list)
    return mean, second


def second_matrix(outcome_list, x):
    """E (y - x)(y - x)' as a float matrix, for noise maps: x and y of shape (d,), or flattened (n d,)."""
    x = np.ravel(x)
    return sum(float(w) * np.outer(np.ravel(y) - x, np.ravel(y) - x) for w, y in outcome_list)
