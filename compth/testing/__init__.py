"""For test-suites: assert a claim, draw hard vectors with Hypothesis, hold new objects to the contract."""

from __future__ import annotations

from compth.testing.asserts import assert_claim, conformance, method_conformance


def __getattr__(name: str) -> object:
    """`vectors`, imported when it is asked for."""
    if name == "vectors":  # the only part that needs Hypothesis
        from compth.testing.strategies import vectors

        return vectors
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["assert_claim", "conformance", "method_conformance", "vectors"]
