"""numcodecs: codecs as they are, with encode and decode."""

import numcodecs

import compth as ct

bit_round = numcodecs.BitRound(keepbits=3)
quantize = numcodecs.Quantize(digits=2, dtype="<f8")
fixed_scale = numcodecs.FixedScaleOffset(offset=0, scale=100, dtype="<f8", astype="<i2")
zlib = ct.compressor(ct.adapt(numcodecs.Zlib()), claims="Unbiased(0)", bits=lambda message: 8 * len(message))
