"""Shared settings: one BLAS thread, no display, Hypothesis deterministic."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

from hypothesis import settings

settings.register_profile("compth", derandomize=True, database=None, deadline=None)
settings.load_profile("compth")
