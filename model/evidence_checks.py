"""The part of the register of checks that is about evidence of every form, and about what a verifier says of it."""

from .check import AVAILABILITY, ENCODING, SYMBOLIC, declare
from .refusals import Code, VerifierError, alert, receipt, verifier_error

_TOKENS = (
    *declare(
        ENCODING,
        alert(Code.UNSUPPORTED_EVIDENCE),
        ("cmw_type_was_accepted", "ATT-06"),
        ("cmw_is_marked_evidence", "ATT-07"),
        ("eat_profile_is_this_one", "ATT-10"),
    ),
    *declare(ENCODING, alert(Code.DECODE_ERROR), ("eat_claims_have_their_types", "ATT-51")),
    *declare(
        SYMBOLIC,
        alert(Code.ATTESTATION_FAILED),
        ("eat_signature_verifies", "ATT-11"),
        ("ak_path_verifies", "ATT-12"),
        ("ak_is_for_eat", "ATT-13"),
        ("ak_is_not_the_identity_key", "ATT-14"),
        ("measurements_match_reference_values", "ATT-20"),
    ),
    *declare(
        ENCODING,
        alert(Code.ATTESTATION_FAILED),
        ("eat_header_is_exact", "ATT-08"),
        ("eat_x5t_is_the_ak", "ATT-09"),
        ("ak_is_in_validity", "ATT-15"),
        ("eat_debug_is_disabled", "ATT-21"),
    ),
    *declare(ENCODING, alert(Code.ATTESTATION_FAILED), ("interface_is_told", "TUI-09")),
    *declare(SYMBOLIC, alert(Code.REVOKED), ("ak_is_not_revoked", "REV-05")),
    *declare(SYMBOLIC, alert(Code.BINDER_MISMATCH), ("eat_nonce_is_binder", "ATT-16")),
    *declare(
        SYMBOLIC,
        alert(Code.IDENTITY_MISMATCH),
        ("cnf_is_peer_identity_key", "ATT-17"),
        ("ueid_is_peer_device", "ATT-18"),
        ("ak_names_peer_device", "ATT-19"),
    ),
    *declare(
        ENCODING,
        alert(Code.IDENTITY_MISMATCH),
        ("key_attributes_show_custody", "ATT-22"),
        ("boot_seed_is_of_one_instance", "VRT-08"),
        ("ak_is_as_anonymous_as_the_leaf", "ANO-10"),
        ("anonymity_is_the_leafs", "ANO-09"),
    ),
    *declare(ENCODING, alert(Code.REVOKED), ("peer_leaf_is_still_not_revoked", "REV-09")),
    *declare(
        ENCODING,
        alert(Code.STALE),
        ("eat_is_recent", "ATT-23"),
        ("bootcount_has_not_changed", "ATT-24"),
        ("bootcount_has_not_fallen", "ATT-35"),
    ),
)
"""Rows of model/protocol/attestation.py."""

_RESULTS = (
    *declare(
        SYMBOLIC,
        alert(Code.ATTESTATION_FAILED),
        ("ear_verifier_is_pinned", "VER-05"),
        ("ear_signature_verifies", "VER-05"),
        ("ear_names_the_policy", "VER-05"),
        ("ear_is_affirming", "VER-05"),
    ),
    *declare(
        ENCODING,
        alert(Code.ATTESTATION_FAILED),
        ("ear_header_is_exact", "VER-05"),
        ("ear_profile_is_this_one", "VER-05"),
        ("ear_names_the_properties", "PBA-03"),
    ),
    *declare(ENCODING, alert(Code.REVOKED), ("ear_is_not_revoked", "PBA-06")),
    *declare(ENCODING, alert(Code.ATTESTATION_FAILED), ("result_is_given", "VER-05"), beside_table=True),
    *declare(SYMBOLIC, alert(Code.BINDER_MISMATCH), ("ear_nonce_is_binder", "VER-05")),
    *declare(
        SYMBOLIC,
        alert(Code.IDENTITY_MISMATCH),
        ("ear_cnf_is_peer_identity_key", "VER-05"),
        ("ear_ueid_is_peer_device", "VER-05"),
    ),
    *declare(ENCODING, alert(Code.STALE), ("ear_is_in_force", "VER-05")),
    *declare(ENCODING, alert(Code.UNSUPPORTED_EVIDENCE), ("cmw_is_marked_result", "ATT-07"), form="ear"),
    *declare(ENCODING, receipt(Code.LABEL_INVALID), ("env_is_the_accepted_evidence", "LBL-32"), form="ear"),
)
"""Of a verifier: rows of model/protocol/asking.py."""

