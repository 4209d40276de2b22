"""`python -m compth` is the `compth` command."""

from compth.cli import main

main()
