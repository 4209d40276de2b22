"""The unified theory of SGD and its rows without a memory."""
