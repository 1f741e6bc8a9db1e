"""The register of checks: every decision to refuse, by name.

A check is data. Its name is a switch: the verifier proves what breaks without it, a reference peer can be started with
it off, and a conformance test shows that an implementation has it. What a check compares stands in the row of the
table that lists it (`model/protocol`) or, for `beside_table` checks, in the harness function that carries its name:
framing, record counters and timers are not protocol steps. The rule itself is the requirement's sentence in `spec/`.
"""

from dataclasses import dataclass
from enum import Enum

from .refusals import SILENT, Code, Refusal, VerifierError, alert, edhoc_error, receipt, tls_alert, verifier_error


class CheckClass(Enum):
    """What can show that a check matters."""

    SYMBOLIC = "symbolic"
    """Carries a security claim: without it, alone or in a smallest set, the verifier finds an attack."""
    ENCODING = "encoding"
    """Decides about a field or a form that the algebra does not see; a wire test decides."""
    AVAILABILITY = "availability"
    """Bounds size, depth, time or count."""
    EVIDENCE_ONLY = "evidence-only"
    """No wire test can decide it: an ICS statement or a laboratory check does."""


BINDING_OF = {"EDH": "edhoc", "TLS": "tls"}
"""The chapter of a requirement to the binding that it is about."""


@dataclass(frozen=True, slots=True)
class Check:
    """A named decision to refuse: the requirement it enforces, how it refuses, and what can show that it matters."""

    name: str
    requirement: str
    refusal: Refusal
    cls: CheckClass
    beside_table: bool = False
    form: str = ""
    """The form of evidence, as conformance statements name it, that it is made of alone, so in tables of that alone."""

    @property
    def binding(self) -> str:
        """The binding whose handshake or protection makes the check; empty for what holds over both."""
        return BINDING_OF.get(self.requirement[:3], "")


CHECKS: dict[str, Check] = {}
"""All checks by name."""


def _declare(
    cls: CheckClass, refusal: Refusal, *rows: tuple[str, str], beside_table: bool = False, form: str = ""
) -> None:
    for name, requirement in rows:
        if name in CHECKS:
            raise ValueError(f"check {name} is declared twice")
        CHECKS[name] = Check(name, requirement, refusal, cls, beside_table, form)


_SYMBOLIC, _ENCODING, _AVAILABILITY = CheckClass.SYMBOLIC, CheckClass.ENCODING, CheckClass.AVAILABILITY

# --- EDHOC (rows of model/protocol/edhoc.py) -------------------------------------------------------------------------
_declare(
    _SYMBOLIC,
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
)
_declare(_SYMBOLIC, edhoc_error(2), ("suite_is_most_preferred", "EDH-04"))
_declare(_SYMBOLIC, SILENT, ("suites_r_allow_a_retry", "EDH-05"), beside_table=True)
_declare(
    _ENCODING,
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
)
_declare(
    _SYMBOLIC,
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
)

# --- TLS (rows of model/protocol/tls.py) -----------------------------------------------------------------------------
_declare(
    _SYMBOLIC,
    tls_alert(51),
    ("certificate_verify_r_verifies", "TLS-19"),
    ("certificate_verify_i_verifies", "TLS-19"),
    ("finished_r_verifies", "TLS-19"),
    ("finished_i_verifies", "TLS-19"),
)
_declare(_SYMBOLIC, tls_alert(116), ("certificate_i_is_present", "TLS-03"))
_declare(_SYMBOLIC, tls_alert(20), ("flight_r_is_protected", "TLS-20"), ("flight_i_is_protected", "TLS-20"))
_declare(_SYMBOLIC, tls_alert(47), ("key_share_r_is_valid", "TLS-19"), ("key_share_i_is_valid", "TLS-19"))
_declare(_ENCODING, tls_alert(70), ("version_i_is_tls_1_3", "TLS-01"), ("version_r_is_tls_1_3", "TLS-01"))
_declare(_ENCODING, tls_alert(40), ("parameters_i_overlap", "TLS-02"), ("certificate_is_requested", "TLS-04"))
_declare(_ENCODING, tls_alert(47), ("parameters_r_were_offered", "TLS-02"))
_declare(_ENCODING, tls_alert(120), ("alpn_i_is_tc1", "TLS-07"), ("alpn_r_is_tc1", "TLS-07"))
_declare(_ENCODING, tls_alert(10), ("tls_message_is_expected", "TLS-20"), beside_table=True)
_declare(_AVAILABILITY, tls_alert(10), ("key_updates_are_bounded", "TLS-14"), beside_table=True)

