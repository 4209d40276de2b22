"""A method as one body: the symbols it is traced on, the program that a trace is, its fixed point, its bits."""
