"""Peers that lack a check are caught, by the scenario that the check is about and for that reason."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from mitm_pair import judgement, live_pair, played

from trustconn.harness.verdict.verdict import Verdict

RELAYS = ("relay-service", "relay-nonces-service", "relay-device", "relay-nonces-device")
UNKNOWN = "who does not know of that session"
NOT_ASKED = "reports a clean end, although no application has closed"
CONFIRMED = "was told of data that its peer accepted and that it did not"
FACELESS = "whom it was not told to accept"
LABELS = (
    "label_x5t_is_peer_leaf", "label_sid_is_this_session", "label_signature_verifies", "label_seq_increases",
    "label_subject_is_peer", "env_ak_is_the_attested_one", "env_cnf_is_label_signer", "env_sid_is_this_session",
    "env_epoch_is_attested_one",
)  # fmt: skip
ONCE = "in their order and once"


@dataclass(frozen=True)
class Lack:
    """Checks that both peers lack, the scenarios that then fail with what they say, and one that still passes."""

    off: tuple[str, ...]
    caught: dict[str, str]
    passing: str


CUCKOO = ("cnf_is_peer_identity_key", "ueid_is_peer_device", "ak_names_peer_device")
ONCE_ONLY = ("record_is_in_sequence", "label_seq_increases", "label_cti_is_new")
OFF = [
    Lack(
        ("eat_nonce_is_binder", "signature_2_verifies", "cred_i_is_authorised"),
        dict.fromkeys((*RELAYS, "impostor-device", "dh-both"), UNKNOWN) | {"foreign-service": FACELESS},
        "impostor-service",
    ),
    Lack(
        ("signature_3_verifies", "cred_r_is_intended", *CUCKOO),
        dict.fromkeys(("cuckoo-device", "cuckoo-service", "impostor-service"), UNKNOWN) | {"foreign-device": FACELESS},
        "relay-service",
    ),
    Lack(
        ("truncation_is_reported", "suites_r_allow_a_retry"),
        dict.fromkeys(("fin-DATA_I", "rst-VERDICT_R", "half-RECEIPT_R"), NOT_ASKED)
        | {"inject-message_2-device-error-2": "open with suite 2, where both ends prefer 3"},
        "rewrite-message_1-SUITES_I-weaker",
    ),
    Lack(
        ("record_tag_verifies", "cred_r_is_not_revoked_locally", "waiver_names_the_peer_leaf"),
        dict.fromkeys(("rewrite-VERDICT_R-CLOSE", "rewrite-DATA_I-CLOSE"), NOT_ASKED)
        | {"revoked-device": FACELESS, "waiver-service": "a verdict of 200, although it has no evidence"},
        "revoked-service",
    ),
    Lack(
        (*ONCE_ONLY, "cred_r_path_verifies", "peer_leaf_is_not_revoked", "cred_i_has_device_role"),
        dict.fromkeys(("duplicate-DATA_I", "duplicate-DATA_R"), ONCE)
        | {"swap-DATA_I": CONFIRMED, "forged-device": UNKNOWN, "wrong-role-service": FACELESS},
        "forged-service",
    ),
    Lack(LABELS, {"labels-service": "somebody else has signed", "labels-device": "somebody else"}, "relay-device"),
]


@pytest.mark.parametrize("lack", OFF, ids=lambda lack: "+".join(lack.off[:2]))
def test_a_missing_check_is_caught(tmp_path: Path, lack: Lack) -> None:
    with live_pair(tmp_path, *lack.off) as pair:
        found = played(pair, *lack.caught, lack.passing)
    for name, reason in lack.caught.items():
        assert judgement(found[name]).verdict is Verdict.FAIL, name
        assert reason in judgement(found[name]).reason
    assert judgement(found[lack.passing]).verdict is Verdict.PASS


def test_peers_that_lack_checks_are_caught_over_tls(tmp_path: Path) -> None:
    lacks = ("eat_nonce_is_binder", "cred_i_is_authorised", "truncation_is_reported", *ONCE_ONLY)
    caught = dict.fromkeys(RELAYS, UNKNOWN) | {"foreign-service": FACELESS, "fin-DATA_I": NOT_ASKED}
    with live_pair(tmp_path, *lacks, binding="tls") as pair:
        found = played(pair, *caught, "impostor-service")
    assert judgement(found.pop("impostor-service")).verdict is Verdict.PASS
    for name, item in found.items():
        assert judgement(item).verdict is Verdict.FAIL, name
        assert caught[name] in judgement(item).reason, name
