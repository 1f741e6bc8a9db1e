"""What Wireshark knows of the protocol: a dissector in Lua, and the table and registers as data for it (`names`)."""
