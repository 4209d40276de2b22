"""Figures: one module each with compute() -> data and draw(data) -> Figure; `python -m figures [name ...]`."""
