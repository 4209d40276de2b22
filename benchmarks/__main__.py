"""`python -m benchmarks`: see `benchmarks/_command.py`, which is loaded where Ctrl-C is already heeded."""

import sys

from compth._interrupts import interruptible


def _work() -> int:
    from benchmarks._command import main

    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(interruptible("benchmarks", _work))
