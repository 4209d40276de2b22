"""Parameters of a body that no theorem plans: those with the least certified worst case that a search finds."""

from __future__ import annotations

from operator import attrgetter

from compth._numbers import Number
from compth.errors import Unsupported
from compth.methods import Constants
from compth.methods.core.body import NOTHING, BodyMethod
from compth.methods.core.outside import while_it_reads_the_same
from compth.worst_case.bodies import asked_for, check_instance, question
from compth.worst_case.runs import claim_of, heard_of
from compth.worst_case.search import best_parameters
from compth.worst_case.tight import tight_rate
from compth.worst_case.told import at_home

Numbers = tuple[tuple[str, Number], ...]


def certified_plan(method: BodyMethod, c: Constants) -> tuple[Number | None, dict[str, Number]]:
    """(gamma, every parameter) for a run on these constants; what the method or its body says stays.

    The class is that of the run: every f_i mu_min-strongly convex and L_max-smooth, compressors of the fleet's claim.
    Raises Unsupported, with the reason, where the run lies in no class or nothing is certified in it.
    """
    kind, claim, heard = at_home(asked_for(method).kind), claim_of(method, c), heard_of(c)
    check_instance(method, heard=True)
    if claim is None or heard is None or not c.mu_min > 0:
        raise Unsupported("it takes strongly convex workers and compressors with a claim")
    # One class for the uplink's and the broadcast's claims: the search then sees what the run will see.
    claim |= heard
    given = {k: v for k, v in method.signature.params.items() if v is not NOTHING} | dict(method.given())
    if (
        type(method).default_params is not BodyMethod.default_params
    ):  # its own rule, and the step alone is searched
        given |= {k: v for k, v in method.default_params(c).items() if k in method.signature.params}
    return _found(kind, c.mu_min, c.L_max, int(c.n), tuple(claim.items()), tuple(sorted(given.items())))


@while_it_reads_the_same(128, attrgetter("body"))
def _found(
    kind: type[BodyMethod], mu: Number, L: Number, n: int, claim: Numbers, given: Numbers
) -> tuple[Number | None, dict[str, Number]]:
    """The same for a class, remembered while the body reads the same values.

    claim, given: as sorted pairs, so that they can be a key.
    """
    constants = dict(claim)
    delta, omega, eta = (constants.get(k) for k in ("delta", "omega", "eta"))
    heard = (constants.get("delta_down"), constants.get("omega_down"))
    q = question(asked_for(kind), mu, L, delta, omega, eta, n, *heard, bounded=True)
    # A parameter of the body that is named as a constant of the class is that constant, and not searched.
    named = {"mu": mu, "L": L, "n": n, **constants}
    fixed = {**dict(given), **{k: v for k, v in named.items() if k in kind.signature.params}}
    gamma, params, _ = best_parameters(q, fixed)
    own = {k: v for k, v in params.items() if k not in named}
    # The search runs on attained rates; what it found is planned only where the certificate exists.
    if tight_rate(kind, mu=mu, L=L, n=n, gamma=gamma, **constants, **own).certified is None:
        raise Unsupported("no parameters with a certificate were found")
    return gamma, params
