"""Scripts whose statements move vectors by a step that is not taken from the trace of a method, each with the reason.

A part without `update` may move a vector only here; a test holds that no reason outlives its method's becoming a body.
"""

# the method is no body (`compth.methods.core.body`): there is no trace
NO_BODY = {
    "cat.single": "CAT chooses its sparsity from the gradient: its step is not linear",
    "isaga.shared": "ISAGA keeps a table of gradients per sample",
}
# no method's step
NO_METHOD = {
    "ist.theorem2": "IST where the gradient at a sketched model is put in",
    "ist.theorem2_sharp": "IST where the gradient at a sketched model is put in",
    "ist.exact_law": "IST on one quadratic, whose gradient is put in",
    "unified.theorem": "the unified theory's own step: every method of it adds its row, whose step is the method's",
}
UNTRACED = {**NO_BODY, **NO_METHOD}