_PROPERTIES = (
    *declare(
        ENCODING,
        alert(Code.ATTESTATION_FAILED),
        ("commitment_header_is_exact", "PBA-12"),
        form="pba",
    ),
    *declare(
        SYMBOLIC,
        alert(Code.ATTESTATION_FAILED),
        ("commitment_signature_verifies", "PBA-12"),
        ("proofs_answer_current_lists", "PBA-16"),
        ("property_proofs_verify", "PBA-13"),
        form="pba",
    ),
    *declare(ENCODING, alert(Code.REVOKED), ("properties_are_not_withdrawn", "PBA-16"), form="pba"),
)
"""In zero knowledge: rows with model/protocol/proving.py."""

_VERIFIER = (
    *declare(SYMBOLIC, verifier_error(VerifierError.MALFORMED), ("request_names_the_leaf", "VER-02")),
    *declare(ENCODING, verifier_error(VerifierError.UNKNOWN_POLICY), ("policy_is_known", "VER-03")),
    *declare(ENCODING, verifier_error(VerifierError.REPLAY), ("binder_is_new", "VER-01")),
    *declare(
        AVAILABILITY, verifier_error(VerifierError.MALFORMED), ("request_is_bounded", "VER-07"), beside_table=True
    ),
)
"""A verifier's own: rows of model/protocol/background.py."""

_TPM = (
    *declare(
        SYMBOLIC,
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
    ),
    *declare(
        ENCODING,
        alert(Code.ATTESTATION_FAILED),
        ("tpm_firmware_agrees", "TPM-07"),
        ("tpm_signer_is_a_name", "TPM-24"),
        ("tpm_quote_has_no_weak_bank", "TPM-08"),
        ("tpm_pcr_values_are_whole", "TPM-23"),
        ("tpm_event_types_are_expected", "TPM-17"),
        ("tpm_log_replays", "TPM-12"),
        ("tpm_ima_templates_are_known", "TPM-22"),
        ("tpm_ima_digests_are_recomputed", "TPM-19"),
        ("tpm_ima_has_no_violation", "TPM-20"),
        ("tpm_ima_replays", "TPM-19"),
        ("tpm_ima_files_match_reference_values", "TPM-21"),
        form="tpm2",
    ),
    *declare(
        SYMBOLIC,
        alert(Code.BINDER_MISMATCH),
        ("tpm_quote_is_over_the_binder", "TPM-06"),
        ("tpm_certification_is_over_the_binder", "TPM-06"),
        form="tpm2",
    ),
    *declare(
        SYMBOLIC,
        alert(Code.IDENTITY_MISMATCH),
        ("tpm_certified_name_is_the_identity_key", "TPM-09"),
        ("tpm_identity_key_is_the_leafs", "TPM-09"),
        ("tpm_identity_key_is_kept", "TPM-10"),
        ("tpm_ak_names_peer_device", "TPM-11"),
        form="tpm2",
    ),
    *declare(
        ENCODING,
        alert(Code.STALE),
        ("tpm_reset_count_has_not_fallen", "TPM-13"),
        ("tpm_counts_have_not_changed", "TPM-13"),
        form="tpm2",
    ),
    *declare(
        SYMBOLIC,
        receipt(Code.LABEL_INVALID),
        ("env_quote_signature_verifies", "LBL-31"),
        ("env_quote_is_generated", "LBL-31"),
        ("env_quote_is_a_quote", "LBL-31"),
        ("env_quote_is_over_the_object", "LBL-31"),
        ("env_quote_is_of_the_same_start", "LBL-31"),
        form="tpm2",
    ),
    *declare(ENCODING, receipt(Code.LABEL_INVALID), ("env_registers_match_reference_values", "LBL-36"), form="tpm2"),
)
"""Rows with model/protocol/tpm.py."""

