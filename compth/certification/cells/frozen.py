"""Lists and dictionaries of the program that it finds under a name: read as they are, never changed.

A list that one call changes would make the next call another program. What must not be changed: every
method that changes a list or dictionary is refused.
"""

from __future__ import annotations

from typing import NoReturn

from compth.certification.cells.nodes import stop


def _changed(*_: object, **__: object) -> NoReturn:
    """Refused."""
    stop("changes a list or dictionary that outlives the call")


class List(list[object]):
    """A list that cannot be changed."""

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _changed
    append = extend = insert = pop = remove = clear = sort = reverse = _changed


class Dict(dict[object, object]):
    """A dictionary that cannot be changed."""

    __setitem__ = __delitem__ = __ior__ = _changed
    update = setdefault = pop = popitem = clear = _changed
