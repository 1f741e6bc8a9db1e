"""The roles that the verifier analyses, extracted from the transition table."""
