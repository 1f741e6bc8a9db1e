"""Faults of judging the peer's identity certificate, in the handshake and later, and proofs of revocation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields

from ..codec import cbor
from ..identity.credential_checks import local_statuses
from ..identity.oids import EKU_DEVICE, EKU_SERVICE
from ..identity.revocation import OCSP, ProofError, read_proof
from ..identity.world import PeerCredential, World
from .attestation_keys import PATH_REASONS
from .fault import DEVICE, SERVICE, Fault, fault
from .operators import Condition, accepts, decides, decoded, forgives, policy, refuses, sees
from .run import Judge


def _both(check: str, judge: Judge) -> dict[str, Judge]:
    """The judge for the credential of either side."""
    return {check.format("r"): judge, check.format("i"): judge}


def path_faults() -> Iterator[Fault]:
    """The path of the identity certificate."""
    for reason, name, what, source, sentence in PATH_REASONS:
        yield fault(
            f"identity_{name}", f"In the path of the identity {sentence}.", "IDN-10", "missing", what, source=source,
            judges=_both("cred_{}_path_verifies", forgives(reason)),
        )  # fmt: skip
    yield fault(
        "attestation_root_for_identities", "A path to a root for attestation keys passes for an identity.", "IDN-10",
        "confusion", "trust anchor", source="C37", judges=_both("cred_{}_path_verifies", accepts(_by_other_root)),
    )  # fmt: skip
    yield fault(
        "chain_refused", "Only a leaf right below the root is accepted.", "IDN-09", "false reject", "x5chain array",
        judges=_both("cred_{}_path_verifies", refuses(lambda w, cred: bool(w.credential(cred).chain))),
    )  # fmt: skip
    yield fault(
        "root_sent_along_refused", "A chain that ends in the root itself is refused.", "IDN-10", "false reject",
        "root in x5chain", judges=_both("cred_{}_path_verifies", refuses(_ends_in_root)),
    )  # fmt: skip
    yield fault(
        "leaf_last", "The last certificate of x5chain is taken for the leaf.", "IDN-09", "last of several", "x5chain",
        source="A15", world=_as(_LeafLast),
    )  # fmt: skip
    yield fault(
        "thumbprint_refused", "A credential by reference is refused.", "IDN-09", "false reject", "x5t",
        judges=_both("id_cred_{}_is_a_certificate", refuses(lambda w, cred: 34 in decoded(cred))),
    )  # fmt: skip
    yield fault(
        "thumbprint_prefix", "A certificate is found by the first 8 octets of its digest.", "IDN-19", "prefix", "x5t",
        source="G13", world=_as(_ShortThumbprint),
    )  # fmt: skip
    yield fault(
        "leaf_validity_only", "Of the path only the leaf's validity is judged.", "IDN-11", "first of several",
        "validity period", judges=_both("cred_{}_is_in_validity", decides(_leaf_valid)),
    )  # fmt: skip
    yield fault(
        "not_before_ignored", "A certificate that is not valid yet passes.", "IDN-11", "wrong direction", "notBefore",
        judges=_both("cred_{}_is_in_validity", accepts(_too_early)),
    )  # fmt: skip
    yield fault(
        "expired_passes", "A certificate that has ended passes.", "IDN-11", "missing", "notAfter",
        judges=_both("cred_{}_is_in_validity", accepts(lambda w, c: w.credential(c).leaf.not_after < w.time())),
    )  # fmt: skip
    yield fault(
        "no_key_usage_passes", "A leaf without a key usage extension passes.", "IDN-12", "absent", "key usage",
        source="C29", judges=_both("cred_{}_key_usage_is_signature", accepts(_no_key_usage)),
    )  # fmt: skip


def _by_other_root(world: World, id_cred: bytes) -> bool:
    world.verify_path(world.credential(id_cred), attestation=True)
    return True


def _ends_in_root(world: World, id_cred: bytes) -> bool:
    chain = world.credential(id_cred).chain
    return bool(chain) and chain[-1].subject == chain[-1].issuer


def _leaf_valid(world: World, id_cred: bytes) -> bool:
    leaf = world.credential(id_cred).leaf
    return leaf.not_before <= world.time() <= leaf.not_after


def _too_early(world: World, id_cred: bytes) -> bool:
    credential = world.credential(id_cred)
    return all(item.not_after >= world.time() for item in (credential.leaf, *credential.chain))


def _no_key_usage(world: World, id_cred: bytes) -> bool:
    return not any(item.oid.dotted_string == "2.5.29.15" for item in world.credential(id_cred).leaf.parsed.extensions)


class _LeafLast(World):
    """Takes the end of a chain for its beginning."""

    def credential(self, id_cred: bytes) -> PeerCredential:
        found = World.credential(self, id_cred)
        path = (found.leaf, *found.chain)[::-1]
        return PeerCredential(path[0], path[1:])


class _ShortThumbprint(World):
    """Compares the beginning of a digest."""

    def credential(self, id_cred: bytes) -> PeerCredential:
        header = decoded(id_cred)
        given = header.get(34)
        near = [d for d in self.held() if isinstance(given, list) and len(given) == 2 and d[:8] == given[1][:8]]
        return World.credential(self, cbor.encode({34: [-16, near[0]]}) if near else id_cred)


def _as(kind: type[World]) -> Callable[[World], World]:
    return lambda world: kind(**{item.name: getattr(world, item.name) for item in fields(World)})


def identity_faults() -> Iterator[Fault]:
    """Who the peer is, and what it may do."""
    for letter, requirement, roles, mine, other in (
        ("r", "IDN-13", DEVICE, EKU_SERVICE, EKU_DEVICE), ("i", "IDN-14", SERVICE, EKU_DEVICE, EKU_SERVICE),
    ):  # fmt: skip
        check = "cred_r_has_service_role" if letter == "r" else "cred_i_has_device_role"
        yield fault(
            f"role_among_others_{letter}", "A leaf that carries both roles passes.", requirement, "any of several",
            "extended key usage", roles, judges={check: accepts(_has(mine))},
        )  # fmt: skip
        yield fault(
            f"role_absent_{letter}", "A leaf that carries no role passes.", requirement, "absent",
            "extended key usage", roles, "C29", judges={check: accepts(_has_not(mine, other))},
        )  # fmt: skip
        yield fault(
            f"role_other_{letter}", "A leaf of one's own role passes.", requirement, "wrong direction",
            "extended key usage", roles, "C35", judges={check: accepts(_has(other))},
        )  # fmt: skip
        identity = "cred_r_is_intended" if letter == "r" else "cred_i_is_authorised"
        requirement = "IDN-15" if letter == "r" else "IDN-16"
        for name, operator, sentence, condition in _IDENTITIES:
            yield fault(
                f"identity_{name}_{letter}", sentence, requirement, operator, "identity URI", roles, "B23",
                judges={identity: accepts(condition)},
            )  # fmt: skip
    yield fault(
        "own_certificate_only", "One's own key in another certificate passes.", "IDN-17", "missing", "own key",
        judges=_both("cred_{}_is_not_mine", decides(_other_leaf)),
    )  # fmt: skip
    yield fault(
        "tpm_usage_passes", "Only one of the two attestation usages is refused.", "IDN-18", "first of several",
        "extended key usage", judges=_both("cred_{}_is_no_attestation_certificate", accepts(_tpm_only)),
    )  # fmt: skip
    yield fault(
        "local_list_of_leaf_only", "Of the path only the leaf is looked for in the local lists.", "REV-02",
        "first of several", "path", judges=_both("cred_{}_is_not_revoked_locally", decides(_leaf_not_listed)),
    )  # fmt: skip


def _names(world: World) -> list[str]:
    return [name for name in (world.policy.intended_peer, *world.policy.authorised_devices) if name]


_IDENTITIES: tuple[tuple[str, str, str, Condition], ...] = (
    ("prefix", "prefix", "An identity that begins like the right one passes.",
     lambda w, c: any(w.credential(c).leaf.identity.startswith(name) for name in _names(w))),
    ("beginning", "wrong direction", "An identity that is the beginning of the right one passes.",
     lambda w, c: bool(w.credential(c).leaf.identity)
     and any(name.startswith(w.credential(c).leaf.identity) for name in _names(w))),
    ("case", "normalised", "An identity in another case passes.",
     lambda w, c: w.credential(c).leaf.identity.lower() in [name.lower() for name in _names(w)]),
    ("absent", "absent", "A leaf without an identity passes.", lambda w, c: not w.credential(c).leaf.identity),
    ("any", "any of several", "Any of the names of a leaf may be the right one.",
     lambda w, c: bool(set(w.credential(c).leaf.uris) & set(_names(w)))),
)  # fmt: skip


def _has(usage: str) -> Condition:
    return lambda world, id_cred: usage in world.credential(id_cred).leaf.eku


def _has_not(*usages: str) -> Condition:
    return lambda world, id_cred: not world.credential(id_cred).leaf.eku.intersection(usages)


def _other_leaf(world: World, id_cred: bytes) -> bool:
    return world.credential(id_cred).leaf.sha256 != world.credentials.leaf.sha256


def _tpm_only(world: World, id_cred: bytes) -> bool:
    return "2.23.133.8.3" in world.credential(id_cred).leaf.eku


def _leaf_not_listed(world: World, id_cred: bytes) -> bool:
    credential = world.credential(id_cred)
    return not any(s.revoked for c, s in local_statuses(world, credential) if c is credential.leaf)


def _no_proof(world: World, about: bytes, proofs: bytes) -> bool:
    return not proofs


def _unusable(world: World, about: bytes, proofs: bytes) -> bool:
    return any(_errors(world, about, proofs))


def _says(*reasons: str) -> Condition:
    return lambda world, about, proofs: any(
        reason in error for error in _errors(world, about, proofs) for reason in reasons
    )


_PROOFS: tuple[tuple[str, str, str, str, Condition, str], ...] = (
    ("no_proof", "absent", "", "C33", _no_proof,
     "Without a proof a certificate counts as good."),
    ("unusable_proof", "exception as success", "REV-08", "E7", _unusable,
     "A proof that cannot be read or used counts as good."),
    ("unknown_status", "unknown name", "REV-08", "E9", _says("does not know"),
     "An unknown status counts as good."),
    ("foreign_proof", "confusion", "REV-06", "E9", _says("another"),
     "A proof about another certificate counts as good."),
    ("forged_proof", "missing", "REV-06", "E7", _says("does not verify", "not by"),
     "Signatures of proofs are not verified."),
    ("delegate_of_nobody", "family", "REV-06", "E1", _says("delegate"),
     "Anybody certified by the issuer may sign a proof."),
)  # fmt: skip


def proof_faults() -> Iterator[Fault]:
    """Proofs of revocation, of the leaf and of the attestation key."""
    for check, requirement, kind in (
        ("peer_leaf_is_not_revoked", "REV-03", "leaf"), ("ak_is_not_revoked", "REV-05", "attestation key"),
    ):  # fmt: skip
        of = f"of_{kind.partition(' ')[0]}"
        for name, operator, cited, source, condition, sentence in _PROOFS:
            yield fault(
                f"{name}_{of}", sentence, cited or requirement, operator, f"proof of {kind}", source=source,
                judges={check: accepts(condition)},
            )  # fmt: skip
        for name, operator, judge, sentence in (
            ("first_proof_only", "first of several", _one_proof(0), "Of several proofs the first decides."),
            ("last_proof_only", "last of several", _one_proof(-1), "Of several proofs the last decides."),
        ):
            yield fault(f"{name}_{of}", sentence, requirement, operator, f"proofs of {kind}", judges={check: judge})
        yield fault(
            f"short_life_refused_{of}", "A short-lived certificate needs a proof all the same.", requirement,
            "false reject", f"short life of {kind}", judges={check: refuses(lambda w, _, proofs: not proofs)},
        )  # fmt: skip
        yield fault(
            f"crl_refused_{of}", "Only OCSP responses are read.", requirement, "false reject", f"CRL of {kind}",
            judges={check: refuses(lambda w, _, proofs: any(kind != OCSP for kind, _ in decoded(proofs)))},
        )  # fmt: skip
    yield fault(
        "issuers_of_unknown_status_pass", "Nothing need show that the issuers of the attestation key are good.",
        "REV-05", "first of several", "status of issuers",
        judges={"ak_is_not_revoked": forgives("nothing fresh about the status of an issuer")},
    )  # fmt: skip
    yield fault(
        "old_proofs_pass", "How old a proof is does not matter while it has not ended.", "REV-07", "limit ignored",
        "thisUpdate", world=policy(revocation_max_age=lambda age: 10**9),
    )  # fmt: skip
    yield fault(
        "proofs_of_the_future_pass", "A proof of the future counts as good.", "REV-06", "wrong direction",
        "thisUpdate", judges={c: accepts(_future) for c in ("peer_leaf_is_not_revoked", "ak_is_not_revoked")},
    )  # fmt: skip
    yield fault(
        "ended_proofs_pass", "A proof counts as good after its end.", "REV-06", "missing", "nextUpdate",
        judges={c: accepts(_ended) for c in ("peer_leaf_is_not_revoked", "ak_is_not_revoked")},
    )  # fmt: skip


def _credential(world: World, octets: bytes) -> PeerCredential:
    return world.credential(octets) if octets[0] >> 5 == 5 else world.x5chain(octets)


def _errors(world: World, about: bytes, proofs: bytes) -> Iterator[str]:
    credential = _credential(world, about)
    issuer = world.issuer(credential)
    assert issuer is not None
    for kind, der in decoded(proofs) if proofs else ():
        try:
            read_proof(kind, der, credential.leaf, issuer, world.time())
        except ProofError as error:
            yield str(error)


def _statuses(world: World, about: bytes, proofs: bytes) -> list[tuple[int, int | None]]:
    credential = _credential(world, about)
    issuer = world.issuer(credential)
    assert issuer is not None
    read = (read_proof(kind, der, credential.leaf, issuer, world.time()) for kind, der in decoded(proofs))
    return [(status.this_update, status.next_update) for status in read if not status.revoked]


def _future(world: World, about: bytes, proofs: bytes) -> bool:
    return any(this > world.time() for this, _ in _statuses(world, about, proofs))


def _ended(world: World, about: bytes, proofs: bytes) -> bool:
    return any(end is not None and end < world.time() for _, end in _statuses(world, about, proofs))


def _one_proof(index: int) -> Judge:
    return sees(lambda w, about, proofs: (about, cbor.encode([decoded(proofs)[index]]) if proofs else b""))


def credentials() -> Iterator[Fault]:
    """All faults about certificates and proofs."""
    for faults in (path_faults, identity_faults, proof_faults):
        yield from faults()
