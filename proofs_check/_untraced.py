"""Scripts whose statements move vectors by a step that is not taken from the trace of a method, each with the reason.

A part without `update` may move a vector only here; a test holds that no reason outlives its method's becoming a body.
"""

UNTRACED = {
    "ist.theorem2": "IST where the gradient at a sketched model is put in",
    "ist.theorem2_sharp": "IST where the gradient at a sketched model is put in",
    "ist.exact_law": "IST on one quadratic, whose gradient is put in",
    "unified.theorem": "the unified theory's own step: every method of it adds its row, whose step is the method's",
}
