"""`python -m paper_repro`: see `paper_repro/_command.py`, which is loaded where Ctrl-C is already heeded."""

import sys

from compth._interrupts import interruptible


def _work() -> int:
    from paper_repro._command import main

    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(interruptible("paper_repro", _work))
