"""Numbers that the model and the harness spell out are those of the specification."""

from enum import IntEnum
from typing import Any

import pytest

from trustconn import spec
from trustconn.harness.crypto.suites import SUITES
from trustconn.harness.identity.certificate import DEVICE_URN, MAX_CERTIFICATE
from trustconn.harness.identity.path import MAX_PATH
from trustconn.harness.identity.policy import Policy
from trustconn.harness.identity.revocation import CRL, OCSP, SHORT_LIVED
from trustconn.harness.transport import frames as stream
from trustconn.harness.transport import record, units
from trustconn.model.protocol import attestation, frames, labels
from trustconn.model.refusals import ALERT_NAMES

NUMBERS = spec.identifiers()
LIMIT = NUMBERS["limit"]


@pytest.mark.parametrize(
    ("enumeration", "table"),
    [
        (frames.FrameType, {name: code for name, code in NUMBERS["frame"].items() if name != "ignored_from"}),
        (frames.Tier, NUMBERS["tier"]),
        (units.Kind, NUMBERS["unit"]),
    ],
)
def test_enumerations(enumeration: type[IntEnum], table: dict[str, int]) -> None:
    assert {item.name.lower(): int(item) for item in enumeration} == table


def test_codes() -> None:
    assert {name: code for code, name in ALERT_NAMES.items()} == NUMBERS["code"]


@pytest.mark.parametrize(
    ("ours", "number"),
    [
        (attestation.BINDER_LABEL, NUMBERS["edhoc"]["exporter_label"]["binder"]),
        (attestation.SID_LABEL, NUMBERS["edhoc"]["exporter_label"]["sid"]),
        (attestation.EAT_PROFILE, NUMBERS["profile"]),
        (attestation.EAT_FORMAT, NUMBERS["content_format"]["eat_cwt"]),
        (labels.LABEL_TYPE, NUMBERS["media_type"]["label"]),
        (labels.ENV_TYPE, NUMBERS["media_type"]["environment"]),
        (labels.LABEL_MAP, NUMBERS["cose"]["label_map"]),
        (frames.FLAG_REQUIRES_EVIDENCE, NUMBERS["hello"]["flag"]["attest"]),
        (frames.FLAG_WAIVER, NUMBERS["hello"]["flag"]["waiver"]),
        (frames.FLAG_ANONYMOUS, NUMBERS["hello"]["flag"]["anonymous"]),
        (frames.FLAG_TRUSTED_INTERFACE, NUMBERS["hello"]["flag"]["trusted_ui"]),
        (DEVICE_URN, NUMBERS["urn"]["device"]),
        (OCSP, NUMBERS["revocation_proof"]["ocsp"]),
        (CRL, NUMBERS["revocation_proof"]["crl"]),
        (SHORT_LIVED, LIMIT["short_lived_seconds"]),
        (MAX_CERTIFICATE, LIMIT["certificate"]),
        (MAX_PATH, LIMIT["path_length"]),
        (stream.LIMIT_BEFORE_OPEN, LIMIT["frame_before_open"]),
        (stream.LIMIT_AFTER_OPEN, LIMIT["frame_after_open"]),
        (record.PLAINTEXT_LIMIT, LIMIT["record_plaintext"]),
        (record.RECORD_LIMIT, LIMIT["record_limit"]),
        (Policy().record_limit, LIMIT["record_limit"]),
        (Policy().handshake_timeout, LIMIT["handshake_seconds"]),
        (Policy().verdict_timeout, LIMIT["verdict_seconds"]),
        (Policy().expired_timeout, LIMIT["expired_seconds"]),
        (Policy().clock_tolerance, LIMIT["clock_tolerance_seconds"]),
    ],
)
def test_constants(ours: Any, number: Any) -> None:
    assert ours == number


def test_suites_of_the_profile_are_built() -> None:
    assert {*NUMBERS["edhoc"]["suites_must"], *NUMBERS["edhoc"]["suites_should"]} <= set(SUITES)
    assert SUITES[3].mac_length == 16 and SUITES[2].mac_length == 8
