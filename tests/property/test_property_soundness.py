"""The proof is sound, by an extractor, and zero knowledge, by a simulator."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from property_setting import AUDITED, HARDENED, NOW, Setting, made_proof, made_setting

from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.property import sigma
from trustconn.harness.property.arithmetic import inverse, power, product, random_below, random_bits
from trustconn.harness.property.certificate import certify, property_value
from trustconn.harness.property.errors import BadCertificate, BadProof
from trustconn.harness.property.proof import Proof, Statement, hash_oracle, prove, verify
from trustconn.harness.property.suites import E_RANGE, MESSAGE, PBA_2048, PBA_3072

Proved = tuple[Statement, Proof]


@pytest.fixture(scope="module")
def setting() -> Setting:
    return made_setting()


@pytest.fixture(scope="module")
def proved() -> Proved:
    return made_proof()


# --- soundness -------------------------------------------------------------------------------------------------------


def extract(relation: sigma.Relation, transcripts: Sequence[tuple[int, sigma.Responses]]) -> sigma.Responses:
    """The witness in two transcripts with one first message: differences of responses over that of the challenges."""
    (c, one), (d, two) = transcripts
    order = relation.issuer.suite.group.order
    difference = c - d

    def divided(a: int, b: int) -> int:
        assert (a - b) % difference == 0, "or the prover has broken the strong RSA assumption"
        return (a - b) // difference

    def modular(a: int, b: int) -> int:
        return (a - b) * inverse(difference, order) % order

    return sigma.Responses(
        divided(one.e, two.e),
        divided(one.configuration, two.configuration),
        divided(one.v, two.v),
        modular(one.r, two.r),
        tuple(
            (modular(a, b), modular(x, y)) for (a, x), (b, y) in zip(one.inequalities, two.inequalities, strict=True)
        ),
    )


def test_an_extractor_recovers_the_witness_from_two_forked_transcripts(setting: Setting) -> None:
    """The same prover, rewound: its oracle answers another challenge the second time."""
    made, opening = setting.commit()
    statement = Statement(setting.issuer.public, HARDENED, made, setting.revocation)

    def run(oracle: Callable[[Sequence[Any]], int]) -> Proof:
        found = prove(statement, setting.certificate, opening, NOW, SeededRandom(b"forked"), oracle)
        verify(statement, found, NOW, oracle)
        return found

    one, two = run(hash_oracle), run(lambda parts: hash_oracle([*parts, "fork"]))
    assert one.blinded == two.blinded and one.challenge != two.challenge
    found = extract(statement.relation, [(one.challenge, one.responses), (two.challenge, two.responses)])

    key, group = setting.issuer.public, made.group
    e = PBA_2048.e_start + found.e
    signed = found.configuration, property_value(HARDENED)
    assert found.configuration.to_bytes(32, "big") == setting.configuration
    assert (found.r, e) == (opening.r, setting.certificate.e)
    assert group.commit(found.configuration, found.r) == made.element
    assert key.z == product(
        key.n, power(one.blinded, e, key.n), power(key.r[0], signed[0], key.n), power(key.r[1], signed[1], key.n),
        power(key.s, found.v, key.n),
    )  # fmt: skip
    for revoked, (a, _) in zip(setting.revocation.configurations, found.inequalities, strict=True):
        assert a * (found.configuration - int.from_bytes(revoked, "big")) % group.order == 1


def test_what_is_extracted_is_shorter_than_what_the_issuer_signs_with() -> None:
    """Lengths: an accepted response bounds the extracted value, and the bound stays below e and the group's order."""
    for suite in (PBA_2048, PBA_3072):
        configuration = 1 << suite.response(MESSAGE)
        smallest_e = suite.e_start - (1 << suite.response(E_RANGE))
        assert 2 * configuration < smallest_e
        assert 2 * configuration < suite.group.order
        assert suite.group.order > 1 << 256


