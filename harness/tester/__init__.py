"""The tester: the opposite party, played by the same table, that deviates in exactly one thing and watches what follows."""
