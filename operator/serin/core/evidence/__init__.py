"""The verdict's mathematics: counters of pods go in, evidence and a judgement come out. Only `math`, no numpy.

In reading order: `counts` (what one interval saw), `counters` (raw counters -> intervals), `base_rate` and `likelihood`
(one interval -> e-value), `late_starts` (intervals -> evidence of harm), `verdict` (evidence -> judgement), `outlook`
(how long still), `sentences` (judgement -> words). A new kind of metric is a new file here. Nothing here knows of
Rollouts, pods' objects or Prometheus. The formulas are explained in docs/verdict.md.
"""
