"""The proof: complete, bound to every public input, within its ranges, and refused once revoked."""

from collections.abc import Sequence
from dataclasses import fields, replace
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from property_setting import AUDITED, BINDER, HARDENED, NOW, OLD, OLDER, Setting, made_proof, made_setting

from trustconn.harness.codec import cbor
from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.property import sigma
from trustconn.harness.property.arithmetic import power, product, random_below
from trustconn.harness.property.certificate import certify
from trustconn.harness.property.errors import BadProof, Malformed, PropertyError, Revoked
from trustconn.harness.property.fixed import fixed_issuer
from trustconn.harness.property.group import FFDHE3072
from trustconn.harness.property.proof import Proof, Statement, hash_oracle, parse, prove, verify
from trustconn.harness.property.suites import E_RANGE, MESSAGE, PBA_2048, PBA_3072
from trustconn.spec import cddl

Proved = tuple[Statement, Proof]


@pytest.fixture(scope="module")
def setting() -> Setting:
    return made_setting()


@pytest.fixture(scope="module")
def proved() -> Proved:
    return made_proof()


# --- completeness ----------------------------------------------------------------------------------------------------


def test_a_proof_verifies_and_is_read_back(proved: Proved) -> None:
    statement, proof = proved
    data = proof.encode(statement.issuer)
    cddl.check("pba_proof", data)
    assert parse(data, statement.issuer) == proof
    verify(statement, proof, NOW)


def test_proofs_repeat_from_a_seed_and_differ_otherwise(setting: Setting, proved: Proved) -> None:
    assert setting.prove() == proved
    statement, proof = setting.prove(b"later")
    assert statement.commitment.element != proved[0].commitment.element
    assert proof.blinded != proved[1].blinded


def test_the_longer_suite_works_too(setting: Setting) -> None:
    issuer = fixed_issuer(PBA_3072)
    longer = Setting(issuer, setting.device, setting.service, setting.certificate, setting.revocation)
    longer.revocation = longer.list_of([OLD])
    longer.certificate = certify(issuer, HARDENED, setting.configuration, SeededRandom(b"longer"))
    from trustconn.harness.property.commitment import commit

    made, opening = commit(setting.device.tam, setting.x5chain, BINDER, PBA_3072, NOW, SeededRandom(b"longer"))
    statement = Statement(issuer.public, HARDENED, made, longer.revocation)
    proof = prove(statement, longer.certificate, opening, NOW, SeededRandom(b"proof"))
    assert parse(proof.encode(issuer.public), issuer.public) == proof
    verify(statement, proof, NOW)


# --- every public input ----------------------------------------------------------------------------------------------


def altered_statements(setting: Setting, statement: Statement) -> dict[str, Statement]:
    made = statement.commitment
    group = made.group

    def commitment(**changes: Any) -> Statement:
        return replace(statement, commitment=replace(made, **changes))

    relisted = setting.list_of([OLD, OLDER], number=2)
    return {
        "issuer": replace(statement, issuer=fixed_issuer(PBA_2048, b"another").public),
        "property": replace(statement, property_name=AUDITED, revocation=setting.list_of([OLD, OLDER], name=AUDITED)),
        "commitment": commitment(element=product(group.prime, made.element, group.g)),
        "binder": commitment(binder=sha256(b"another session").digest()),
        "cnf": commitment(cnf=sha256(b"another key").digest()),
        "token": commitment(token=made.token[:-1] + bytes((made.token[-1] ^ 1,))),
        "list number": replace(statement, revocation=relisted),
        "list": replace(statement, revocation=setting.list_of([OLD])),
    }


PUBLIC = ("issuer", "property", "commitment", "binder", "cnf", "token", "list number", "list")


@pytest.mark.parametrize("name", PUBLIC)
def test_a_proof_is_refused_for_any_other_statement(setting: Setting, proved: Proved, name: str) -> None:
    """Also where the proof names the property and the list that the verifier asks about."""
    other = altered_statements(setting, proved[0])[name]
    renamed = replace(proved[1], property_name=other.property_name, list_digest=other.revocation.digest)
    with pytest.raises(BadProof):
        verify(other, renamed, NOW)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_input_enters_the_challenge(setting: Setting, proved: Proved, name: str) -> None:
    statement, proof = proved
    alone = replace(statement, property_name=AUDITED)  # Its list would differ, too.
    other = alone if name == "property" else altered_statements(setting, statement)[name]
    firsts = sigma.firsts(statement.relation, proof.blinded, proof.challenge, proof.responses)
    assert hash_oracle(statement.transcript(proof.blinded, firsts)) == proof.challenge
    assert hash_oracle(other.transcript(proof.blinded, firsts)) != proof.challenge


