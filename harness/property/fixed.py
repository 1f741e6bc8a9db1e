"""Safe primes for tests and benchmarks, so that neither waits for a search: everybody can find them again, so no key
made of them protects anything.

    python -m trustconn.harness.property.fixed

searches them again from their seeds and prints this file's table.
"""

import textwrap
from functools import cache

from ..crypto.random import SeededRandom
from ..crypto.signatures import ES256
from .issuer import Issuer, from_primes
from .modulus import RESIDUES
from .safe_prime import safe_prime
from .suites import SUITES, Suite

SEED = "trustconn property issuer {} {}"
"""Of one prime: the name of its suite, and its residue modulo 8."""


def search(suite: Suite, residue: int) -> int:
    """The prime of that seed: seconds for 2048 bits, longer above."""
    return safe_prime(suite.modulus // 2, residue, SeededRandom(SEED.format(suite.name, residue).encode()))


@cache
def fixed_issuer(suite: Suite, seed: bytes = b"issuer") -> Issuer:
    """An issuer with the committed primes, its generators and list key from `seed`."""
    rng = SeededRandom(seed)
    p, q = (int(PRIMES[suite.name, residue], 16) for residue in RESIDUES)
    return from_primes(suite, p, q, ES256.generate(rng), rng)


PRIMES = {
    ("tc1-pba-2048", 3): (
        "e22169921b7874b79115d1946184fd8b1e86c003c5cc21678559f20832ce504b4efaf26c481572cba6a95b1729c74130"
        "d5d4f74b85a43a3858d09ada233d965da876504a3a2596842edd196567dfb99b4701fcc8af738d470ebb742e320ad207"
        "4250f0f553b340798807849b6e8fe140f4d9e2f0b2e5cbe2a808dfc0d4f00fe3"
    ),
    ("tc1-pba-2048", 7): (
        "fc506babe5a71f583d721f337766edec7ad4b4240fe67c4ec92a709787e55a64d3c6d566e972353566c9024532420a16"
        "dfbf33127b4cc50bb04ff4587bdff13948e09b49e799f54a79b97c22131bee25d28b01c190d1e65e8d4acb582fb7c8b8"
        "83d40b1da196a7621a758470059cf91c97c5dbc764ad6f198ba74d3fce395f5f"
    ),
    ("tc1-pba-3072", 3): (
        "efa4350256cb62565b65aad75f7d27c0f90caee8fd61f2061e2f0c3bcd6d8f30adc01f3632c973a75dc7e9ed74609b9c"
        "01c713b8282a573a11d064f2ee4672c922c833a96fefdc80ce23d6005737dc60850f876bfad31081b4fe44b36b124983"
        "136db4ed76dbc1de617891a5ba1f359d587658ad49a630b4e91010aeb8792086ac0e3b48b189f7e7998278f1d6a9ac46"
        "31fd37423c2101e7c7a7fbe30ee06798316368fdda2ab164458e623b42e7adf5aff6c63e3ef6c4f182e9376ca19939eb"
    ),
    ("tc1-pba-3072", 7): (
        "ce5e6660b98d25b946260156c57f687e0c61476989f8bce488b2c0f7b03b35095c3e34f66fc79371754467bd2aa435e2"
        "056ac5a34b5e72411859b94233acad3d1e28e4c9380b942f778ee39486444d5549408e9040214006c9b58f0c77586d73"
        "888c0fafd0f78beab0c5c7d0d78e955912c3194d4b753f8b80a0199ec1dca71e191dbda02305ac05102df06213119dc7"
        "569adf330e1e9c7c7ef401353d40fe7c69a4785a19e086b8be0836877d1936b82c83902480a6a3b32b59fa65c9e6396f"
    ),
}


def main() -> None:
    """Print the table."""
    for suite in SUITES.values():
        for residue in RESIDUES:
            lines = textwrap.wrap(f"{search(suite, residue):x}", 96)
            print(f'    ("{suite.name}", {residue}): (')
            print("\n".join(f'        "{line}"' for line in lines))
            print("    ),")


if __name__ == "__main__":
    main()
