"""pysz: SZ3 with an error bound of 0.01 relative to the range of the data."""

import numpy as np
import pysz


def compress(x):
    config = pysz.szConfig(x.shape)
    config.errorBoundMode, config.relErrorBound = pysz.szErrorBoundMode.REL, 0.01
    return np.array(pysz.sz.compress(x, config)[0])


def decompress(message, shape):
    return np.array(pysz.sz.decompress(message, np.float64, shape)[0])
