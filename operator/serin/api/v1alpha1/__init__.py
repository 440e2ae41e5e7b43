"""The API group `serin.dev/v1alpha1`, one file per kind, `plan.py` for what both share of a rollout."""