@pytest.mark.parametrize("changed", [{"name": "another"}, {"prime": FFDHE3072.prime}, {"g": 4}, {"h": 4}], ids=str)
def test_group_and_generators_enter_the_challenge(proved: Proved, changed: dict[str, Any]) -> None:
    statement, proof = proved
    held = statement.issuer.suite.group
    group = SimpleNamespace(**{name: getattr(held, name) for name in ("name", "prime", "bits", "g", "h")})
    firsts = sigma.firsts(statement.relation, proof.blinded, proof.challenge, proof.responses)
    assert _challenge_in(statement, group, proof.blinded, firsts) == proof.challenge
    vars(group).update(changed, bits=FFDHE3072.bits if "prime" in changed else group.bits)
    assert _challenge_in(statement, group, proof.blinded, firsts) != proof.challenge


def _challenge_in(statement: Statement, group: Any, blinded: int, firsts: Sequence[int]) -> int:
    """The challenge where the suite had that group."""
    suite = SimpleNamespace(name=statement.issuer.suite.name, modulus=statement.issuer.suite.modulus, group=group)
    issuer: Any = SimpleNamespace(suite=suite, id=statement.issuer.id)
    return hash_oracle(replace(statement, issuer=issuer).transcript(blinded, firsts))


def test_blinded_signature_and_first_message_enter_the_challenge(proved: Proved) -> None:
    statement, proof = proved
    firsts = list(sigma.firsts(statement.relation, proof.blinded, proof.challenge, proof.responses))
    assert hash_oracle(statement.transcript(proof.blinded + 1, firsts)) != proof.challenge
    for index in range(len(firsts)):
        others = [*firsts[:index], firsts[index] ^ 1, *firsts[index + 1 :]]
        assert hash_oracle(statement.transcript(proof.blinded, others)) != proof.challenge


# --- every member of a proof -----------------------------------------------------------------------------------------


def altered_members(proof: Proof, statement: Statement) -> dict[str, Proof]:
    responses, (first, *rest) = proof.responses, proof.responses.inequalities
    swapped = {"inequalities": ((first[1], first[0]), *rest)}
    numbers = {
        item.name: getattr(responses, item.name) ^ 1 for item in fields(responses) if item.name != "inequalities"
    }
    altered = {
        name: replace(proof, responses=replace(responses, **{name: value}))
        for name, value in (numbers | swapped).items()
    }
    return altered | {
        "first of an inequality": replace(
            proof, responses=replace(responses, inequalities=((first[0] ^ 1, first[1]), *rest))
        ),
        "one inequality less": replace(proof, responses=replace(responses, inequalities=tuple(rest))),
        "one inequality more": replace(proof, responses=replace(responses, inequalities=(first, first, *rest))),
        "property": replace(proof, property_name=AUDITED),
        "list": replace(proof, list_digest=bytes(32)),
        "challenge": replace(proof, challenge=proof.challenge ^ 1),
        "blinded": replace(proof, blinded=proof.blinded ^ 1),
        "blinded, negative": replace(proof, blinded=statement.issuer.n - proof.blinded),
    }


def test_a_proof_with_any_member_altered_is_refused(proved: Proved) -> None:
    for name, altered in altered_members(proved[1], proved[0]).items():
        with pytest.raises((BadProof, Malformed)):
            verify(proved[0], altered, NOW)
            pytest.fail(name)


@pytest.mark.parametrize("member", range(1, 10))
def test_an_encoded_proof_with_a_member_of_another_form_is_malformed(proved: Proved, member: int) -> None:
    statement, proof = proved
    members = cbor.decode(proof.encode(statement.issuer))
    value = members[member]
    bad: list[Any] = [None, 7, [], {}, value + value[:1], *([value[:-1]] if isinstance(value, bytes) else [])]
    if member == 9:
        bad = [None, 7, {}, [[1]], [value[0] + value[0]], [[value[0][0], value[0][0] + b"\0"]], value * 33]
    for other in bad:
        if other == "" or (isinstance(value, str) and isinstance(other, str)):
            continue
        with pytest.raises(Malformed):
            parse(cbor.encode({**members, member: other}), statement.issuer)
    with pytest.raises(Malformed):
        parse(cbor.encode({key: value for key, value in members.items() if key != member}), statement.issuer)
    with pytest.raises(Malformed):
        parse(cbor.encode({**members, 10: b""}), statement.issuer)


def test_octets_that_are_no_proof_are_malformed(proved: Proved) -> None:
    data = proved[1].encode(proved[0].issuer)
    for bad in (b"", data[:-1], data + b"\0", b"\xbf" + data[1:] + b"\xff", bytes(1 << 17)):
        with pytest.raises(Malformed):
            parse(bad, proved[0].issuer)


# --- ranges ----------------------------------------------------------------------------------------------------------


