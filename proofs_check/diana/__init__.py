"""DIANA and ADIANA: messages of what a memory does not know yet."""
