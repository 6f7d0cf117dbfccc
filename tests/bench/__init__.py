"""Benchmarks: run by hand, each prints lines of JSON. Figures compare within one run alone."""
