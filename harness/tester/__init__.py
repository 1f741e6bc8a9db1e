"""The tester: the opposite party, played by the same table, that deviates in one thing and watches what follows."""