# --- Session (rows of model/protocol/session.py) ---------------------------------------------------------------------
_declare(_SYMBOLIC, alert(Code.UNEXPECTED_FRAME), ("frame_is_expected", "SES-03"), beside_table=True)
_declare(_ENCODING, alert(Code.VERSION), ("hello_version_is_supported", "SES-05"))
_declare(_ENCODING, alert(Code.ATTESTATION_REQUIRED), ("peer_offers_evidence", "ATT-02"))
_declare(_ENCODING, alert(Code.UNSUPPORTED_EVIDENCE), ("evidence_formats_overlap", "ATT-03"))
_declare(_ENCODING, alert(Code.DECODE_ERROR), ("waiver_comes_with_its_flag", "WVR-01"))
_declare(_SYMBOLIC, alert(Code.REVOKED), ("peer_leaf_is_not_revoked", "REV-03"))
_declare(
    _SYMBOLIC,
    alert(Code.WAIVER_DENIED),
    ("waiver_signature_verifies", "WVR-03"),
    ("waiver_authority_is_pinned", "WVR-04"),
    ("waiver_names_the_peer_leaf", "WVR-05"),
)
_declare(
    _ENCODING,
    alert(Code.WAIVER_DENIED),
    ("waiver_header_is_exact", "WVR-02"),
    ("waiver_level_suffices", "WVR-06"),
    ("waiver_is_in_force", "WVR-07"),
    ("waiver_key_is_not_exportable", "WVR-08"),
    ("waiver_is_not_revoked", "WVR-09"),
)
_declare(_ENCODING, alert(Code.UNEXPECTED_FRAME), ("verdict_tier_fits_direction", "SES-09"))
_declare(_SYMBOLIC, alert(Code.STALE), ("verdict_epoch_is_current", "SES-10"))
_declare(_ENCODING, alert(Code.DECODE_ERROR), ("verdict_valid_for_is_positive", "SES-11"))
_declare(
    _SYMBOLIC,
    alert(Code.STALE),
    ("att_req_epoch_is_next", "SES-14"),
    ("att_epoch_is_requested", "ATT-05"),
)
_declare(
    _ENCODING, alert(Code.UNEXPECTED_FRAME), ("receipt_counts_my_data", "SES-17"), ("pong_echoes_my_ping", "SES-18")
)
_declare(_ENCODING, receipt(Code.LABEL_REQUIRED), ("data_carries_a_label", "LBL-02"))
_declare(_AVAILABILITY, receipt(Code.STALE), ("verdicts_are_still_valid", "SES-15"), beside_table=True)

# --- Attestation (rows of model/protocol/attestation.py) -------------------------------------------------------------
_declare(
    _ENCODING,
    alert(Code.UNSUPPORTED_EVIDENCE),
    ("cmw_type_was_accepted", "ATT-06"),
    ("cmw_is_marked_evidence", "ATT-07"),
    ("eat_profile_is_this_one", "ATT-10"),
)
_declare(
    _SYMBOLIC,
    alert(Code.ATTESTATION_FAILED),
    ("eat_signature_verifies", "ATT-11"),
    ("ak_path_verifies", "ATT-12"),
    ("ak_is_for_eat", "ATT-13"),
    ("ak_is_not_the_identity_key", "ATT-14"),
    ("measurements_match_reference_values", "ATT-20"),
)
_declare(
    _ENCODING,
    alert(Code.ATTESTATION_FAILED),
    ("eat_header_is_exact", "ATT-08"),
    ("eat_x5t_is_the_ak", "ATT-09"),
    ("ak_is_in_validity", "ATT-15"),
    ("eat_debug_is_disabled", "ATT-21"),
)
_declare(_ENCODING, alert(Code.ATTESTATION_FAILED), ("interface_is_told", "TUI-09"))
_declare(_SYMBOLIC, alert(Code.REVOKED), ("ak_is_not_revoked", "REV-05"))
_declare(_SYMBOLIC, alert(Code.BINDER_MISMATCH), ("eat_nonce_is_binder", "ATT-16"))
_declare(
    _SYMBOLIC,
    alert(Code.IDENTITY_MISMATCH),
    ("cnf_is_peer_identity_key", "ATT-17"),
    ("ueid_is_peer_device", "ATT-18"),
    ("ak_names_peer_device", "ATT-19"),
)
_declare(
    _ENCODING,
    alert(Code.IDENTITY_MISMATCH),
    ("key_attributes_show_custody", "ATT-22"),
    ("boot_seed_is_of_one_instance", "VRT-08"),
    ("ak_is_as_anonymous_as_the_leaf", "ANO-10"),
    ("anonymity_is_the_leafs", "ANO-09"),
)
_declare(_ENCODING, alert(Code.REVOKED), ("peer_leaf_is_still_not_revoked", "REV-09"))
_declare(
    _ENCODING,
    alert(Code.STALE),
    ("eat_is_recent", "ATT-23"),
    ("bootcount_has_not_changed", "ATT-24"),
    ("bootcount_has_not_fallen", "ATT-35"),
)

