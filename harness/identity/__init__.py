"""Who a peer is and what it trusts: test PKI, trust anchor module, credentials, policy, and predicates over them."""
