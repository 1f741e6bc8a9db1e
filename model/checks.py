"""The register of checks: every decision to refuse, by name.

A check is data. Its name is a switch: the verifier proves what breaks without it, a reference peer can be started with
it off, and a conformance test shows that an implementation has it. What a check compares stands in the row of the
table that lists it (`model/protocol`) or, for `beside_table` checks, in the harness function that carries its name:
framing, record counters and timers are not protocol steps. The rule itself is the requirement's sentence in `spec/`.
"""

from collections.abc import Iterable

from .check import AVAILABILITY, BINDING_OF, ENCODING, SYMBOLIC, Check, CheckClass, declare
from .evidence_checks import EVIDENCE_CHECKS
from .refusals import SILENT, Code, alert, edhoc_error, receipt, tls_alert

__all__ = ["BINDING_OF", "CHECKS", "Check", "CheckClass"]

_EDHOC = (
    *declare(
        SYMBOLIC,
        edhoc_error(1),
        ("method_is_profile", "EDH-02"),
        ("g_x_is_valid", "EDH-06"),
        ("g_y_is_valid", "EDH-07"),
        ("signature_2_verifies", "EDH-08"),
        ("message_3_tag_verifies", "EDH-09"),
        ("signature_3_verifies", "EDH-10"),
        ("message_4_tag_verifies", "EDH-11"),
        ("cred_r_path_verifies", "IDN-10"),
        ("cred_r_has_service_role", "IDN-13"),
        ("cred_r_is_intended", "IDN-15"),
        ("cred_r_is_not_mine", "IDN-17"),
        ("cred_r_is_not_revoked_locally", "REV-02"),
        ("cred_i_path_verifies", "IDN-10"),
        ("cred_i_has_device_role", "IDN-14"),
        ("cred_i_is_authorised", "IDN-16"),
        ("cred_i_is_not_mine", "IDN-17"),
        ("cred_i_is_not_revoked_locally", "REV-02"),
    ),
    *declare(SYMBOLIC, edhoc_error(2), ("suite_is_most_preferred", "EDH-04")),
    *declare(SYMBOLIC, SILENT, ("suites_r_allow_a_retry", "EDH-05"), beside_table=True),
    *declare(
        ENCODING,
        edhoc_error(1),
        ("ead_1_has_no_unknown_critical", "EDH-12"),
        ("ead_2_has_no_unknown_critical", "EDH-12"),
        ("ead_3_has_no_unknown_critical", "EDH-12"),
        ("ead_4_has_no_unknown_critical", "EDH-12"),
        ("id_cred_r_is_a_certificate", "IDN-09"),
        ("id_cred_i_is_a_certificate", "IDN-09"),
        ("cred_r_is_in_validity", "IDN-11"),
        ("cred_i_is_in_validity", "IDN-11"),
        ("cred_r_key_usage_is_signature", "IDN-12"),
        ("cred_i_key_usage_is_signature", "IDN-12"),
        ("cred_r_is_no_attestation_certificate", "IDN-18"),
        ("cred_i_is_no_attestation_certificate", "IDN-18"),
        *(
            (f"cred_{side}_{rest}", requirement)
            for rest, requirement in (
                ("validity_is_nested", "VRT-04"),
                ("root_may_be_virtual", "VRT-06"),
                ("generation_is_not_older", "VRT-07"),
                ("key_is_of_one_identity", "IDN-25"),
                ("pseudonym_is_short_lived", "ANO-10"),
            )
            for side in "ri"
        ),
    ),
    *declare(
        SYMBOLIC,
        edhoc_error(1),
        *(
            (f"cred_{side}_{rest}", requirement)
            for rest, requirement in (
                ("virtual_root_is_well_formed", "VRT-03"),
                ("virtual_root_is_endorsed", "VRT-01"),
                ("endorser_key_is_for_that_alone", "VRT-02"),
                ("physical_root_is_not_revoked", "VRT-05"),
            )
            for side in "ri"
        ),
    ),
)
"""Rows of model/protocol/edhoc.py."""

