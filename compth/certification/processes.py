"""What the system says about processes: processor time, descendants, states. Linux's /proc where there is one.

Everything here races with processes that end meanwhile: a missing process is an answer (None, "", 0), never an error.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
RUNNING = "RD"
"""States in which a process has work that it may not get done: runnable, or in the kernel."""
STOPPED = "Tt"


class Seen(NamedTuple):
    """One line of /proc: parent, state, processor seconds."""

    parent: int
    state: str
    seconds: float


def look(pid: int) -> Seen | None:
    """What /proc says of a process, None when it is gone (or there is no /proc)."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (OSError, UnicodeDecodeError):
        return None
    # The name in parentheses may hold spaces and parentheses itself, so fields are counted from the last one.
    rest = text.rpartition(")")[2].split()
    return Seen(int(rest[1]), rest[0], (int(rest[11]) + int(rest[12])) / os.sysconf("SC_CLK_TCK"))


def family(root: int) -> dict[int, Seen]:
    """The descendants of a process, without it."""
    try:
        numbers = [int(name) for name in os.listdir(PROC) if name.isdigit()]
    except OSError:
        return {}
    seen = {pid: found for pid in numbers if (found := look(pid)) is not None}
    children: dict[int, list[int]] = {}
    for pid, found in seen.items():
        children.setdefault(found.parent, []).append(pid)
    todo, out = [root], {}
    while todo:
        for pid in children.get(todo.pop(), []):
            out[pid] = seen[pid]
            todo.append(pid)
    return out


def processor_seconds(pid: int) -> float:
    """Processor time of a process so far, all its threads; 0 when it is gone."""
    try:
        # The kernel's clock id of a process's CPU time: nanoseconds, where /proc has hundredths of a second.
        return time.clock_gettime((~pid << 3) | 2)  # Linux: the clock of another process
    except (OSError, OverflowError, AttributeError):
        found = look(pid)
        return found.seconds if found is not None else _by_ps(pid)


def _by_ps(pid: int) -> float:
    """The same from ps, on systems without /proc."""
    if PROC.is_dir():
        return 0.0
    done = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=False)
    parts = done.stdout.strip().replace("-", ":").split(":")
    return float(sum(float(v) * 60**k for k, v in enumerate(reversed(parts)) if v))


def busy_threads(pid: int) -> bool:
    """True when a thread of the process has work to do; without /proc the processor time has to tell."""
    try:
        tasks = os.listdir(PROC / str(pid) / "task")
    except OSError:
        return False
    states = [look_thread(pid, task) for task in tasks]
    return any(s in RUNNING for s in states if s)


def look_thread(pid: int, task: str) -> str:
    """State of one thread, "" when it is gone."""
    try:
        text = (PROC / str(pid) / "task" / task / "stat").read_text()
    except (OSError, UnicodeDecodeError):
        return ""
    return text.rpartition(")")[2].split()[0]


def kill_family(root: int) -> None:
    """End every descendant of a process, also those that are born meanwhile."""
    # A process that forks while it is being killed leaves children, so look again until there are none.
    for _ in range(200):
        alive = [pid for pid, found in family(root).items() if found.state not in "ZX"]
        if not alive:
            return
        for pid in alive:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)
