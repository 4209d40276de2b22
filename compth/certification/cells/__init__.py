"""Proofs for all x of programs that branch on x: laws of single entries on cells, and what follows from them.

In the order in which a program goes through it:

* it is run on symbols (`binding`, with numpy's, Python's and the generator's words in `words`, `python_words` and
  `draws`; arrays in `symbolic`, `array`, `elementwise`, `orders`), every way of its branches (`paths`, `rewriting`,
  `forks`); what it returns are expressions (`nodes`);
* `stage` groups entries that have one expression (`forms`) and finds the cells of the line on which each has one law
  (`values`, `evaluation`, `laws`); selections have laws by ranks (`cone`, `ranks`);
* `bounds` finds the multipliers by which a claim follows, and writes a certificate, which `proof.cells` checks;
* the program itself is run wherever its trace has a border, a way or an outcome (`visits`, `ways`, `crossings`, with
  the draws of `scripted`; compared in `agree` and `replayed`);
* `question` is what the pipeline asks; where nothing is proved `suspects` and `pointwise` say where to look.

What must not be changed anywhere here: what is not understood stops the proof, with its line, and decides nothing.
"""
