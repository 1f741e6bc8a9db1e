"""Properties in zero knowledge: how long each algorithm takes, and how large what it makes is.

    python -m trustconn.harness.benchmark.property [--suite NAME] [--rounds N] [--search N] [--revoked N ...]

Every proof that is timed is verified; one for another binder, one for another identity key and one for a revoked
configuration are refused. Times are medians of milliseconds of the processor, so that other processes do not count,
with the smallest and the largest.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from statistics import median

from ..crypto.random import SeededRandom, system_random
from ..identity.pki import encode_x5chain
from ..identity.provision import make_pair
from ..identity.world import World
from ..property import issuer as keys
from ..property.arithmetic import power, secret_power
from ..property.certificate import PropertyCertificate, certify, configuration_value
from ..property.certificate import parse as parse_certificate
from ..property.commitment import Commitment, Opening, accept, commit
from ..property.errors import BadProof, PropertyError, Revoked
from ..property.fixed import fixed_issuer
from ..property.proof import Proof, Statement, parse, prove, verify
from ..property.revocation import make_list
from ..property.suites import PBA_2048, SUITES, Suite

NOW = 1_800_000_000
BINDER = sha256(b"binder").digest()
PROPERTY = "tag:example.org,2026:hardened"


@dataclass(frozen=True, slots=True)
class Bench:
    """A suite that is timed, and how many rounds make a median."""

    suite: Suite
    rounds: int

    def time(self, name: str, run: Callable[[], object], rounds: int = 0) -> None:
        """Print how long `run` takes, after one round that does not count."""
        times = []
        for turn in range((rounds or self.rounds) + 1):
            started = time.process_time()
            run()
            if turn:
                times.append((time.process_time() - started) * 1000)
        print(f"{name:44} {median(times):9.1f} ms   ({min(times):.1f} to {max(times):.1f})", flush=True)


def size(name: str, octets: int) -> None:
    """Print a size."""
    print(f"{name:44} {octets:9} octets", flush=True)


def measure(suite: Suite, rounds: int, searches: int, lengths: Sequence[int]) -> None:
    """Print everything about one suite."""
    bench = Bench(suite, rounds)
    print(f"{suite.name}: {suite.modulus} bits, commitments in {suite.group.name}")
    if searches:
        bench.time("setup: search for safe primes, and proofs", lambda: keys.generate(suite, system_random), searches)
    issuer = fixed_issuer(suite)
    show_issuer(bench, issuer)
    device, service, _ = make_pair(b"benchmark", NOW)
    certificate = show_certificate(bench, issuer, configuration_value(device.tam.measurements()))
    made, opening = show_commitment(bench, device, service)
    for length in lengths:
        revoked = [sha256(number.to_bytes(4, "big")).digest() for number in range(length)]
        listed = make_list(issuer, PROPERTY, 1, revoked, issued_at=NOW, next_update=NOW + 1)
        statement = Statement(issuer.public, PROPERTY, made, listed)
        proof = show_proof(bench, statement, certificate, opening, f"{length} revoked")
        if length == lengths[0]:
            show_refusals(issuer, statement, proof, made, opening, certificate)
    show_arithmetic(bench)


def show_issuer(bench: Bench, issuer: keys.Issuer) -> None:
    """Print what an issuer's key costs once its primes are found."""
    bench.time(
        "setup: generators and proofs alone",
        lambda: keys.from_primes(bench.suite, issuer.p, issuer.q, issuer.list_key, system_random),
    )
    bench.time("setup: verify the issuer's key", lambda: keys.parse_public(issuer.public.encoded))
    size("issuer's public key with its proofs", len(issuer.public.encoded))


def show_certificate(bench: Bench, issuer: keys.Issuer, configuration: bytes) -> PropertyCertificate:
    """Print what a certificate costs; one of them."""
    bench.time("setup: certify", lambda: certify(issuer, PROPERTY, configuration, system_random))
    certificate = certify(issuer, PROPERTY, configuration, SeededRandom(b"certificate"))
    data = certificate.encode(issuer.public)
    bench.time("setup: verify a certificate", lambda: parse_certificate(data, issuer.public))
    size("property certificate", len(data))
    return certificate


def show_commitment(bench: Bench, device: World, service: World) -> tuple[Commitment, Opening]:
    """Print what a commitment costs; one of them."""
    chain = encode_x5chain(device.credentials.ak, device.credentials.ak_chain)
    made, opening = commit(device.tam, chain, BINDER, bench.suite, NOW)
    bench.time("attest: commit and sign", lambda: commit(device.tam, chain, BINDER, bench.suite, NOW))
    id_cred = device.credentials.issued.id_cred()
    bench.time("verify: the commitment token", lambda: accept(service, id_cred, made.token, BINDER, bench.suite))
    size("commitment token", len(made.token))
    return made, opening


