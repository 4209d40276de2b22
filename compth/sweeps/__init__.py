"""Sweeps: compressor x method x problem x seed, in one store that survives kills and resumes bit by bit."""

from compth.sweeps.driver import Sweep, sweep
from compth.sweeps.store import Store
from compth.sweeps.tasks import expand, key_of, read_toml, run_task

__all__ = ["Store", "Sweep", "expand", "key_of", "read_toml", "run_task", "sweep"]
