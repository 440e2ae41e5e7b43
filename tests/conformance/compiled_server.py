"""The server as it is shipped, its hot path compiled, in the place of its sources: for this process and all it starts.

Imported before anything of the server. Where a run has loaded the sources already, because it has tests of other rungs
too, only the processes that it starts are the compiled server.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOLDER = subprocess.run(
    Path(__file__).parents[2] / "hack/compile-server", stdout=subprocess.PIPE, text=True, check=True
).stdout.strip()

sys.path.insert(0, FOLDER)
os.environ["PYTHONPATH"] = FOLDER
