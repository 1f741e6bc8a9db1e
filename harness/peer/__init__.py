"""The reference device and service: one connection without I/O, and the process that runs it on sockets."""
