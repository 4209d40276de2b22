"""Distributed compressed gradient descent: messages of the gradients themselves."""
