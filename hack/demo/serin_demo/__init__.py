"""The demo: a good model promoted, a broken one rejected, and what users noticed of it.

cluster_objects and user_requests read JSON, progress and results judge, frame renders: all of them pure. kubectl is
the only way to the cluster, screen the only one to the terminal, and story tells what happens after what.
"""
