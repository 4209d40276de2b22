"""Three-point maps: messages that lean on the one before."""
