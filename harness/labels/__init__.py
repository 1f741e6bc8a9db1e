"""Signed data outside and inside a session: labels, trees of blocks, processing chains, and who could not deny them."""
