"""pytest plugin: the fixture `check_compressor`."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def check_compressor() -> Callable[..., object]:
    """check_compressor(C, claims=None, d=None, **settings): assert_claim with its report as the failure message."""
    from compth.testing.asserts import assert_claim

    return assert_claim
