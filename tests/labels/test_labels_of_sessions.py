"""What a session leaves: data whose label is verified when the session is long over (LBL-23)."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from trustconn.conformance.labelling import Recording
from trustconn.harness.codec import cbor
from trustconn.harness.labels.errors import LabelError
from trustconn.harness.labels.stored import Stored, read
from trustconn.harness.labels.trust import Trust
from trustconn.harness.labels.verify import verify
from trustconn.harness.tester.local import LocalIut

CONTENT = b"21.5 degrees"


def sent() -> tuple[Stored, Trust]:
    """What a device has sent in a session, as a service keeps it, and what the service trusts."""
    recording = Recording()
    with closing(LocalIut("service")) as iut:
        conversation = iut.converse(recording)
        assert conversation.until_open()
        conversation.peer.send_data(CONTENT, "text/plain")
        conversation.flush()
        conversation.finish()
        conversation.close()
        (frame,) = recording.data
        body = cbor.split_map(cbor.split_array(frame)[1])
        (environment,) = cbor.split_array(body[cbor.encode(4)])
        assert iut.latest is not None
        return Stored(body[cbor.encode(2)], environments=(environment,)), Trust.of(iut.latest.world)


def test_a_label_of_a_session_is_verified_after_it() -> None:
    stored, trust = sent()
    (found,) = verify(read(stored.encode()), trust)
    assert found.label.sid is not None
    assert found.environment is not None
    assert found.signer == found.label.subject


def test_without_its_environment_it_is_refused() -> None:
    stored, trust = sent()
    with pytest.raises(LabelError, match="is missing"):
        verify(replace(stored, environments=()), trust)


def test_whoever_does_not_hold_the_signer_s_certificate_cannot_verify_it() -> None:
    """A label in DATA leaves the certificate to the session; who keeps it keeps the certificate too."""
    stored, trust = sent()
    trust.held = {}
    with pytest.raises(LabelError, match="not at hand"):
        verify(stored, trust)
