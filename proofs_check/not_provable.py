"""Statements that the kernel does not prove, each with the reason; the table prints them."""

REASONS = {
    "diana.lemma6": "decreasing steps over a whole run (induction over time with a step schedule)",
    "dcsgd.horizon": "Stich's lemma sums weights over a schedule and bounds an exponential",
    "uncertainty": "a volume argument in R^d (sphere covering); only its algebra is polynomial",
    "lp_moments": "norms with a general exponent p are no polynomials",
    "ist.exact_law": "the law is a spectral statement about powers of an operator",
    "cat.quasi_concave": "a statement about maximisers over integers of functions with ceilings",
    "atomo.kkt": "the optimal probabilities are defined by a sorting rule over a varying active set",
}
