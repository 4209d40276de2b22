"""Rounding and dithering."""
