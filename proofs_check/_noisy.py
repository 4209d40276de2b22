"""Stochastic gradients in front of messages: what a theorem with exact gradients gains, and its models.

G are the workers' stochastic gradients, drawn independently with mean E||G_i - grad f_i||^2 <= s2; Q their messages.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction as F
from typing import Any

from proofs_check._models import per_worker, plain
from proofs_check._script import Model, step
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


def with_noise_steps(
    exact: Sequence[dict[str, Any]], claim: str, noise: str, apart: str, *more: str
) -> list[dict[str, Any]]:
    """The steps of exact gradients with the noise's multiplier; apart: that of the independence of the G."""
    last = exact[-1]
    use = {**last["use"], "noise": noise, "apart": apart}
    return [*exact[:-1], step(claim, use, [*last["terms"], *more])]


def noise_controls(
    claim: str, floor: str, at: Callable[..., Model], rest: Sequence[Any], equal: dict[str, int]
) -> list[tuple[dict[str, Any], Model]]:
    """False versions of a step to the floor: less noise in it, or none asked of G or Q; all curvatures are one."""
    alike, quiet = ([1, 1], [-4, 4], *rest), ([1, 1], [F(-1, 9), F(1, 9)], *rest)
    return [
        ({"claim": [claim.replace(floor, f"{floor}/4")]}, at(*alike, **equal)),
        ({"claim": [claim.replace("s2", "0")]}, at(*quiet, away=9, **equal)),
        ({"claim": [claim.replace("om*s2", "0")]}, at(*quiet, away=9, **equal)),
        ({"given": {"noise": None}}, at(*quiet, away=9, s2=0, **equal)),
        ({"given": {"var": None}}, at(*quiet, away=9, **{**equal, "om": 0})),
    ]


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