def test_without_a_certificate_of_the_committed_configuration_there_is_no_proof(setting: Setting) -> None:
    """What a cheating prover has left: another configuration's certificate, or none."""
    made, opening = setting.commit()
    statement = Statement(setting.issuer.public, HARDENED, made, setting.revocation)
    foreign = certify(setting.issuer, HARDENED, sha256(b"good").digest(), SeededRandom(b"foreign"))
    with pytest.raises(BadCertificate):
        prove(statement, foreign, opening, NOW)
    with pytest.raises(BadCertificate):
        prove(
            replace(statement, property_name=AUDITED, revocation=setting.list_of(name=AUDITED)), foreign, opening, NOW
        )
    for configuration in (foreign.configuration, opening.configuration):
        forced = replace(foreign, configuration=configuration)
        proof = prove(statement, forced, replace(opening, configuration=configuration), NOW, SeededRandom(b"forced"))
        with pytest.raises(BadProof, match="verify"):
            verify(statement, proof, NOW)


# --- zero knowledge --------------------------------------------------------------------------------------------------


def simulate(statement: Statement, seed: bytes) -> tuple[Proof, Callable[[Sequence[Any]], int]]:
    """A proof made of the statement alone, and the oracle that was programmed for it."""
    rng, issuer = SeededRandom(seed), statement.issuer
    suite, relation = issuer.suite, statement.relation
    order = suite.group.order
    blinded = power(issuer.s, random_bits(rng, suite.blinding), issuer.n)
    challenge = random_bits(rng, 256)
    responses = sigma.Responses(
        random_bits(rng, suite.mask(E_RANGE)),
        random_bits(rng, suite.mask(MESSAGE)),
        random_bits(rng, suite.mask(suite.blinded_v)),
        random_below(rng, order),
        tuple((random_below(rng, order), random_below(rng, order)) for _ in relation.revoked),
    )
    programmed = statement.transcript(blinded, sigma.firsts(relation, blinded, challenge, responses))
    proof = Proof(statement.property_name, statement.revocation.digest, blinded, challenge, responses)
    return proof, lambda parts: challenge if parts == programmed else hash_oracle(parts)


def test_simulated_transcripts_verify_with_the_programmed_oracle_alone(setting: Setting) -> None:
    """Even for a commitment to what nobody certified: so a transcript tells nothing of the configuration."""
    made, _ = setting.commit()
    group = made.group
    uncertified = replace(made, element=group.commit(1234567, 89))
    for commitment in (made, uncertified):
        statement = Statement(setting.issuer.public, HARDENED, commitment, setting.revocation)
        proof, oracle = simulate(statement, b"simulator")
        verify(statement, proof, NOW, oracle)
        with pytest.raises(BadProof):
            verify(statement, proof, NOW)


def test_every_secret_is_hidden_by_a_number_that_is_long_enough(setting: Setting) -> None:
    """By one 128 bits longer, or uniform below the order: that the highest bits are drawn is seen here."""
    made, opening = setting.commit()
    statement = Statement(setting.issuer.public, HARDENED, made, setting.revocation)
    relation, order = statement.relation, made.group.order.bit_length()
    known = sigma.witness(relation, setting.certificate, opening, SeededRandom(b"witness"))
    run = sigma.start(relation, known, SeededRandom(b"masks"))
    responses = run.respond((1 << 256) - 1)
    for name, bits in (("e", E_RANGE), ("configuration", MESSAGE), ("v", PBA_2048.blinded_v)):
        mask = getattr(run.masks, name)
        assert PBA_2048.mask(bits) - 16 < mask.bit_length() <= PBA_2048.mask(bits)
        assert 0 < getattr(responses, name) - mask < 1 << (PBA_2048.mask(bits) - 128)
    blinding, rest = divmod(known.secrets.v - setting.certificate.v, setting.certificate.e)
    assert (rest, PBA_2048.blinding - 16 < blinding.bit_length() <= PBA_2048.blinding) == (0, True)
    for number in (opening.r, run.masks.r, *(number for pair in run.masks.inequalities for number in pair)):
        assert order - 16 < number.bit_length() <= order


def test_every_certificate_could_be_the_one_behind_a_blinded_signature(setting: Setting, proved: Proved) -> None:
    """A' differs from each A by a power of S, so even the issuer cannot tell which it was."""
    key, blinded = setting.issuer, proved[1].blinded
    other = certify(key, HARDENED, sha256(b"other platform").digest(), SeededRandom(b"other"))
    for made in (setting.certificate, other):
        quotient = product(key.public.n, made.a, inverse(blinded, key.public.n))
        assert power(quotient, key.order, key.public.n) == 1
