"""Why a peer is refused."""


class Refused(Exception):
    """A named check decided to refuse. `reason` is for the log; it never goes to the peer."""

    def __init__(self, check: str, reason: str) -> None:
        super().__init__(f"{check}: {reason}")
        self.check = check
        self.reason = reason


class CredentialUnavailable(Exception):
    """A credential is named by a hash that this party does not hold: EDHOC error 3 (RFC 9528 section 6.4)."""


class Unanswered(Exception):
    """There is no reply: the verifier cannot be reached, is late, or says something else."""
