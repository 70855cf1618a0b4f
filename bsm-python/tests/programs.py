"""Programs that tests run to their end: what ends a process is tried in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

PATIENCE = 60


# Complains of what is left open, and of coroutines that nobody awaited; forks with threads are meant here.
DEVELOPMENT = ("-X", "dev", "-W", "ignore::DeprecationWarning")


def run(script: str, *arguments: str, options: tuple[str, ...] = DEVELOPMENT) -> subprocess.CompletedProcess[str]:
    """Runs a script to its end."""
    command = [sys.executable, *options, "-c", textwrap.dedent(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def ends_clean(script: str, *arguments: str, options: tuple[str, ...] = DEVELOPMENT) -> str:
    """Runs a script, which must end by itself and say nothing on its standard error; gives what else it said."""
    done = run(script, *arguments, options=options)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout
