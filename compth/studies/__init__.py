"""Questions that take several rooms to answer: what a person would do with the package, one module per question.

Nothing is derived here: a study asks the guarantees, the exact dynamics, the worst cases and the simulation, and sets
their answers side by side.
"""
