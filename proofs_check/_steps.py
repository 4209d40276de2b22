"""The steps of the catalogue's methods in the words that several statements share."""

from __future__ import annotations

from dataclasses import replace

from compth.methods.dcgd import DCGD
from compth.methods.diana import DIANA
from compth.methods.ef21 import EF21
from compth.methods.gd import GD
from compth.methods.ibcd import IBCD
from compth.methods.ist import IST
from compth.methods.sgd import SGD, SGDStar
from proofs_check._update import Update


def stochastic(step: Update) -> Update:
    """With stochastic gradients G of mean g."""
    return replace(step, words={**step.words, "gradient": "G"}, expected={"g": "gradient"})


def broadcasting(step: Update, broadcast: str = "c") -> Update:
    """With a compressed broadcast."""
    return replace(step, words={**step.words, "broadcast": broadcast}, downlink=True)


def remembering(step: Update) -> list[str]:
    """The vectors of a step whose workers hold h of their gradients g, and send one message Q."""
    held = ["common x", "common xs", "family g", "family h", "family hs"]
    return [*held, f"family Q ~ {step.mean('message')} @ 0"]


PLAIN = Update(GD, {"mean gradient": "g"}, {"gamma": "ga"})
SENT = Update(DCGD, {"gradient": "g", "message": "Q"}, {"gamma": "ga"})
# blocks kept with probability tau and not rescaled
BLOCKS = Update(IBCD, SENT.words, SENT.params, own={"tau": "tau"}, scale="tau")
SHIFTED = Update(DIANA, {"gradient": "g", "message": "Q"}, {"gamma": "ga", "alpha": "al"})
DRAWN = Update(SGD, {"mean gradient": "G"}, {"gamma": "ga"}, expected={"g": "gradient"}, workers=1)
SKETCHED = Update(IST, {"mean message 1": "y"}, {"gamma": "ga", "algorithm": "0"}, hidden=("message",))
# the gradients at the minimiser, S, are taken off by the oracle
CORRECTED = replace(DRAWN, method=SGDStar, words={"mean gradient": {"G": 1, "S": -1}})
# e the server's belief g_i of the workers' gradients, g the gradients at x, gp at the next x
BELIEVED = Update(
    EF21,
    {"g": "e", "gradient": "gp", "message": "c"},
    {"gamma": "ga"},
    at={"g": "x"},
    called={"xp": "gradient"},
)
