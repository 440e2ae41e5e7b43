"""The commands of `kubectl serin`: read files, ask the core, print.

One file per concern: `main` registers the commands, `judge` is one of them; `counts_file` and `plan_file` read input,
`replay` asks the verdict's mathematics row by row, `report` and `plot` render. No statistics here: what a number means
is decided in core/evidence, or the command could say something else than the operator.
"""
