"""Blocks that many statements have: a whole run, what holds at the minimiser, what is drawn, a domain with a gap."""

from __future__ import annotations

from typing import Any

Statement = dict[str, Any]

# gradients hs at the minimiser xs: their mean is zero, tested at x - xs, at hs itself and at the gradients g
AT_SOLUTION = {"optimal": "zero(P(hs), x - xs)", "still": "zero(P(hs), hs)", "sum": "zero(P(hs), g)"}
# their multipliers: <P(g), x - xs> is <g - hs, x - xs> and |P(g)|^2 is |P(g - hs)|^2
CENTRING = {"optimal": "-2*ga", "sum": "2*ga**2", "still": "-ga**2"}
# messages Q of unbiased compressors, drawn by the workers for themselves
DRAWN = {"var": "variance(Q, om)", "ind": "independent(Q, n)"}


def over_run(
    potential: str, moves: dict[str, str], rate: str, fixed: str, noise: str = "0", gain: str = "0"
) -> dict[str, Any]:
    """The field `run`: potential after moves + gain <= rate * potential + noise, at every step of a run."""
    return {
        "potential": potential,
        "next": moves,
        "rate": rate,
        "gain": gain,
        "noise": noise,
        "fixed": fixed,
    }


def entries(arrays: str, kind: str, parameter: str) -> Statement:
    """One vector's d entries j, arrays over them, and the law of the indicators u[j]."""
    return {
        "sizes": {"col": "d"},
        "indices": {"j": "col"},
        "arrays": dict.fromkeys(arrays.split(), "col"),
        "law": {"indicator": "u", "kind": kind, "on": "col", "parameter": parameter},
    }


def without(statement: Statement, *relations: str) -> Statement:
    """The spoil that drops these relations from the domain; each has to be there."""
    missing = set(relations) - set(statement["domain"])
    if missing:
        raise ValueError(f"not in the domain: {sorted(missing)}")
    return {"domain": [t for t in statement["domain"] if t not in relations]}
