"""Stochastic gradients in front of messages: what a theorem with exact gradients gains, and its models.

G are the workers' stochastic gradients, drawn independently with mean E||G_i - grad f_i||^2 <= s2; Q their messages.
"""

from fractions import Fraction as F

from proofs_check._models import per_worker, plain
from proofs_check.dcgd.dcgd_nonconvex import chain

NOISE = {"noise": "noise(G, P, s2/n)", "apart": "independent(G, n)"}


def with_noise(statement, name, params, message, **changes):
    """The statement with G between the gradients and the messages Q, whose mean is `message`."""
    exact = [v for v in statement["vectors"] if not v.startswith("family Q")]
    return {
        **statement,
        "name": name,
        "title": "G the workers' stochastic gradients, Q their messages",
        "params": params,
        "domain": [*statement["domain"], "s2 >= 0"],
        "vectors": [*exact, "family G ~ g @ 0", f"family Q ~ {message} @ 1"],
        "given": {**statement["given"], **NOISE},
        **changes,
    }


def noisy(found, away, p, **params):
    """A model of exact gradients g with G = g +- away and Bernoulli(p) messages Q of G - h (h = 0 where it has none).

    s2 = away^2 unless `params` says otherwise.
    """
    vectors = found["vectors"]
    g = [F(v[0]) for v in vectors["g"]]
    h = [F(v[0]) for v in vectors["h"]] if "h" in vectors else [0] * len(g)
    outcomes, cells = [], []
    for group in chain(g, away, h, p):
        cells.append(list(range(len(outcomes), len(outcomes) + len(group))))
        outcomes += group
    drawn = {"G": [per_worker(o[1]) for o in outcomes], "Q": [o[2] for o in outcomes]}
    return found | {
        "params": {**found["params"], **plain({"s2": F(away) ** 2, **params})},
        "vectors": {**vectors, **plain(drawn)},
        "prob": plain([o[0] for o in outcomes]),
        "cells": [cells],
    }
