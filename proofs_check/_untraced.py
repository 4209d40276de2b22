"""Scripts whose statements move vectors by a step that is not taken from the trace of a method, each with the reason.

A part without `update` or `own_step` may move a vector only here; a test holds that this list has no other entry.
"""

UNTRACED = {
    "unified.theorem": "the unified theory's own step: every method of it adds its row, whose step is the method's",
}
