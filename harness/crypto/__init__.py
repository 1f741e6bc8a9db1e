"""The cryptography of the EDHOC cipher suites, each algorithm with the weak twin that its check needs switched off."""
