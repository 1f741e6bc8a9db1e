"""The tester's channel that can misbehave over TLS. Its library is loaded when the first one is made, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..peer.endpoint import Endpoint

if TYPE_CHECKING:
    from .tls_tester import MisbehavingTls


def misbehaving_tls(endpoint: Endpoint, **options: Any) -> MisbehavingTls:
    """A new one; `options` are those of `MisbehavingTls`."""
    from .tls_tester import MisbehavingTls

    return MisbehavingTls(endpoint, **options)
