/** Evidence and what else a relying party judges, by this peer's own modules. */
import { appraise } from '../attestation.js';
import { decode } from '../cbor.js';
import { ids } from '../identifiers.js';
import { matches } from './cddl.js';
import { octets } from './octets.js';
import { certificates, lists } from './pki.js';

/** Credentials as this peer loads them, from what a vector gives. */
function trustOf(input) {
  const [own, leaf] = certificates([input.own, input.leaf]);
  const credentials = {
    chain: [own], known: certificates(input.known), attestationRoots: certificates(input.roots), crls: lists(input.crls),
    components: input.reference_values,
    policy: { minimum_dbgstat: input.minimum_dbgstat, revocation_max_age: input.revocation_max_age },
  };
  return { credentials, peer: leaf, now: input.now, store: { verified: () => {} } };
}

/** Proofs beside evidence, as the grammar of ATT has them. */
function proofs(encoded) {
  const found = decode(octets(encoded));
  if (!matches('revocation_proofs', found)) throw new Error('proofs do not match their grammar');
  return found;
}

export const judgedOperations = {
  evidence(input) {
    const trust = trustOf(input);
    const att = new Map([[2, octets(input.cmw)]]);
    if (input.endorsements) att.set(3, proofs(input.endorsements));
    const { peer } = trust;
    appraise(att, { types: [ids.content_format.eat_cwt], binder: octets(input.binder), peer, maxAge: input.max_age }, trust);
  },
};
