"""Statements without a script, each with the reason; the table prints them."""

# outside the kernel's language: no finite polynomial identity over the reals
OUTSIDE = {
    "dcsgd.horizon": "weights u^2 outgrow what steps 2/(mu u) let telescope: no one-step claim; bounds an exponential",
    "uncertainty": "a volume argument in R^d (its algebra, alpha = omega/(1+omega): calculus.scaling)",
    "natural_dithering.omega": "powers of two with a symbolic exponent (one interval: dithering.coordinate)",
    "lp_moments.alpha": "omega for 1 < p < 2: norms with a general exponent are no polynomials",
    "atomo.active_set": "that sorting finds the saturated set: an argument over a varying set (one set: atomo.kkt)",
    "three_point.lag": "LAG's rule bounds the error it leaves: its inequality is its definition",
    "cat.packets": "packet costs: maximisers over integers of functions with ceilings (affine: cat.quasi_concave)",
}
# inside it, not written
UNWRITTEN = {
    "cat.single": "one step: cat.descent, cat.complexity; that beta(T) >= 1/d and omega*(T) >= T/d is missing",
    "cat.convex": "convex f, 1/k: an inequality between reciprocals of values",
    "sampling.independent": "probabilities that differ between workers: divisions by indexed symbols",
    "rdme.weighted_centre": "unequal probabilities: the best centre divides by a sum over indices",
    "rdme.binary_sharp": "the constant (d-2)/2: its extremal entries are chosen by sorting",
}
REASONS = {**OUTSIDE, **{name: f"not written yet: {reason}" for name, reason in UNWRITTEN.items()}}
