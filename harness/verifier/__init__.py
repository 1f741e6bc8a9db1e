"""A reference verifier (RATS, RFC 9334): it appraises evidence for relying parties, in a process of its own."""