def test_responses_out_of_range_are_refused_though_the_equations_hold(setting: Setting, proved: Proved) -> None:
    """Multiples of the orders leave every equation as it is; without ranges a configuration need not be short."""
    statement, proof = proved
    order, modular = setting.issuer.order, PBA_2048.group.order
    far = {
        "e": (order, PBA_2048.response(E_RANGE)),
        "configuration": (order * modular, PBA_2048.response(MESSAGE)),
        "v": (order << 2000, PBA_2048.response(PBA_2048.blinded_v)),
        "r": (modular, 0),
    }
    for name, (period, bits) in far.items():
        shifted = replace(proof.responses, **{name: getattr(proof.responses, name) + period})
        assert getattr(shifted, name) >> bits
        _refused_by_range_alone(statement, replace(proof, responses=shifted))
    (a, b), *rest = proof.responses.inequalities
    for pair in ((a + modular, b), (a, b - modular)):
        _refused_by_range_alone(
            statement, replace(proof, responses=replace(proof.responses, inequalities=(pair, *rest)))
        )


def _refused_by_range_alone(statement: Statement, proof: Proof) -> None:
    firsts = sigma.firsts(statement.relation, proof.blinded, proof.challenge, proof.responses)
    assert hash_oracle(statement.transcript(proof.blinded, firsts)) == proof.challenge
    with pytest.raises(BadProof, match="range"):
        verify(statement, proof, NOW)


def test_a_blinded_signature_that_is_not_invertible_is_refused(setting: Setting, proved: Proved) -> None:
    statement, proof = proved
    for blinded in (0, 1, setting.issuer.p, setting.issuer.public.n, setting.issuer.public.n + proof.blinded):
        with pytest.raises(Malformed):
            verify(statement, replace(proof, blinded=blinded), NOW)


# --- check: revocation -----------------------------------------------------------------------------------------------


def test_a_revoked_configuration_has_no_proof(setting: Setting) -> None:
    made, opening = setting.commit()
    listed = setting.list_of([OLD, setting.configuration])
    statement = Statement(setting.issuer.public, HARDENED, made, listed)
    with pytest.raises(Revoked):
        prove(statement, setting.certificate, opening, NOW)
    with pytest.raises(ZeroDivisionError):
        sigma.witness(statement.relation, setting.certificate, opening, SeededRandom(b""))


def test_a_revoked_configuration_is_refused_whatever_the_prover_answers(setting: Setting) -> None:
    """The inequality with itself by a number of one's choice, by nothing, and by another's answer."""
    made, opening = setting.commit()
    listed = setting.list_of([setting.configuration])
    statement = Statement(setting.issuer.public, HARDENED, made, listed)
    relation = statement.relation
    unlisted = replace(relation, revoked=())
    known = sigma.witness(unlisted, setting.certificate, opening, SeededRandom(b"witness"))
    pairs: list[tuple[tuple[int, int], ...]] = [((0, 0),), ((1, 1),), ((7, opening.r),)]
    for inequalities in pairs:
        forced = replace(known, secrets=replace(known.secrets, inequalities=inequalities))
        run = sigma.start(relation, forced, SeededRandom(b"masks"))
        challenge = hash_oracle(statement.transcript(known.blinded, run.firsts))
        proof = Proof(HARDENED, listed.digest, known.blinded, challenge, run.respond(challenge))
        with pytest.raises(BadProof, match="verify"):
            verify(statement, proof, NOW)
    with pytest.raises(BadProof, match="range"):
        verify(statement, replace(proof, responses=replace(proof.responses, inequalities=())), NOW)


def test_a_withdrawn_property_and_an_old_list_are_refused(setting: Setting, proved: Proved) -> None:
    statement, proof = proved
    withdrawn = replace(statement, revocation=setting.list_of(withdrawn=True))
    for asked, now in ((withdrawn, NOW), (statement, NOW + 3600), (statement, NOW - 3600)):
        with pytest.raises(PropertyError, match=r"withdrawn|current"):
            verify(asked, replace(proof, list_digest=asked.revocation.digest), now)


def test_one_number_for_all_inequalities_would_confirm_a_guess(setting: Setting) -> None:
    """The flaw of the paper's check that representations do not have: D_j = h^(r beta) (C / g^c_j)^-beta."""
    made, opening = setting.commit()
    group = made.group
    prime, c = group.prime, int.from_bytes(setting.configuration, "big")
    one, two = (int.from_bytes(item, "big") for item in setting.revocation.configurations)
    beta = random_below(SeededRandom(b"beta"), group.order)

    def published(revoked: int) -> int:
        difference = product(prime, made.element, power(group.g, -revoked, prime))
        return product(prime, power(group.h, opening.r * beta % group.order, prime), power(difference, -beta, prime))

    d_one, d_two = published(one), published(two)
    for guess, confirmed in ((c, True), (c + 1, False)):
        same = power(d_one, two - guess, prime) == power(d_two, one - guess, prime)
        assert same is confirmed
