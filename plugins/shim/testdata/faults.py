"""An optimizer that does at its first step what its setting says."""

import ctypes
import os
import signal
import sys
import time

from xrun_plugin import SettingError, choice, integer, optimizer, serve

print("a banner before anything else")
sys.stdout.write("x" * (1 << 20))
sys.stderr.write('{"@message": 5}\n')


@optimizer(
    "faults",
    settings=[
        choice("what", ["nothing", "raise", "print", "fork", "exit", "segfault", "kill", "hang", "refuse", "fail"]),
        integer("limit", default=3, low=1, high=5),
    ],
)
class Faults:
    def __init__(self, theta, what, limit):
        if what == "refuse":
            raise SettingError("what: it is refused")
        if what == "fail":
            raise KeyError("no such thing")
        self.what = what

    def step(self, theta, grad, lr):
        if self.what == "raise":
            raise RuntimeError("out of luck")
        if self.what == "print":
            for i in range(1000):
                print("\r%d %%" % (i // 10), end="")
            print("y" * (1 << 20))
        if self.what == "fork" and os.fork() == 0:
            time.sleep(3600)
        if self.what == "exit":
            sys.exit(9)
        if self.what == "segfault":
            ctypes.string_at(0)
        if self.what == "kill":
            print("about to die")
            os.kill(os.getpid(), signal.SIGKILL)
        if self.what == "hang":
            time.sleep(3600)
        theta += 1


serve()
