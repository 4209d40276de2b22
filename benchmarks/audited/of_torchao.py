"""torchao: int8 with one scale, and the OCP MX format in blocks of 32."""

import torch
from torchao.prototype.mx_formats.mx_tensor import to_dtype, to_mx
from torchao.quantization.quant_primitives import (
    MappingType,
    choose_qparams_affine,
    dequantize_affine,
    quantize_affine,
)


def int8(x):
    block = tuple(x.shape)
    scale, zero = choose_qparams_affine(x, MappingType.SYMMETRIC, block, torch.int8)
    q = quantize_affine(x, block, scale, zero, torch.int8)
    return dequantize_affine(q, block, scale, zero, torch.int8)


def mx_compress(x):
    scale, data = to_mx(x, torch.float8_e4m3fn, 32)
    return data, scale


def mx_decompress(data, scale):
    return to_dtype(data, scale, torch.float8_e4m3fn, 32, torch.float32)
