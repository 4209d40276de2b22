"""The dynamics of what x observes: rates and limits are those of x, whatever else a body puts out."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from compth._numbers import Number
from compth.dynamics.forms import Scheme, Sketches
from compth.dynamics.normal import NotNormal, exact_program, plain_kernel, scheme_of, takes_oracles
from compth.dynamics.sketches import noise_for
from compth.dynamics.system import Data, System
from compth.dynamics.traced import program_sketches, system_of
from compth.errors import Unsupported
from compth.methods.core import Method
from compth.methods.core.body import BodyMethod
from compth.methods.core.centre import centre_of
from compth.methods.core.observed import Observed, observed
from compth.methods.core.program import Program
from compth.methods.core.rewriting import silent
from compth.methods.core.vectors import MESSAGE

if TYPE_CHECKING:
    from compth.dynamics.traced import TracedSystem


def seen_by_x(
    method: BodyMethod, data: Data, gamma: Number, params: Mapping[str, Number], mode: str
) -> Observed:
    """What x observes of a body; where its sketches have no noise, they are numbers and may cancel."""
    found = observed(exact_program(method, gamma, params, data.n, data.d))
    if not found.program.of_kind(MESSAGE) or len(found.program.names) == 1:
        return found
    sketches = program_sketches(method, found.program, data, mode)
    # A sketch without noise multiplies by delta: as a number it may cancel, and x then observes less of the
    # state. Where there is noise, what is sent stays a vector of its own.
    if not sketches.quiet:
        return found
    less = observed(silent(found.program, MESSAGE, Fraction(sketches.delta)))
    return found if less.whole else less


def of_x_alone(
    method: Method, data: Data, gamma: Number, params: Mapping[str, Number], mode: str = "exact"
) -> Program | None:
    """The program of what x observes, None where that is the whole state."""
    if not isinstance(method, BodyMethod):
        return None
    found = seen_by_x(method, data, gamma, params, mode)
    return None if found.whole else found.program


def scheme_of_part(part: Program, method: Method, data: Data, sketches: Sketches) -> Scheme:
    """The Scheme of part of a body; NotNormal or Unsupported where it has none."""
    centre = centre_of(part, sketches.delta, sketches.downlink_multiplier)
    if centre.tier == 3 or (noise_for(method, data) is not None and not takes_oracles(part)):
        raise NotNormal("x* is compressed, or an oracle's noise enters elsewhere")
    scheme = scheme_of(part, centre, sketches)
    plain_kernel(scheme, data.projector is not None)
    return scheme


def system_of_part(
    part: Program,
    method: Method,
    data: Data,
    gamma: Number,
    params: Mapping[str, Number],
    mode: str,
    affine: bool,
) -> System | TracedSystem:
    """The operator of part of a body, in the form of a Scheme where it has that."""
    sketches = program_sketches(method, part, data, mode)
    try:
        scheme = scheme_of_part(part, method, data, sketches)
    except (NotNormal, Unsupported):
        return system_of(method, data, gamma, params=params, mode=mode, affine=affine, program=part)
    return System(data, scheme, sketches, affine, noise_for(method, data))
