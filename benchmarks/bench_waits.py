"""What a person waits for: the demo after installation, with its shares, and all proofs; each in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator

from benchmarks._timing import Line, line, seconds

DEMO = (
    "compare",
    "--dataset",
    "digits",
    "--workers",
    "10",
    "--split",
    "label",
    "--steps",
    "theorem,best",
    "--out",
)
"""As `make demo` has it."""
PARTS = {"best steps": "best_step", "simulations": "simulate", "figures and files": "_write"}
"""Functions whose time is a share of it."""
MOST_DEMO, MOST_PROOFS = 29, 48
"""A third of what the demo, half of what all proofs took once, on a slow machine."""


def demo(folder: str) -> dict[str, float]:
    """Share of the demo's time by part, by looking fifty times a second at what this process does: a fresh one."""
    from compth.cli import run as command

    watched, ended = threading.get_ident(), threading.Event()
    seen: Counter[str] = Counter()

    def look() -> None:
        while not ended.wait(0.02):
            frame, names = sys._current_frames()[watched], {""}
            while frame is not None:
                names.add(frame.f_code.co_name)
                frame = frame.f_back  # type: ignore[assignment]
            seen.update(names)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    code = command([*DEMO, folder])
    ended.set()
    looking.join()
    if code:
        raise AssertionError("the demo ended with an error")
    return {part: seen[name] / max(1, seen[""]) for part, name in PARTS.items()}


def fresh(*command: str) -> str:
    """What a fresh interpreter prints."""
    ours = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *command], check=True, capture_output=True, text=True, env=ours
    ).stdout


def run() -> Iterator[Line]:
    """Seconds are given as they are: their unit is in the name."""
    with tempfile.TemporaryDirectory() as folder:
        call = f"demo({folder + '/demo'!r})"
        code = f"import json; from benchmarks.bench_waits import demo; print(json.dumps({call}))"
        start = time.perf_counter()
        shares = json.loads(fresh("-c", code).splitlines()[-1])
        yield line("the demo: seconds", [time.perf_counter() - start], most=MOST_DEMO)
        for part, share in shares.items():
            yield line(f"the demo: share of {part}", [share])
    yield line(
        "all proofs, checked: seconds",
        [seconds(lambda: fresh("-m", "proofs_check", "--check"))],
        most=MOST_PROOFS,
    )
