"""What should happen. Pure: no I/O, no clock, no chance, no kopf, no Kubernetes client.

`facts.py` goes in, `plan.py` comes out; `runtime` gathers the one and carries out the other. `now` is a fact.
"""
