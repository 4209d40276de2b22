"""Names of types that every room uses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""Real array of floats."""
Numbers = NDArray[Any]
"""Real array of floats, or of Fractions (dtype object): numpy has one type for both."""
