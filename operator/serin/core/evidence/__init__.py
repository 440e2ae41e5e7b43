"""The verdict's mathematics: counters of pods go in, evidence and a judgement come out. Only `math`, no numpy.

In reading order: `counts` (what one interval saw), `counters` (raw counters -> intervals), `settings`, `base_rate`,
`likelihood` and `pairs` (one interval -> e-value), `dispersion` (stable pods -> how much an e-value is worth),
`history` (their counters before the comparison), `late_starts`, `harm` and `proof` (intervals -> evidence), `verdict`
(evidence -> judgement), `guard` (whether the baseline can be believed), `latency` (which bounds are asked about),
`categories`, `drift` and `drift_measures` (predictions by class -> evidence), `agreement` (mirrored requests -> pass or
fail), `combination` (several metrics -> one verdict), `outlook` (how long still), `sentences` (judgement -> words).
Nothing here knows of Rollouts, pods' objects or Prometheus. The formulas are explained in docs/verdict.md.
"""
