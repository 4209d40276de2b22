"""What every compressor is made of: the base classes, moments, probabilities, the wire, formulas for readers.

The files beside this room hold one compressor each; a new one needs nothing changed in here.
"""
