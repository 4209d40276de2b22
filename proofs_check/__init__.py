"""Machine-checked theorems: one script per theorem, run by the kernel of `compth.proof`.

    python -m proofs_check               all: table, JSON certificates, the index of proved statements
    python -m proofs_check dcgd.general  one
    python proofs_check/recheck.py       the stored certificates again, with the standard library only

How to write one. A file `proofs_check/<family>/<id with _ for .>.py` defines `SCRIPT = Script(id, title, parts)`; a
catalogue object whose `proof` is that id is then PROVED when all parts pass. A part has

    statement   a dict in the kernel's language (`compth/proof/kernel.py`, docstring): params, domain, vectors
                ("common x", "family Q ~ g @ 0"), values, given {name: schema instance}, claim [...], and for a whole
                run `run`. Constants come from the catalogue: make symbols with `symbols`, call the formula or the
                theorem's plan (`plan_of`), turn the result into text with `text`. Nothing is retyped.
    steps       [step(show, use={known relation: multiplier}, terms=[...])]: rhs - lhs = sum of multiplier * slack plus
                terms. The last steps show the claims. When the identity fails the kernel prints what is missing.
    update      the method's step in the statement's words, `Update(DIANA, {"gradient": "g", "message": "Q"}, ...)`:
                `next`, the state after the step in the claim, what is compressed and where gradients are taken are
                printed from the trace of the method's body. Nobody types them: the statement is held against the
                method's own step on random instances, and refused where it differs (`_followed.py`). Scripts without
                one are listed with the reason in `_untraced.py`
    witness     a finite model (see `_models.py`) inside the domain, nothing degenerate, all hypotheses true
    spoils      at least three (change of the statement, model): really false versions, each with a model in which
                all hypotheses hold and the claim fails. `change` replaces fields, or within given: None drops one; it
                changes one claim, which keeps a side, or anything else and no claim.

The docstring is for readers: setting, symbols, guarantee, proof in words, tight or not, source (`_told.py`).

Hypotheses have roles (`compth/proof/roles.py`): values and class constants are plain names, a gradient is a vector of
its own with one point, numbers are made of parameters; a rate is no hypothesis. A part whose name has `.attained` in
it is equality on a named instance: the index lists it, and only with it is a tight constant's attainment proved. A row
of the unified theory adds `theorem_part` (`_rows.py`): the theorem for its own vectors.

Theorems that this form cannot prove are listed with the reason in `not_provable.py`.
"""
