"""Why a peer is refused."""


class Refused(Exception):
    """A named check decided to refuse. `reason` is for the log; it never goes to the peer."""

    def __init__(self, check: str, reason: str) -> None:
        super().__init__(f"{check}: {reason}")
        self.check = check
        self.reason = reason


class CredentialUnavailable(Exception):
    """A credential is named by a hash that this party does not hold: EDHOC error 3 (RFC 9528 section 6.4)."""


class OwnFault(Exception):
    """This party itself cannot go on (ERR-23)."""


class NoEvidence(OwnFault):
    """It has no evidence of the kind that was chosen."""


class Unanswered(OwnFault):
    """There is no reply: the verifier cannot be reached, is late, or says something else."""
