"""Test vectors: generated from one seed, and published ones, each with its source; `README.md` says how to use them."""
