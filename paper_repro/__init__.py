"""Ten papers, each claim beside what compth gets: `python -m paper_repro [key ...] [--quick]`.

One package per paper: targets.toml holds the claims as data, run(quick) recomputes them, FIGURES draws the paper's
figures, README.md says what is reproduced, what is not and why, and which errata were found.
"""
