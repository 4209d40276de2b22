"""`python -m compth` is the `compth` command."""

from compth.cli import main

if __name__ == "__main__":
    main()
