"""What the tests share: the package on sys.path, for this process and for those that it starts, and folders."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import textwrap
import types
import unittest

PACKAGE = str(pathlib.Path(__file__).resolve().parent.parent)
sys.path.insert(0, PACKAGE)
os.environ["PYTHONPATH"] = PACKAGE + os.pathsep + os.environ.get("PYTHONPATH", "")
for name in ("XRUN_STORE", "XRUN_PROGRESS", "XRUN_WORKERS"):
    os.environ.pop(name, None)


class Case(unittest.TestCase):
    """A test in an empty folder of its own."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="xrun-test-")).resolve()
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)

    def write(self, name: str, text: str) -> pathlib.Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def script(self, text: str, code: int = 0, name: str = "script.py", folder: pathlib.Path | None = None) -> str:
        """What a script prints on standard output, in a process of its own."""
        path = (folder or self.folder) / name
        path.write_text(textwrap.dedent(text))
        done = subprocess.run(
            [sys.executable, "-B", "-W", "error", str(path)], cwd=path.parent, capture_output=True, text=True, timeout=300
        )
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        self.said = done.stderr
        return done.stdout

    def cell(self, text: str) -> types.ModuleType:
        """The module __main__ of a notebook that has run a cell; the test's own is back at its end."""
        main = types.ModuleType("__main__")
        main.__dict__["__file__"] = __file__
        self.addCleanup(sys.modules.__setitem__, "__main__", sys.modules["__main__"])
        sys.modules["__main__"] = main
        exec(compile(textwrap.dedent(text), "<cell>", "exec", dont_inherit=True), main.__dict__)
        return main
