"""FedLab: objects with compress and decompress on tensors."""

from fedlab.contrib.compressor.quantization import QSGDCompressor
from fedlab.contrib.compressor.topk import TopkCompressor

top_quarter = TopkCompressor(compress_ratio=0.25)
qsgd = QSGDCompressor(n_bit=2)