# --- Results of a verifier (rows of model/protocol/asking.py) --------------------------------------------------------
_declare(
    _SYMBOLIC,
    alert(Code.ATTESTATION_FAILED),
    ("ear_verifier_is_pinned", "VER-05"),
    ("ear_signature_verifies", "VER-05"),
    ("ear_names_the_policy", "VER-05"),
    ("ear_is_affirming", "VER-05"),
)
_declare(
    _ENCODING,
    alert(Code.ATTESTATION_FAILED),
    ("ear_header_is_exact", "VER-05"),
    ("ear_profile_is_this_one", "VER-05"),
    ("ear_names_the_properties", "PBA-03"),
)
_declare(_ENCODING, alert(Code.REVOKED), ("ear_is_not_revoked", "PBA-06"))
_declare(_ENCODING, alert(Code.ATTESTATION_FAILED), ("result_is_given", "VER-05"), beside_table=True)
_declare(_SYMBOLIC, alert(Code.BINDER_MISMATCH), ("ear_nonce_is_binder", "VER-05"))
_declare(
    _SYMBOLIC,
    alert(Code.IDENTITY_MISMATCH),
    ("ear_cnf_is_peer_identity_key", "VER-05"),
    ("ear_ueid_is_peer_device", "VER-05"),
)
_declare(_ENCODING, alert(Code.STALE), ("ear_is_in_force", "VER-05"))

_declare(_ENCODING, alert(Code.UNSUPPORTED_EVIDENCE), ("cmw_is_marked_result", "ATT-07"), form="ear")
_declare(_ENCODING, receipt(Code.LABEL_INVALID), ("env_is_the_accepted_evidence", "LBL-32"), form="ear")

# --- Properties in zero knowledge (rows with model/protocol/proving.py) -----------------------------------------------
_declare(
    _ENCODING,
    alert(Code.ATTESTATION_FAILED),
    ("commitment_header_is_exact", "PBA-12"),
    ("commitment_signature_verifies", "PBA-12"),
    ("proofs_answer_current_lists", "PBA-16"),
    ("property_proofs_verify", "PBA-13"),
    form="pba",
)
_declare(_ENCODING, alert(Code.REVOKED), ("properties_are_not_withdrawn", "PBA-16"), form="pba")

# --- A verifier's own (rows of model/protocol/background.py) ---------------------------------------------------------
_declare(_SYMBOLIC, verifier_error(VerifierError.MALFORMED), ("request_names_the_leaf", "VER-02"))
_declare(_ENCODING, verifier_error(VerifierError.UNKNOWN_POLICY), ("policy_is_known", "VER-03"))
_declare(_ENCODING, verifier_error(VerifierError.REPLAY), ("binder_is_new", "VER-01"))
_declare(_AVAILABILITY, verifier_error(VerifierError.MALFORMED), ("request_is_bounded", "VER-07"), beside_table=True)

