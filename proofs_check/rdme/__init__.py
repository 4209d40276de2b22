"""Randomised distributed mean estimation: the encoders and their best centres."""
