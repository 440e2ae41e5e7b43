"""Places outside the pod that a model comes from, and the download that outlives broken connections."""
