"""The transport of the EDHOC binding: units on TCP, protected records, frames. Machines of bytes, without sockets."""
