"""trustconn: specification, model and conformance suite for trusted connections (ISO/IEC 27071)."""
