"""Long searches: as many tries as a run of the suite can bear, and all of them in a step of their own of .ci/run."""

import os
from zlib import crc32

import pytest

ALL = bool(os.environ.get("COMPTH_THOROUGH"))
"""Whether this is that step: COMPTH_THOROUGH=1 with -m thorough."""

FIFTH = 5

thorough = pytest.mark.thorough
"""A test that tries more in that step."""


def tries(some, every):
    """`some` in a run of the suite, `every` one in the thorough step."""
    return every if ALL else some


alone = pytest.mark.thorough(alone=True)
"""A test, or a case, of that step alone: long, and of a kind of which others run each time."""


def later(items):
    """The slow cases that a run of the suite leaves to that step.

    Of a parametrised slow test every fifth case stays (another fifth for another test), at least one; a test that
    scales its own tries by `tries` stays whole, and one marked `alone` goes.
    """
    families = {}
    for item in items:
        marker = item.get_closest_marker("thorough")
        if marker is None and item.get_closest_marker("slow") and hasattr(item, "callspec"):
            families.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left = [i for i in items if (m := i.get_closest_marker("thorough")) and m.kwargs.get("alone")]
    for name, cases in families.items():
        stays = crc32(name.encode()) % min(len(cases), FIFTH)
        left += [case for at, case in enumerate(cases) if at % FIFTH != stays]
    return left
