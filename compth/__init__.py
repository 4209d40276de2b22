"""compth: the referee of communication-compression theory (lazy: names are imported when first used)."""

from __future__ import annotations

import importlib

from compth._own import watch

# First of all: what the package is made of is compared, later, with what it is now, before any code of a user
# ran.
watch()

__version__ = "0.1.0"

# Public functions and values by module. Compressors, fleets and methods are found by walking their packages.
_EXPORTS = {
    "compth.claims": "AbsoluteError Attribution B1 B2 BiasVariance Claim Contractive JointContractive JointVariance "
    "MaxNormError RelativeAbsoluteError Sharpness Standing ThreePointBound Unbiased",
    "compth.certificates": "Certificate Report Verdict",
    "compth.rates": "Rate",
    "compth.bits": "BitCost PAPER_BITS",
    "compth.compressors": "Compressor DiagonalSketch Fleet MomentMap Noise as_fleet",
    "compth.compressors.core.function": "compressor",
    "compth.compressors.perm_k": "JointSketch draw_weights",
    "compth.compressors.sampling": "ArbitrarySampling IndependentSampling NiceSampling Sampling",
    "compth.compressors.three_point": "CLAGMap EF21Map LAGMap MARINAMap ThreePoint",
    "compth.compressors.core.uncertainty": "impossible_declarations uncertainty_margins",
    "compth.compressors.core.wire": "decode encode",
    "compth.methods": "Constants Method Theorem compatibility",
    "compth.methods.core.body": "Server Worker copy_of_start gradient_at_start method",
    "compth.methods.core.unified_table": "UnifiedRow unified_table",
    "compth.methods.core.unified": "Parameters UnifiedTheorem convex_combination",
    "compth.certification": "Batched Estimate adapt certify estimate",
    "compth.certification.assumption": "AssumptionCheck check_assumption",
    "compth.simulation": "Trace simulate",
    "compth.dynamics": "ExactRate LargeDRate MarchenkoPastur Trajectory best_step exact exact_rate large_d_rate "
    "max_stable_step stationary",
    "compth.studies.derivation": "Derivation derive",
    "compth.studies.problem_search": "study",
    "compth.worst_case": "Analysis Certified HeterogeneousBracket RateCertificate TightRate TightRates certified "
    "check_rate guarantee heterogeneous_feedback tight_rate tight_rates",
    "compth.studies.budget": "Budget budget",
    "compth.studies.comparison": "Comparison compare",
    "compth.studies.method_analysis": "MethodAnalysis analyse",
    "compth.studies.fixed_levels": "LevelComparison compare_levels",
    "compth.studies.step_sizes": "step_sizes",
    "compth.reporting.results": "Stored load",
    "compth.sweeps": "sweep",
    "compth.problems.oracle": "Arbitrary Coordinates Importance Minibatch Oracle",
    "compth.tuning": "Tuning costs mean_estimation quadratic_probabilities sampling_probabilities step_table tune",
}
_OWNER = {name: module for module, names in _EXPORTS.items() for name in names.split()}
_MODULES = ("calculus", "problems", "compressors", "methods", "sources", "errors", "testing")


def __getattr__(name: str) -> object:
    """A public name, imported at its first use and kept: `import compth` itself loads nothing of numpy."""
    # Private names are asked for by tools (copy, doctest, IPython) that only want to know: importing for them
    # costs seconds.
    if name.startswith("_"):
        raise AttributeError(f"module 'compth' has no attribute {name!r}")
    if name in _OWNER:
        value = getattr(importlib.import_module(_OWNER[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"compth.{name}")
    else:
        value = _catalogued(name)
    globals()[name] = value
    return value


def _catalogued(name: str) -> object:
    """A compressor, fleet or method by its name. Raises AttributeError with the nearest names."""
    found = _by_name()
    if name in found:
        return found[name]
    suggestion = importlib.import_module("compth.text.specs").suggestion
    raise AttributeError(f"module 'compth' has no attribute {name!r}: {suggestion(name, {*found, *_OWNER})}")


def _by_name() -> dict[str, object]:
    """Compressors, fleets and methods, under every name that they have."""
    compressors, methods = (importlib.import_module(f"compth.{part}") for part in ("compressors", "methods"))
    return {**compressors.names(), **methods.method_names()}


def __dir__() -> list[str]:
    return sorted({"__version__", *_OWNER, *_MODULES, *_by_name()})
