"""pychop: stochastic rounding to five exponent and two fraction bits; the object, made anew, holds its generator."""

import pychop

pychop.backend("numpy")


def stochastic():
    return pychop.Chop(exp_bits=5, sig_bits=2, rmode=5)
