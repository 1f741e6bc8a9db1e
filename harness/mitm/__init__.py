"""The tester between two live implementations: it passes on, alters and relays, and judges by what both report."""
