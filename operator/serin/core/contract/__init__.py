"""What callers rely on in a model's answers, and whether a new version still gives it. Pure, no library of the network.

`signature.py` compares what two versions say of themselves; `golden_requests.py` compares real answers with expected
ones. Both end in breaches, sentences that name the place, what was expected and what came.
"""
