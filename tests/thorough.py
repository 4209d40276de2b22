"""Long searches: as many tries as a run of the suite can bear, and all of them in a step of their own of .ci/run."""

import os

import pytest

ALL = bool(os.environ.get("COMPTH_THOROUGH"))
"""Whether this is that step: COMPTH_THOROUGH=1 with -m thorough."""

thorough = pytest.mark.thorough
"""A test that tries more in that step."""


def tries(some, every):
    """`some` in a run of the suite, `every` one in the thorough step."""
    return every if ALL else some
