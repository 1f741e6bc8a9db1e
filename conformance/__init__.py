"""The conformance suite: what an implementation must do, and what it must refuse, tested behind a socket.

`case` names a test, `bench` plays and judges it, `plugin` lets pytest run it, `plan` is what the table says about
fields.
"""
