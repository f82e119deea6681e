"""python in_kernel.py NOTEBOOK FOLDER runs a notebook in a kernel whose working directory is the folder, and looks at what it shows;
then it interrupts a sweep in another."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

import support  # noqa: F401  the package, for the kernel

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

notebook, folder = sys.argv[1], sys.argv[2]


def client(cells: nbformat.NotebookNode) -> NotebookClient:
    c = NotebookClient(cells, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}})
    # Of this interpreter, not of whichever has installed a kernel last; on sockets of its own folder, not on ports.
    c.create_kernel_manager()
    c.km.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    c.km.transport, c.km.ip = "ipc", os.path.join(sockets, str(time.monotonic_ns()))
    return c


sockets = tempfile.mkdtemp(prefix="xk-")
atexit.register(shutil.rmtree, sockets, True)
nb = nbformat.read(notebook, 4)
client(nb).execute()
shown = [(o.output_type, o.get("data", {})) for c in nb.cells if c.cell_type == "code" for o in c.outputs]
html = [data["text/html"] for _, data in shown if "text/html" in data]
assert len(html) == 3, f"there are {len(html)} outputs in HTML, want two of progress and a report"
assert "24 of 24 trials" in html[0], html[0]
assert html[1].startswith("<iframe sandbox="), html[1][:100]
assert "nothing to train" in html[2], html[2]
assert any("image/svg+xml" in data for _, data in shown), "no map is shown"
assert not any(o.get("name") == "stderr" for c in nb.cells if c.cell_type == "code" for o in c.outputs), (
    "progress is printed beside its display"
)

slow = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in (
    "import time, xrun\n"
    "def slow(lr, run):\n"
    "    open('begun', 'w').close()\n"
    "    for epoch in range(1000):\n"
    "        run.log({'val_loss': 1.0})\n"
    "        time.sleep(0.2)\n",
    "try:\n"
    "    xrun.sweep(slow, grid={'lr': 1}, store='slow.db')\n"
    "except KeyboardInterrupt:\n"
    "    print([run['status'] for run in xrun.open('slow.db').runs()])\n",
)])  # fmt: skip
kernel = client(slow)


def interrupt() -> None:
    for _ in range(1000):
        if os.path.exists(os.path.join(folder, "begun")):
            os.killpg(kernel.km.provisioner.pid, signal.SIGINT)  # as Jupyter does: the kernel and what is in its group
            return
        time.sleep(0.05)


threading.Thread(target=interrupt, daemon=True).start()
try:
    kernel.execute()
except CellExecutionError as e:
    sys.exit(f"the interrupt ends the cell: {e}")
said = "".join(o.get("text", "") for o in slow.cells[1].outputs)
assert said == "['interrupted']\n", said