# --- Evidence of a TPM (rows with model/protocol/tpm.py) --------------------------------------------------------------
_declare(
    _SYMBOLIC,
    alert(Code.ATTESTATION_FAILED),
    ("tpm_ak_is_for_tpm", "TPM-02"),
    ("tpm_ak_is_the_certified_one", "TPM-02"),
    ("tpm_ak_is_restricted", "TPM-03"),
    ("tpm_quote_signature_verifies", "TPM-04"),
    ("tpm_certification_signature_verifies", "TPM-04"),
    ("tpm_quote_is_generated", "TPM-05"),
    ("tpm_certification_is_generated", "TPM-05"),
    ("tpm_quote_is_a_quote", "TPM-05"),
    ("tpm_certification_is_one", "TPM-05"),
    ("tpm_signers_agree", "TPM-07"),
    ("tpm_reset_counts_agree", "TPM-07"),
    ("tpm_restart_counts_agree", "TPM-07"),
    ("tpm_quote_covers_the_policy", "TPM-08"),
    ("tpm_quoted_digest_is_recomputed", "TPM-08"),
    ("tpm_pcrs_match_reference_values", "TPM-12"),
    form="tpm2",
)
_declare(
    _ENCODING,
    alert(Code.ATTESTATION_FAILED),
    ("tpm_firmware_agrees", "TPM-07"),
    ("tpm_quote_has_no_weak_bank", "TPM-08"),
    ("tpm_event_types_are_expected", "TPM-17"),
    ("tpm_log_replays", "TPM-12"),
    ("tpm_ima_templates_are_known", "TPM-22"),
    ("tpm_ima_digests_are_recomputed", "TPM-19"),
    ("tpm_ima_has_no_violation", "TPM-20"),
    ("tpm_ima_replays", "TPM-19"),
    ("tpm_ima_files_match_reference_values", "TPM-21"),
    form="tpm2",
)
_declare(
    _SYMBOLIC,
    alert(Code.BINDER_MISMATCH),
    ("tpm_quote_is_over_the_binder", "TPM-06"),
    ("tpm_certification_is_over_the_binder", "TPM-06"),
    form="tpm2",
)
_declare(
    _SYMBOLIC,
    alert(Code.IDENTITY_MISMATCH),
    ("tpm_certified_name_is_the_identity_key", "TPM-09"),
    ("tpm_identity_key_is_the_leafs", "TPM-09"),
    ("tpm_identity_key_is_kept", "TPM-10"),
    ("tpm_ak_names_peer_device", "TPM-11"),
    form="tpm2",
)
_declare(
    _ENCODING,
    alert(Code.STALE),
    ("tpm_reset_count_has_not_fallen", "TPM-13"),
    ("tpm_counts_have_not_changed", "TPM-13"),
    form="tpm2",
)
_declare(
    _SYMBOLIC,
    receipt(Code.LABEL_INVALID),
    ("env_quote_signature_verifies", "LBL-31"),
    ("env_quote_is_generated", "LBL-31"),
    ("env_quote_is_a_quote", "LBL-31"),
    ("env_quote_is_over_the_object", "LBL-31"),
    ("env_quote_is_of_the_same_start", "LBL-31"),
    form="tpm2",
)

# --- Collections (rows with model/protocol/collection.py): likewise --------------------------------------------------
_declare(
    _ENCODING,
    alert(Code.UNSUPPORTED_EVIDENCE),
    ("collection_is_of_this_profile", "ATT-47"),
    ("collected_token_is_one", "ATT-47"),
    ("collected_token_is_marked_evidence", "ATT-48"),
    ("collected_bundle_is_one", "ATT-47"),
    ("collected_bundle_is_marked_evidence", "ATT-48"),
    form="collection",
)
_declare(
    _ENCODING, alert(Code.ATTESTATION_FAILED), ("collected_items_are_of_one_start", "ATT-49"), form="collection"
)  # fmt: skip

# --- PSA tokens (rows with model/protocol/psa.py): likewise ----------------------------------------------------------
_declare(
    _ENCODING,
    alert(Code.ATTESTATION_FAILED),
    ("psa_header_is_exact", "ATT-36"),
    ("psa_ak_is_for_psa", "ATT-38"),
    ("psa_signature_verifies", "ATT-38"),
    ("psa_client_is_secure", "ATT-41"),
    ("psa_lifecycle_is_secured", "ATT-42"),
    ("psa_implementation_is_known", "ATT-43"),
    ("psa_components_match_reference_values", "ATT-44"),
    form="psa",
)
_declare(
    _ENCODING, alert(Code.UNSUPPORTED_EVIDENCE), ("psa_profile_is_tfm", "ATT-37"), form="psa"
)  # fmt: skip
_declare(
    _ENCODING, alert(Code.BINDER_MISMATCH), ("psa_nonce_is_binder", "ATT-39"), form="psa"
)  # fmt: skip
_declare(
    _ENCODING,
    alert(Code.IDENTITY_MISMATCH),
    ("psa_instance_is_peer_device", "ATT-40"),
    ("psa_leaf_shows_custody", "ATT-46"),
    form="psa",
)
_declare(
    _ENCODING, alert(Code.STALE), ("psa_boot_seed_has_not_changed", "ATT-45"), form="psa"
)  # fmt: skip
_declare(
    _ENCODING,
    receipt(Code.LABEL_INVALID),
    ("env_token_header_is_exact", "LBL-33"),
    ("env_token_profile_is_tfm", "LBL-33"),
    ("env_token_signature_verifies", "LBL-33"),
    ("env_token_is_over_the_object", "LBL-33"),
    ("env_token_instance_is_peer_device", "LBL-33"),
    ("env_token_client_is_secure", "LBL-33"),
    ("env_token_lifecycle_is_secured", "LBL-33"),
    ("env_token_is_of_the_same_start", "LBL-33"),
    form="psa",
)

