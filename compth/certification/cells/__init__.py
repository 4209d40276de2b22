"""Proofs for all x of programs that branch on x: laws of single entries on cells, and what follows from them."""
