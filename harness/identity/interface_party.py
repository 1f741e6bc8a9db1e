"""The trusted user interface of a party of a test."""

from dataclasses import replace

from .interface import TrustedInterface
from .pki import issue_leaf
from .tester import TesterPki


def make_interface(pki: TesterPki, role: str = "device") -> TrustedInterface:
    """The interface of the party of a role: its certificate has the names of the device, and a key of its own."""
    spec = replace(pki.leaf_spec(role, f"{role} interface"), uris=pki.names(role, role))
    return TrustedInterface(issue_leaf(spec, pki.branch(role).issuing))
