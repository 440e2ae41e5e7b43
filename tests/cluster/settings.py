"""What the environment says about a run."""

import os
import secrets

KILLED_ROLLOUTS = int(os.environ.get("SERIN_KILLS", "4"))
"""In how many rollouts the operator is killed; good and broken versions take turns."""

SEED = os.environ.get("SERIN_SEED") or secrets.token_hex(4)
"""Of the moments at which it is killed."""