def show_proof(
    bench: Bench, statement: Statement, certificate: PropertyCertificate, opening: Opening, what: str
) -> Proof:
    """Print what a proof costs; one of them."""
    bench.time(f"attest: prove, {what}", partial(prove, statement, certificate, opening, NOW))
    proof = prove(statement, certificate, opening, NOW)
    encoded = proof.encode(statement.issuer)
    bench.time(f"verify, {what}", partial(_judge, statement, encoded))
    size(f"proof, {what}", len(encoded))
    size(f"revocation list, {what}", len(statement.revocation.encoded))
    return proof


def _judge(statement: Statement, encoded: bytes) -> None:
    verify(statement, parse(encoded, statement.issuer), NOW)


def show_refusals(
    issuer: keys.Issuer,
    statement: Statement,
    proof: Proof,
    made: Commitment,
    opening: Opening,
    certificate: PropertyCertificate,
) -> None:
    """Print that a replay and a revoked configuration are refused. Raises AssertionError where one is not."""
    elsewhere = {
        "another binder": replace(made, binder=sha256(b"another").digest()),
        "another identity key": replace(made, cnf=sha256(b"another").digest()),
    }
    for name, other in elsewhere.items():
        refusal = _refusal(BadProof, partial(verify, replace(statement, commitment=other), proof, NOW))
        print(f"the same proof for {name}: refused ({refusal})")
    listed = make_list(issuer, PROPERTY, 2, [opening.configuration], issued_at=NOW, next_update=NOW + 1)
    revoked = replace(statement, revocation=listed)
    print(f"its configuration revoked: {_refusal(Revoked, lambda: prove(revoked, certificate, opening, NOW))}")
    print(f"the old proof under the new list: {_refusal(BadProof, lambda: verify(revoked, proof, NOW))}", flush=True)


def _refusal(kind: type[PropertyError], run: Callable[[], object]) -> str:
    try:
        run()
    except kind as error:
        return str(error)
    raise AssertionError("was not refused")


def show_arithmetic(bench: Bench) -> None:
    """Print what an exponentiation takes by GMP, with and without a secret, and by Python's own."""
    n = fixed_issuer(bench.suite).public.n
    base, exponent = n // 3, n // 5
    bench.time("exponentiation, GMP", lambda: power(base, exponent, n))
    bench.time("exponentiation with a secret, GMP", lambda: secret_power(base, exponent, n))
    bench.time("exponentiation, Python", lambda: pow(base, exponent, n))


def acts(suite: Suite = PBA_2048) -> dict[str, Callable[[], None]]:
    """A proof and its verification without revoked configurations, and an exponentiation as yardstick."""
    issuer = fixed_issuer(suite)
    device, _, _ = make_pair(b"benchmark", NOW)
    configuration = configuration_value(device.tam.measurements())
    certificate = certify(issuer, PROPERTY, configuration, SeededRandom(b"certificate"))
    chain = encode_x5chain(device.credentials.ak, device.credentials.ak_chain)
    made, opening = commit(device.tam, chain, BINDER, suite, NOW)
    listed = make_list(issuer, PROPERTY, 1, [], issued_at=NOW, next_update=NOW + 1)
    statement = Statement(issuer.public, PROPERTY, made, listed)
    encoded = prove(statement, certificate, opening, NOW).encode(issuer.public)
    n = issuer.public.n
    turns: dict[str, Callable[[], object]] = {
        "property: prove": partial(prove, statement, certificate, opening, NOW),
        "property: verify": partial(_judge, statement, encoded),
        "exponentiation with a secret": partial(secret_power, n // 3, n // 5, n),
    }
    return {name: partial(_only_do, turn) for name, turn in turns.items()}


def _only_do(turn: Callable[[], object]) -> None:
    turn()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="times and sizes of properties in zero knowledge")
    parser.add_argument("--suite", choices=sorted(SUITES), default=PBA_2048.name)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--search", type=int, default=0, metavar="N", help="also time N searches for safe primes")
    parser.add_argument("--revoked", type=int, nargs="+", default=[0, 1, 16, 64], metavar="N", help="lengths of lists")
    arguments = parser.parse_args()
    try:
        measure(SUITES[arguments.suite], arguments.rounds, arguments.search, arguments.revoked)
    except KeyboardInterrupt:
        sys.exit(130)
    except PropertyError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
