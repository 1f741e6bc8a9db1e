"""Benchmarks that anyone can run; no test depends on their figures."""
