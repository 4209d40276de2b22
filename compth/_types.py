"""Names of types that every room uses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""Real array of floats."""
Numbers = NDArray[Any]
"""Real array of floats, or of Fractions (dtype object): numpy has one type for both."""
Tensor = Any
"""Array of numpy, of torch, or of another library under the array API: engines take each; they share no type."""
Json = dict[str, Any]
"""What a JSON object holds once it is read, or before it is written: files, requests and rows of tables."""
