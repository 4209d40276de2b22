"""zfpy: two functions."""

import numpy as np
import zfpy


def compress(x, rate=8):
    return zfpy.compress_numpy(x, rate=rate)


def decompress(message):
    return np.array(zfpy.decompress_numpy(message))
