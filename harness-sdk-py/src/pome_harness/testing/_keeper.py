"""Runs a program for as long as the process that asked for it lives.

A test process that is killed cannot stop its twins. This one stands between them: its standard input ends with the test
process, and then it ends the program. It is started as a file, so it imports nothing of this package.
"""

import os
import subprocess
import sys
import threading


def main() -> None:
    """`python _keeper.py PROGRAM ARGUMENT...`: passes the exit code on."""
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_pass_on, args=(program,), daemon=True).start()
    sys.stdin.buffer.read()
    program.terminate()
    try:
        program.wait(timeout=10)
    except subprocess.TimeoutExpired:
        program.kill()
    os._exit(0)


def _pass_on(program: "subprocess.Popen[bytes]") -> None:
    os._exit(program.wait())


if __name__ == "__main__":
    main()