_COLLECTIONS = (
    *declare(
        ENCODING,
        alert(Code.UNSUPPORTED_EVIDENCE),
        ("collection_is_of_this_profile", "ATT-47"),
        ("collected_token_is_one", "ATT-47"),
        ("collected_token_is_marked_evidence", "ATT-48"),
        ("collected_bundle_is_one", "ATT-47"),
        ("collected_bundle_is_marked_evidence", "ATT-48"),
        form="collection",
    ),
    *declare(
        SYMBOLIC, alert(Code.ATTESTATION_FAILED), ("collected_items_are_of_one_start", "ATT-49"), form="collection"
    ),
)
"""Rows with model/protocol/collection.py."""

_PSA = (
    *declare(
        ENCODING,
        alert(Code.ATTESTATION_FAILED),
        ("psa_header_is_exact", "ATT-36"),
        form="psa",
    ),
    *declare(
        SYMBOLIC,
        alert(Code.ATTESTATION_FAILED),
        ("psa_ak_is_for_psa", "ATT-38"),
        ("psa_signature_verifies", "ATT-38"),
        ("psa_client_is_secure", "ATT-41"),
        ("psa_lifecycle_is_secured", "ATT-42"),
        ("psa_implementation_is_known", "ATT-43"),
        ("psa_components_match_reference_values", "ATT-44"),
        form="psa",
    ),
    *declare(ENCODING, alert(Code.ATTESTATION_FAILED), ("psa_signers_are_the_named_ones", "ATT-52"), form="psa"),
    *declare(ENCODING, alert(Code.UNSUPPORTED_EVIDENCE), ("psa_profile_is_tfm", "ATT-37"), form="psa"),
    *declare(SYMBOLIC, alert(Code.BINDER_MISMATCH), ("psa_nonce_is_binder", "ATT-39"), form="psa"),
    *declare(
        SYMBOLIC,
        alert(Code.IDENTITY_MISMATCH),
        ("psa_instance_is_peer_device", "ATT-40"),
        ("psa_leaf_shows_custody", "ATT-46"),
        form="psa",
    ),
    *declare(ENCODING, alert(Code.STALE), ("psa_boot_seed_has_not_changed", "ATT-45"), form="psa"),
    *declare(
        ENCODING,
        receipt(Code.LABEL_INVALID),
        ("env_token_header_is_exact", "LBL-33"),
        ("env_token_profile_is_tfm", "LBL-33"),
        ("env_token_components_match_reference_values", "LBL-36"),
        form="psa",
    ),
    *declare(
        SYMBOLIC,
        receipt(Code.LABEL_INVALID),
        ("env_token_signature_verifies", "LBL-33"),
        ("env_token_is_over_the_object", "LBL-33"),
        ("env_token_instance_is_peer_device", "LBL-33"),
        ("env_token_client_is_secure", "LBL-33"),
        ("env_token_lifecycle_is_secured", "LBL-33"),
        ("env_token_is_of_the_same_start", "LBL-33"),
        form="psa",
    ),
)
"""Rows with model/protocol/psa.py."""

EVIDENCE_CHECKS = (*_TOKENS, *_RESULTS, *_PROPERTIES, *_VERIFIER, *_TPM, *_COLLECTIONS, *_PSA)
"""In the order of the register."""
