"""What users write and read: the two kinds as pydantic models, their conditions, the CRD generator.

Nothing here decides, reads a clock or talks to a cluster.
"""
