"""Published protocols in our own words, with their published verdicts: what the verifier is measured against."""
