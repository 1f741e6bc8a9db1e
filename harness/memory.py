"""Memory of a process that has loaded all it needs and then makes and drops small objects by the thousand."""

import gc


def settle_memory() -> None:
    """What is loaded stays: the collector need not look at it again, nor after every few hundred terms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
