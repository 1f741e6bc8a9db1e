"""The roles that the verifier analyses, extracted from the transition table, and the claims decided over them.

`variants` names the tables that are looked at, `modes` chooses the ways through their rows, `view` translates what a
role computes, `reader` what it takes in, `walk` takes one role along its rows, `extract` puts roles together; `tpm` and
`commands`, `psa`, `proofs`, `asked`, `hosts` add what TPMs, PSA roots of trust, proofs of properties, verifiers and
virtualized roots are, `interface` and `chains` what comes with labels. `claims` turns the statements of `model/claims`
into queries, `verdicts` answers them, `removal` and `matrix` remove checks, `sets` finds the smallest sets, `expected`
holds what is committed, and `render` writes it into the specification.

A role is linear: one for each of the nine modes of either side, all in one protocol. What is left out of the table, and
why no attack is lost by it:

- **Erased fields.** A slot that no symbolic check, guard or claim looks at is erased on both sides. Erasing maps every
  trace of the table to a trace of what is left. One field of each HELLO stays for all that are compared as a whole.
- **CRED for ID_CRED.** x5t and x5chain name one leaf by its SHA-256; both are `cert(usage, agent, key)`. Anybody can
  write one down; the key that a valid one certifies is its owner's.
- **Transcripts without signatures.** They are functions of what else is in the transcript. The same goes for the
  salt of PRK_2e, the contexts of MAC_2 and MAC_3, and the nonce and external_aad of AEAD: what they bind stands beside
  them in the same key or under the same signature. Dropping an argument only makes more terms equal.
- **Chains of derivation** are one symbol: nothing in between is ever sent, so who has the end has the root.
- **CIPHERTEXT_2 in the clear.** An XOR stream protects no integrity and no claim needs its secrecy: the adversary sees
  more and builds more.
- **One symbol for each kind of signature, record place and derived key.** They hold different constants, so that they
  never were equal.
- **COSE_Sign1 is its signature**, which its content comes out of; without the check of the signature, the content.
- **Flags** are what they decide. The verdict tier is the one that fits (`verdict_tier_fits_direction` is no symbolic
  check); other tiers end the session.
- **Types.** A variable takes terms of its own size or grammar: the wire is deterministic CBOR with known lengths.
  Lengths are those of suites 2 and 3. Software forwards no opaque terms but its own TAM's answer, and the local channel
  keeps order.
- **The TAM** is a role on a channel with a key of its platform. Software as it should be has one key, any other
  software another, so that the TAM reports truly what it measures (`expected` or `unexpected`).
- **Revocation data** is a statement about an agent that the network brings and that is never made about a revoked one.
- **A TPM, a PSA root of trust, a proof of properties, a verifier, a virtualized root, a confirmation, a processing
  chain**: see `tpm`, `commands`, `psa`, `proofs`, `asked`, `hosts`, `interface`, `chains`. Each is looked at in a
  variant of its own, in few modes: everything else is as in the first.
- **The waiver authority** names the leaf of any agent that asks. **The suite**: an error message, which is not
  protected, can suggest any list to the device.

Bounds, where the table has loops: two labels each way where both attest or neither must, else one; one re-attestation
in each direction where both attest; OPEN in the order of `modes.in_open`. Sessions that leak their keys are those in
which both attest or nothing is required. Not looked at: ALERT, PING, EXPIRED, unlabelled data, rejecting verdicts.
"""
