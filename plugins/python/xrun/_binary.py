"""Where the program lies."""

import os
import shutil
import sys
import sysconfig

__version__ = "0.0.0"  # the program's own, which its maker writes here


def binary() -> str:
    """The path of the program: the one that started this process, else the one that came with this wheel, else the one on PATH.
    Raises FileNotFoundError where there is none."""
    running = os.environ.get("XRUN_BINARY")
    if running:
        if os.path.isfile(running):
            return running
        raise FileNotFoundError(f"XRUN_BINARY names {running}, which is no file: unset it")
    name = "xrun.exe" if sys.platform == "win32" else "xrun"
    folders = [sysconfig.get_path("scripts")]
    folders += [sysconfig.get_path("scripts", s) for s in sysconfig.get_scheme_names() if s.endswith("_user")]
    # Installed with --target or --prefix, programs lie in a folder beside or above the packages.
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders += [os.path.join(here, "bin"), os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(here))), "bin")]
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    found = shutil.which(name)
    if found:
        return os.path.abspath(found)
    raise FileNotFoundError(f"{name} is neither in {', '.join(folders)} nor on PATH: install the wheel again")
