"""Registers in TOML: attributes of requirements, ISO/IEC 27071, threats, refusals. Read through `spec.reader`."""