_TLS = (
    *declare(
        SYMBOLIC,
        tls_alert(51),
        ("certificate_verify_r_verifies", "TLS-19"),
        ("certificate_verify_i_verifies", "TLS-19"),
        ("finished_r_verifies", "TLS-19"),
        ("finished_i_verifies", "TLS-19"),
    ),
    *declare(SYMBOLIC, tls_alert(116), ("certificate_i_is_present", "TLS-03")),
    *declare(SYMBOLIC, tls_alert(20), ("flight_r_is_protected", "TLS-20"), ("flight_i_is_protected", "TLS-20")),
    *declare(SYMBOLIC, tls_alert(47), ("key_share_r_is_valid", "TLS-19"), ("key_share_i_is_valid", "TLS-19")),
    *declare(ENCODING, tls_alert(70), ("version_i_is_tls_1_3", "TLS-01"), ("version_r_is_tls_1_3", "TLS-01")),
    *declare(ENCODING, tls_alert(40), ("parameters_i_overlap", "TLS-02"), ("certificate_is_requested", "TLS-04")),
    *declare(ENCODING, tls_alert(47), ("parameters_r_were_offered", "TLS-02")),
    *declare(ENCODING, tls_alert(120), ("alpn_i_is_tc1", "TLS-07"), ("alpn_r_is_tc1", "TLS-07")),
    *declare(ENCODING, tls_alert(10), ("tls_message_is_expected", "TLS-20"), beside_table=True),
    *declare(AVAILABILITY, tls_alert(10), ("key_updates_are_bounded", "TLS-14"), beside_table=True),
)
"""Rows of model/protocol/tls.py."""

_SESSION = (
    *declare(SYMBOLIC, alert(Code.UNEXPECTED_FRAME), ("frame_is_expected", "SES-03"), beside_table=True),
    *declare(ENCODING, alert(Code.VERSION), ("hello_version_is_supported", "SES-05")),
    *declare(ENCODING, alert(Code.ATTESTATION_REQUIRED), ("peer_offers_evidence", "ATT-02")),
    *declare(ENCODING, alert(Code.UNSUPPORTED_EVIDENCE), ("evidence_formats_overlap", "ATT-03")),
    *declare(ENCODING, alert(Code.DECODE_ERROR), ("waiver_comes_with_its_flag", "WVR-01")),
    *declare(SYMBOLIC, alert(Code.REVOKED), ("peer_leaf_is_not_revoked", "REV-03")),
    *declare(
        SYMBOLIC,
        alert(Code.WAIVER_DENIED),
        ("waiver_signature_verifies", "WVR-03"),
        ("waiver_authority_is_pinned", "WVR-04"),
        ("waiver_names_the_peer_leaf", "WVR-05"),
    ),
    *declare(
        ENCODING,
        alert(Code.WAIVER_DENIED),
        ("waiver_header_is_exact", "WVR-02"),
        ("waiver_level_suffices", "WVR-06"),
        ("waiver_is_in_force", "WVR-07"),
        ("waiver_key_is_not_exportable", "WVR-08"),
        ("waiver_is_not_revoked", "WVR-09"),
    ),
    *declare(ENCODING, alert(Code.UNEXPECTED_FRAME), ("verdict_tier_fits_direction", "SES-09")),
    *declare(SYMBOLIC, alert(Code.STALE), ("verdict_epoch_is_current", "SES-10")),
    *declare(ENCODING, alert(Code.DECODE_ERROR), ("verdict_valid_for_is_positive", "SES-11")),
    *declare(
        SYMBOLIC,
        alert(Code.STALE),
        ("att_req_epoch_is_next", "SES-14"),
        ("att_epoch_is_requested", "ATT-05"),
    ),
    *declare(
        ENCODING, alert(Code.UNEXPECTED_FRAME), ("receipt_counts_my_data", "SES-17"), ("pong_echoes_my_ping", "SES-18")
    ),
    *declare(ENCODING, alert(Code.DECODE_ERROR), ("data_is_plain_or_labelled", "LBL-35")),
    *declare(ENCODING, receipt(Code.LABEL_REQUIRED), ("data_carries_a_label", "LBL-02")),
    *declare(AVAILABILITY, receipt(Code.STALE), ("verdicts_are_still_valid", "SES-15"), beside_table=True),
)
"""Rows of model/protocol/session.py."""

