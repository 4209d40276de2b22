"""Independent blocks: each worker updates coordinates of its own choice."""
