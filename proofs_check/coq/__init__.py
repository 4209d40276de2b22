"""The stored proofs as Coq files: two library files, an exporter that nobody has to trust, and a build."""
