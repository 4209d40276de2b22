"""Selections by size and other biased maps, and the three classes."""
