"""Rows of the unified theory with a table, a reference point or a sketch."""
