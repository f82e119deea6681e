"""The examples in docstrings do what they show."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import os
import pkgutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import xrun


class Documentation(unittest.TestCase):
    def test_examples(self) -> None:
        ran = 0
        here = os.getcwd()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                for module in pkgutil.iter_modules(xrun.__path__):
                    if module.name in ("__main__", "integrations"):
                        continue
                    if module.name.startswith("_mlflow") and importlib.util.find_spec("mlflow") is None:
                        print(f"skipped: xrun.{module.name}: mlflow is not installed")
                        continue
                    result = doctest.testmod(importlib.import_module("xrun." + module.name))
                    self.assertEqual(result.failed, 0, module.name)
                    ran += result.attempted
            finally:
                os.chdir(here)
        self.assertGreater(ran, 5)


if __name__ == "__main__":
    unittest.main()
