"""`python -m figures`: see `figures/_command.py`, which is loaded where Ctrl-C is already heeded."""

import sys

from compth._interrupts import interruptible


def _work() -> int:
    from figures._command import main

    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(interruptible("figures", _work))
