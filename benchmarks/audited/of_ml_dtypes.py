"""ml_dtypes: casts to narrow floats and back."""

import ml_dtypes
import numpy as np


def bfloat16(x):
    return x.astype(ml_dtypes.bfloat16).astype(np.float64)


def float8(x):
    return x.astype(ml_dtypes.float8_e4m3fn).astype(np.float64)
