"""The protocol: rows and the templates they send and receive. `tables` puts them together."""
