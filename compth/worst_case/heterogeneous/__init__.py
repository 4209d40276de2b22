"""Error feedback whose workers have constants of their own: quadratics below, certificates above."""

from compth.worst_case.heterogeneous.bracket import (
    HeterogeneousBracket,
    HeterogeneousCertificate,
    HeterogeneousInstance,
    heterogeneous_feedback,
)

__all__ = [
    "HeterogeneousBracket",
    "HeterogeneousCertificate",
    "HeterogeneousInstance",
    "heterogeneous_feedback",
]
