"""Setup: lengths, the commitment group, safe primes, and an issuer's key whose proofs everybody verifies."""

from math import gcd, prod
from typing import Any

import pytest
from property_setting import Setting, made_setting
from tlslite.mathtls import FFDHE2048 as TLS_FFDHE2048
from tlslite.mathtls import FFDHE3072 as TLS_FFDHE3072

from trustconn import spec
from trustconn.harness.codec import cbor
from trustconn.harness.crypto.random import SeededRandom
from trustconn.harness.crypto.signatures import ES256
from trustconn.harness.property import commitment, generators, issuer, modulus, revocation
from trustconn.harness.property.arithmetic import inverse, is_prime, jacobi, power, random_bits
from trustconn.harness.property.errors import BadKey, Malformed
from trustconn.harness.property.fixed import fixed_issuer, search
from trustconn.harness.property.group import FFDHE2048, FFDHE3072, Group
from trustconn.harness.property.safe_prime import is_safe_prime, safe_prime
from trustconn.harness.property.suites import PBA_2048, PBA_3072, Suite
from trustconn.spec import cddl


@pytest.fixture(scope="module")
def setting() -> Setting:
    return made_setting()


# --- lengths and groups ----------------------------------------------------------------------------------------------


def test_lengths_are_those_of_identity_mixer_with_a_longer_statistical_parameter() -> None:
    assert (PBA_2048.e, PBA_2048.v, PBA_2048.blinding) == (645, 2820, 2176)
    assert (PBA_3072.e, PBA_3072.v, PBA_3072.blinding) == (645, 3844, 3200)


def test_a_suite_below_2048_bits_or_with_a_small_group_is_refused() -> None:
    for bits, group in ((1024, FFDHE2048), (3072, FFDHE2048), (2048, Group("small", (1 << 642) - 1))):
        with pytest.raises(ValueError, match=r"bits|wrap"):
            Suite("weak", bits, group)


@pytest.mark.parametrize(("group", "tls"), [(FFDHE2048, TLS_FFDHE2048), (FFDHE3072, TLS_FFDHE3072)])
def test_commitment_groups_are_those_of_rfc_7919(group: Group, tls: tuple[int, int]) -> None:
    assert group.prime == tls[1]
    assert is_safe_prime(group.prime)
    assert group.g != group.h
    for element in (group.g, group.h):
        assert power(element, group.order, group.prime) == 1 != element


def test_what_is_no_element_of_the_group_is_refused() -> None:
    prime = FFDHE2048.prime
    for number in (0, 1, prime - 1, prime, prime + 4, prime - FFDHE2048.g, -FFDHE2048.g):
        with pytest.raises(Malformed):
            FFDHE2048.element(number)


def test_types_and_claims_are_those_of_the_specification() -> None:
    numbers = spec.identifiers()
    for name, module in (("property_commitment", commitment), ("property_list", revocation)):
        assert numbers["media_type"][name] == module.TYPE
        assert module.EXTERNAL_AAD.decode() == numbers["external_aad"][name]
    assert numbers["claim"]["property_commitment"] == commitment.COMMITMENT


