"""The conformance suite: what an implementation must do, and what it must refuse, tested behind a socket.

`case` names a test, `collect` finds them, `suite` is a run of them, `bench` plays and judges one, `plan` is what the
table says about fields.
"""
