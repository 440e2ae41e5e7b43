"""Sends copies of users' requests to two versions of a model and counts how often their answers agree.

Nobody waits for it: a copy that it has no room for is dropped and counted.
"""
