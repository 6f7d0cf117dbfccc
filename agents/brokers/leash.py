"""Become the given command, but die with the process that asked for it, even when that is killed with -9.

Run as a script, `leash.py PARENT_PID COMMAND ...`: what the kernel is asked here stays in force across exec, and code
between fork and exec of a process with threads (`preexec_fn`) could deadlock. On systems other than Linux the command
just runs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was asked
            sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
