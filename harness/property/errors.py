"""Why a key, a certificate, a list, a commitment or a proof is refused. Attesters are told none of it (ATT-31)."""


class PropertyError(ValueError):
    """Something of this package is refused; the message says what and why, in one line."""


class Malformed(PropertyError):
    """Octets are no item of the grammar, or a member has another length than its suite fixes."""


class BadKey(PropertyError):
    """An issuer's key is too short, not of special form, or its proof does not verify."""


class BadCertificate(PropertyError):
    """A property certificate does not verify, or a part of it is out of range."""


class BadList(PropertyError):
    """A revocation list is not signed by the issuer, not current, or for another property."""


class Revoked(PropertyError):
    """The property is withdrawn, or the configuration is on the list."""


class BadCommitment(PropertyError):
    """A commitment is not that of the attested platform in this session."""


class BadProof(PropertyError):
    """A proof is out of range or does not verify for this statement."""


class NoCommitter(PropertyError):
    """This trust anchor module cannot commit to a configuration without revealing it."""
