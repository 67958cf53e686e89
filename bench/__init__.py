"""Measurements of Threadmate beside simpler ways of doing the same: `python -m bench` runs them all.

A bench is a module of this package with a `main`; it prints its tables and writes them to
`bench/results/<name>.md`. What benches share stands in `support`, the simple bots in `baselines`.
"""
