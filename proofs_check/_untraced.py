"""Scripts whose statements move vectors by a step that is not taken from the trace of a method, each with the reason.

A part without `update` may move a vector only here; a test holds that no reason outlives its method's becoming a body.
"""

# the method is no body (`compth.methods.core.body`): there is no trace
NO_BODY = {
    "cat.single": "CAT chooses its sparsity from the gradient: its step is not linear",
    "isaga.shared": "ISAGA keeps a table of gradients per sample",
}
# the statement moves the component that is drawn, or lists its outcomes; the body says it as a message of a fleet or as
# a drawn part, which the words of an Update have no name for
OTHER_WORDS = {
    "jacsketch.linear": "JacSketch's statement lists which entries of the table are renewed",
    "lsvrg.linear": "L-SVRG's statement lists which component is drawn",
    "nsaga.neighbourhood": "N-SAGA's statement lists which entry of the table is renewed",
    "nsega.neighbourhood": "N-SEGA's statement lists which coordinate is drawn",
    "saga.linear": "SAGA's statement lists which entry of the table is renewed",
    "sega.linear": "SEGA's statement lists which coordinate is drawn",
    **dict.fromkeys(("vrdiana.linear", "vrdiana.sharp"), "VR-DIANA draws one part of every worker"),
}
# no method's step
NO_METHOD = {
    "ist.theorem2": "IST where the gradient at a sketched model is put in",
    "ist.theorem2_sharp": "IST where the gradient at a sketched model is put in",
    "ist.exact_law": "IST on one quadratic, whose gradient is put in",
    "unified.theorem": "the unified theory's own step: every method of it adds its row, whose step is the method's",
}
UNTRACED = {**NO_BODY, **OTHER_WORDS, **NO_METHOD}