_LABELS = (
    *declare(
        SYMBOLIC,
        receipt(Code.LABEL_INVALID),
        ("label_signature_verifies", "LBL-05"),
        ("label_x5t_is_peer_leaf", "LBL-06"),
        ("label_sid_is_this_session", "LBL-08"),
        ("label_seq_increases", "LBL-09"),
        ("label_digest_is_content", "LBL-10"),
        ("env_is_referred_to", "LBL-14"),
        ("env_signature_verifies", "LBL-15"),
        ("env_ak_is_the_attested_one", "LBL-16"),
        ("env_cnf_is_label_signer", "LBL-17"),
        ("env_sid_is_this_session", "LBL-18"),
        ("env_epoch_is_attested_one", "LBL-19"),
    ),
    *declare(
        ENCODING,
        receipt(Code.LABEL_INVALID),
        ("label_header_is_exact", "LBL-04"),
        ("env_header_is_exact", "LBL-22"),
        ("label_subject_is_peer", "LBL-07"),
        ("label_cti_is_new", "LBL-11"),
        ("label_is_recent", "LBL-12"),
        ("label_names_its_environment", "LBL-13"),
        ("env_bootcount_is_attested_one", "LBL-20"),
        ("env_measurements_match_reference_values", "LBL-36"),
        ("env_is_not_older", "LBL-21"),
    ),
    *declare(
        ENCODING,
        receipt(Code.LABEL_INVALID),
        ("label_blocks_are_well_formed", "CHN-15"),
        ("label_blocks_fit_content", "CHN-04"),
    ),
    *declare(
        ENCODING,
        receipt(Code.CHAIN_BROKEN),
        ("label_action_is_complete", "CHN-06"),
        ("label_action_is_known", "CHN-07"),
        ("label_action_fits_inputs", "CHN-11"),
        ("chain_labels_are_well_formed", "CHN-08"),
    ),
    *declare(
        SYMBOLIC,
        receipt(Code.CHAIN_BROKEN),
        ("forwarded_data_is_unchanged", "CHN-13"),
        ("chain_labels_are_there", "CHN-08"),
        ("chain_names_its_data", "CHN-08"),
        ("chain_signatures_verify", "CHN-08"),
        ("chain_subjects_are_signers", "CHN-08"),
        ("chain_signers_have_a_path", "CHN-08"),
        ("chain_signers_are_not_revoked", "CHN-09"),
    ),
    *declare(AVAILABILITY, receipt(Code.CHAIN_BROKEN), ("chain_is_bounded", "CHN-10")),
    *declare(
        SYMBOLIC,
        receipt(Code.CHAIN_BROKEN),
        ("confirmation_is_by_the_interface", "TUI-05"),
        ("confirmation_names_the_transaction", "TUI-07"),
        ("confirmation_is_new", "TUI-07"),
    ),
)
"""Rows of model/protocol/labels.py."""

_HARNESS = (
    *declare(
        AVAILABILITY,
        SILENT,
        ("unit_length_is_bounded", "EDH-16"),
        ("handshake_ends_in_time", "SES-20"),
        ("record_limit_holds", "EDH-24"),
        beside_table=True,
    ),
    *declare(
        ENCODING,
        SILENT,
        ("unit_kind_is_known", "EDH-15"),
        ("edhoc_after_completion_is_discarded", "EDH-18"),
        beside_table=True,
    ),
    *declare(ENCODING, edhoc_error(1), ("edhoc_message_is_deterministic", "EDH-13"), beside_table=True),
    *declare(
        SYMBOLIC, SILENT, ("record_tag_verifies", "EDH-21"), ("record_is_in_sequence", "EDH-22"), beside_table=True
    ),
    *declare(AVAILABILITY, SILENT, ("record_length_is_bounded", "EDH-23"), beside_table=True),
    *declare(
        AVAILABILITY,
        alert(Code.LIMITS),
        ("frame_length_is_bounded", "ERR-03"),
        ("frame_depth_is_bounded", "ERR-04"),
        beside_table=True,
    ),
    *declare(
        ENCODING,
        alert(Code.DECODE_ERROR),
        ("frame_is_deterministic", "ERR-05"),
        ("frame_has_no_duplicate_keys", "ERR-06"),
        ("frame_has_no_trailing_bytes", "ERR-07"),
        ("frame_matches_its_grammar", "ERR-08"),
        beside_table=True,
    ),
    *declare(ENCODING, alert(Code.UNEXPECTED_FRAME), ("frame_type_is_known", "ERR-09"), beside_table=True),
    *declare(
        AVAILABILITY,
        alert(Code.STALE),
        ("verdict_comes_in_time", "SES-21"),
        ("expired_session_ends", "SES-16"),
        beside_table=True,
    ),
    *declare(
        CheckClass.EVIDENCE_ONLY,
        SILENT,
        ("truncation_is_reported", "SES-19"),
        beside_table=True,
    ),
)
"""Beside the table: units, records, frames, timers (harness)."""


def _register(checks: Iterable[Check]) -> dict[str, Check]:
    by_name: dict[str, Check] = {}
    for check in checks:
        if by_name.setdefault(check.name, check) is not check:
            raise ValueError(f"check {check.name} is declared twice")
    return by_name


CHECKS = _register((*_EDHOC, *_TLS, *_SESSION, *EVIDENCE_CHECKS, *_LABELS, *_HARNESS))
"""All checks by name."""
