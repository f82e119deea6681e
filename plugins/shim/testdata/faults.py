"""An optimizer that does at its first step what its setting says."""

import ctypes
import multiprocessing
import os
import signal
import sys
import time

from xrun_plugin import SettingError, choice, integer, optimizer, serve, text

print("a banner before anything else")
sys.stdout.write("x" * (1 << 20))
sys.stderr.write('{"@message": 5}\n')


def double(n):
    return 2 * n


@optimizer(
    "faults",
    settings=[
        choice(
            "what",
            ["nothing", "raise", "print", "fork", "fall", "pool", "exit", "segfault", "kill", "hang", "refuse", "fail", "interrupt", "stop", "return"],
        ),
        integer("limit", default=3, low=1, high=5),
        text("file", doc="is told the numbers of the processes before it hangs"),
    ],
)
class Faults:
    def __init__(self, theta, what, limit, file):
        self.file = file
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
        if self.what == "fall" and os.fork() == 0:
            return
        if self.what == "pool":
            for method in ("fork", "spawn"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    if pool.map(double, [1, 2, 3]) != [2, 4, 6]:
                        raise ArithmeticError(method)
        if self.what == "exit":
            sys.exit(9)
        if self.what == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        if self.what == "stop":
            raise KeyboardInterrupt
        if self.what == "return":
            return theta + 1
        if self.file:
            with open(self.file + ".new", "w") as f:
                f.write("%d %d" % (os.getppid(), os.getpid()))
            os.rename(self.file + ".new", self.file)
        if self.what == "segfault":
            ctypes.string_at(0)
        if self.what == "kill":
            print("about to die")
            os.kill(os.getpid(), signal.SIGKILL)
        if self.what == "hang":
            time.sleep(3600)
        theta += 1


serve()
