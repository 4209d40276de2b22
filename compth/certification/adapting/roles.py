"""What a function's arguments stand for, by their names: how libraries call the generator, the size, the name.

Only arguments without a value are filled: a default is its author's choice, but for that of a generator.
What may be changed: more names for a role, where no library means another thing by them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

from compth.certification.beside import Misfit

_ROLES = {
    "rng": "rng generator gen random_generator",
    "seed": "seed random_state key prng prng_key",
    "d": "d n dim size numel length len n_elements num_elements",
    "shape": "shape original_shape",
    "name": "name tensor_name key_name layer",
}
ROLE = {name: role for role, names in _ROLES.items() for name in names.split()}
"""Argument name -> what is passed for it."""
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    """The positional parameters; one called x where Python cannot tell."""
    # Builtins and extension types may have no signature.
    try:
        listed = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return [inspect.Parameter("x", inspect.Parameter.POSITIONAL_ONLY)]
    return [p for p in listed if p.kind in _POSITIONAL]


def is_needed(parameter: inspect.Parameter) -> bool:
    """True for a parameter without a default."""
    return parameter.default is inspect.Parameter.empty


def _is_open(parameter: inspect.Parameter) -> bool:
    """True for what waits for a value: a default that the author chose stays, but for a generator's."""
    return is_needed(parameter) or parameter.default is None or ROLE.get(parameter.name) == "rng"


def takes(function: Callable[..., object], *roles: str) -> bool:
    """True when an argument after the first one waits for one of these roles."""
    # The first argument is the vector, whatever it is called.
    return any(ROLE.get(p.name) in roles and _is_open(p) for p in parameters(function)[1:])


def filled(
    function: Callable[..., object], known: Mapping[str, object], owner: str, skip: int = 1
) -> dict[str, object]:
    """{argument: value} of the arguments after the first `skip` that wait for one, by their roles.

    Raises InvalidParameter for those that have neither a role nor a default.
    """
    given: dict[str, object] = {}
    for p in parameters(function)[skip:]:
        role = ROLE.get(p.name, "")
        # By name, so that the order of a library's arguments does not matter.
        if role in known and _is_open(p):
            given[p.name] = known[role]
        elif is_needed(p):
            names = ", ".join(_ROLES)
            raise Misfit(
                f"{owner} needs {p.name}=, which is called like none of {names}: adapt a function that binds it"
            )
    return given
