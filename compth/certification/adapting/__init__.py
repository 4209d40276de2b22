"""Compressors as training libraries have them, seen as programs f(x, rng) on vectors: `compth.adapt`.

One file for each thing that such code does otherwise: messages (`pairs`), what it remembers (`memory`), generators that
belong to the process (`generators`), tensors of several shapes (`layers`), other libraries' arrays (`backends`).
"""
