"""Marks of tests that run Coq itself."""

import pytest

from proofs_check.coq import build

NEEDS_COQ = [
    pytest.mark.optional,
    pytest.mark.slow,
    pytest.mark.skipif(not build.coq_version(), reason="no coqc on the path: Debian's package coq"),
]