# --- Labels (rows of model/protocol/labels.py) -----------------------------------------------------------------------
_declare(
    _SYMBOLIC,
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
)
_declare(
    _ENCODING,
    receipt(Code.LABEL_INVALID),
    ("label_header_is_exact", "LBL-04"),
    ("env_header_is_exact", "LBL-22"),
    ("label_subject_is_peer", "LBL-07"),
    ("label_cti_is_new", "LBL-11"),
    ("label_is_recent", "LBL-12"),
    ("label_names_its_environment", "LBL-13"),
    ("env_bootcount_is_attested_one", "LBL-20"),
    ("env_is_not_older", "LBL-21"),
)
_declare(
    _ENCODING,
    receipt(Code.LABEL_INVALID),
    ("label_blocks_are_well_formed", "CHN-15"),
    ("label_blocks_fit_content", "CHN-04"),
)
_declare(
    _ENCODING,
    receipt(Code.CHAIN_BROKEN),
    ("label_action_is_complete", "CHN-06"),
    ("label_action_is_known", "CHN-07"),
    ("label_action_fits_inputs", "CHN-11"),
    ("forwarded_data_is_unchanged", "CHN-13"),
    ("chain_labels_are_well_formed", "CHN-08"),
    ("chain_labels_are_there", "CHN-08"),
    ("chain_names_its_data", "CHN-08"),
    ("chain_signatures_verify", "CHN-08"),
    ("chain_subjects_are_signers", "CHN-08"),
    ("chain_signers_have_a_path", "CHN-08"),
    ("chain_signers_are_not_revoked", "CHN-09"),
)
_declare(_AVAILABILITY, receipt(Code.CHAIN_BROKEN), ("chain_is_bounded", "CHN-10"))
_declare(
    _ENCODING,
    receipt(Code.CHAIN_BROKEN),
    ("confirmation_is_by_the_interface", "TUI-05"),
    ("confirmation_names_the_transaction", "TUI-07"),
    ("confirmation_is_new", "TUI-07"),
)

# --- Beside the table: units, records, frames, timers (harness) ------------------------------------------------------
_declare(
    _AVAILABILITY,
    SILENT,
    ("unit_length_is_bounded", "EDH-16"),
    ("handshake_ends_in_time", "SES-20"),
    ("record_limit_holds", "EDH-24"),
    beside_table=True,
)
_declare(
    _ENCODING,
    SILENT,
    ("unit_kind_is_known", "EDH-15"),
    ("edhoc_after_completion_is_discarded", "EDH-18"),
    beside_table=True,
)
_declare(_ENCODING, edhoc_error(1), ("edhoc_message_is_deterministic", "EDH-13"), beside_table=True)
_declare(_SYMBOLIC, SILENT, ("record_tag_verifies", "EDH-21"), ("record_is_in_sequence", "EDH-22"), beside_table=True)
_declare(_AVAILABILITY, SILENT, ("record_length_is_bounded", "EDH-23"), beside_table=True)
_declare(
    _AVAILABILITY,
    alert(Code.LIMITS),
    ("frame_length_is_bounded", "ERR-03"),
    ("frame_depth_is_bounded", "ERR-04"),
    beside_table=True,
)
_declare(
    _ENCODING,
    alert(Code.DECODE_ERROR),
    ("frame_is_deterministic", "ERR-05"),
    ("frame_has_no_duplicate_keys", "ERR-06"),
    ("frame_has_no_trailing_bytes", "ERR-07"),
    ("frame_matches_its_grammar", "ERR-08"),
    beside_table=True,
)
_declare(_ENCODING, alert(Code.UNEXPECTED_FRAME), ("frame_type_is_known", "ERR-09"), beside_table=True)
_declare(
    _AVAILABILITY,
    alert(Code.STALE),
    ("verdict_comes_in_time", "SES-21"),
    ("expired_session_ends", "SES-16"),
    beside_table=True,
)
_declare(
    CheckClass.EVIDENCE_ONLY,
    SILENT,
    ("truncation_is_reported", "SES-19"),
    beside_table=True,
)
