"""The fork server that runs candidates: standard library only, loaded by a fresh isolated interpreter.

Nothing here may import the rest of `sandbox`: the server starts without site-packages, and each candidate is
a fork of it, so whatever it holds in memory a candidate can read.
"""
