"""What the environment says about a run."""

import os

QUIET_SECONDS = float(os.environ.get("SERIN_QUIET_SECONDS", "30"))
"""So long do the tools reconcile again and again what is as it should be, and nobody may write anything."""
