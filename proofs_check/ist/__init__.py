"""Independent subnet training: sketched models and sketched gradients."""
