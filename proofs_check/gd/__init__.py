"""Gradient descent and its compressed form with a contractive map."""
