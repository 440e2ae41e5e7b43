"""The verdict's mathematics: counters of pods go in, evidence and a judgement come out. Only `math`, no numpy.

In reading order: `counts` (what one interval saw), `counters` (raw counters -> intervals), `settings`, `base_rate`,
`likelihood` and `pairs` (one interval -> e-value), `dispersion` (stable pods -> how much an e-value is worth),
`late_starts`, `harm` and `proof` (intervals -> evidence), `verdict` (evidence -> judgement), `outlook` (how long
still), `sentences` (judgement -> words). A new kind of metric is a new file here. Nothing here knows of Rollouts,
pods' objects or Prometheus. The formulas are explained in docs/verdict.md.
"""