# --- primes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("residue", [3, 7])
def test_a_safe_prime_is_a_function_of_the_seed(residue: int) -> None:
    told: list[str] = []
    prime = safe_prime(256, residue, SeededRandom(b"primes"), told.append)
    assert (
        prime == safe_prime(256, residue, SeededRandom(b"primes")) != safe_prime(256, residue, SeededRandom(b"other"))
    )
    assert (prime.bit_length(), prime % 8) == (256, residue)
    assert is_prime(prime) and is_prime(prime // 2)
    assert told and "256 bits" in told[0]


@pytest.mark.parametrize("suite", [PBA_2048, PBA_3072])
def test_the_committed_primes_are_safe(suite: Suite) -> None:
    key = fixed_issuer(suite)
    assert is_safe_prime(key.p) and is_safe_prime(key.q)
    assert key.public.n.bit_length() == suite.modulus


def test_a_committed_prime_is_found_again_from_its_seed() -> None:
    assert search(PBA_2048, 7) == fixed_issuer(PBA_2048).q


# --- the modulus -----------------------------------------------------------------------------------------------------


def prime_with(bits: int, residue: int, factor: int = 1) -> int:
    """A prime with that residue modulo 8, and 1 modulo an odd factor."""
    step = 8 * factor
    start = random_bits(SeededRandom(b"weak"), bits) | 3 << (bits - 2)
    start += (residue * factor * inverse(factor, 8) + 8 * inverse(8, factor) if factor > 1 else residue) - start % step
    return next(candidate for candidate in range(start, 1 << bits, step) if is_prime(candidate))


def best_effort(primes: tuple[int, ...], n: int, further: int = 1) -> list[int]:
    """Roots of a prover that knows the factors of a bad modulus and answers wherever there is a root.

    `further` is what divides the order of the units beside each p - 1.
    """
    order = further * prod((p - 1) // 2 if p % 4 == 3 else p - 1 for p in primes)
    roots = []
    for index in range(modulus.ROUNDS):
        exponent = modulus._exponent(n, index)
        x = modulus._base(n, index)
        square = next((m * x % n for m in (1, -1, 2, -2) if all(jacobi(m * x % p, p) == 1 for p in primes)), x)
        useful = order
        while (common := gcd(useful, exponent)) > 1:
            useful //= common
        roots.append(power(square, inverse(exponent, useful), n) if useful > 1 else square)
    return roots


def test_a_special_modulus_is_shown(setting: Setting) -> None:
    key = setting.issuer
    modulus.verify(key.public.n, 2048, modulus.prove(key.p, key.q))


def test_a_short_modulus_is_refused() -> None:
    p, q = (safe_prime(512, residue, SeededRandom(b"short")) for residue in modulus.RESIDUES)
    with pytest.raises(BadKey, match="1024 bits"):
        modulus.verify(p * q, 2048, modulus.prove(p, q))
    with pytest.raises(BadKey, match="1024 bits"):
        issuer.from_primes(PBA_2048, p, q, ES256.generate(SeededRandom(b"")), SeededRandom(b""))


def test_primes_that_are_not_safe_are_refused_where_they_are_known() -> None:
    p, q = (prime_with(1024, residue) for residue in modulus.RESIDUES)
    with pytest.raises(BadKey, match="safe"):
        issuer.from_primes(PBA_2048, p, q, ES256.generate(SeededRandom(b"")), SeededRandom(b""))


def test_a_modulus_whose_squares_have_a_small_factor_is_refused(setting: Setting) -> None:
    """The best that a prover can do who knows the factors; 3, and a factor that only the large rounds see."""
    for factor in (3, 4001):
        p = prime_with(1024, 3, factor)
        n = p * setting.issuer.q
        with pytest.raises(BadKey, match="special"):
            modulus.verify(n, n.bit_length(), best_effort((p, setting.issuer.q), n))


def test_a_modulus_of_three_primes_is_refused() -> None:
    """3 * 7 * 1 modulo 8 is 5 too."""
    primes = tuple(prime_with(700, residue) for residue in (3, 7, 1))
    n = prod(primes)
    with pytest.raises(BadKey, match="special"):
        modulus.verify(n, n.bit_length(), best_effort(primes, n))


def test_a_modulus_of_primes_of_other_residues_is_refused() -> None:
    primes = prime_with(1024, 5), prime_with(1024, 1)
    n = prod(primes)
    with pytest.raises(BadKey, match="special"):
        modulus.verify(n, n.bit_length(), best_effort(primes, n))


def test_a_modulus_that_is_not_coprime_to_its_totient_is_refused(setting: Setting) -> None:
    """p^3 q of safe primes: only n-th roots tell."""
    p, q = safe_prime(256, 3, SeededRandom(b"cube")), setting.issuer.q
    n = p**3 * q
    with pytest.raises(BadKey, match="special"):
        modulus.verify(n, n.bit_length(), best_effort((p, q), n, further=p * p))


def test_a_prime_and_a_modulus_with_a_small_factor_are_refused() -> None:
    prime = prime_with(2048, 5)
    for n in (prime, 11 * prime_with(2045, 7)):
        with pytest.raises(BadKey, match="prime"):
            modulus.verify(n, n.bit_length(), [1] * modulus.ROUNDS)


# --- the whole key ---------------------------------------------------------------------------------------------------


def test_a_key_is_read_back(setting: Setting) -> None:
    cddl.check("pba_issuer_key", setting.issuer.public.encoded)
    public = issuer.parse_public(setting.issuer.public.encoded)
    assert public == setting.issuer.public
    secret = issuer.parse_secret(setting.issuer.encode(), public)
    assert (secret.p, secret.q) == (setting.issuer.p, setting.issuer.q)
    assert secret.list_key.private_numbers() == setting.issuer.list_key.private_numbers()


def flipped(value: Any) -> Any:
    """Another value of the same form."""
    match value:
        case bytes():
            return value[:-1] + bytes((value[-1] ^ 1,))
        case str():
            return value[:-1] + chr(ord(value[-1]) ^ 1)
        case bool():
            return not value
        case int():
            return value + 1
        case list():
            return [flipped(value[0]), *value[1:]]
        case dict():
            return {**value, max(value): flipped(value[max(value)])}
    raise AssertionError(value)


@pytest.mark.parametrize("member", range(1, 11))
def test_a_key_with_any_member_altered_is_refused(setting: Setting, member: int) -> None:
    """But for the list key, which the identifier of the key covers: another key is another issuer."""
    members = cbor.decode(setting.issuer.public.encoded)
    altered = cbor.encode({**members, member: flipped(members[member])})
    with pytest.raises((BadKey, Malformed)):
        issuer.parse_public(altered)


def test_a_generator_outside_the_group_of_s_is_refused(setting: Setting) -> None:
    """The order of S is q' alone: so would a signer choose it who wants to mark certificates."""
    key = setting.issuer
    n = key.public.n
    base = power(9, key.p >> 1, n)
    good, bad = power(base, 12345, n), 4
    challenge, responses = generators.prove(PBA_2048, n, base, [good, good], [12345, 12345], SeededRandom(b"g"))
    generators.verify(PBA_2048, n, base, [good, good], challenge, responses)
    challenge, responses = generators.prove(PBA_2048, n, base, [good, bad], [12345, 12345], SeededRandom(b"g"))
    with pytest.raises(BadKey, match="power of S"):
        generators.verify(PBA_2048, n, base, [good, bad], challenge, responses)


def test_a_secret_key_goes_with_its_public_key_alone(setting: Setting) -> None:
    other = fixed_issuer(PBA_2048, b"another")
    with pytest.raises(BadKey, match="not that of"):
        issuer.parse_secret(setting.issuer.encode(), other.public)
    members = cbor.decode(setting.issuer.encode())
    with pytest.raises((BadKey, Malformed)):
        issuer.parse_secret(cbor.encode({**members, 2: members[3], 3: flipped(members[2])}), setting.issuer.public)


@pytest.mark.parametrize("data", [b"", b"\xa0", b"\x80", b"\xff", b"\xa1\x01\x01", bytes(1 << 18)])
def test_octets_that_are_no_key_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        issuer.parse_public(data)
