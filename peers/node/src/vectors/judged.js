/** Evidence and what else a relying party judges, by this peer's own modules. */
import { appraise } from '../attestation.js';
import { decode } from '../cbor.js';
import { readFrame } from '../grammar.js';
import { ids } from '../identifiers.js';
import { matches } from './cddl.js';
import { checkLabel } from '../label.js';
import { hex, octets } from './octets.js';
import { certificates, lists } from './pki.js';

function must(holds, why) {
  if (!holds) throw new Error(why);
}

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
  must(matches('revocation_proofs', found), 'proofs do not match their grammar');
  return found;
}

/** A DATA frame, judged by the module that receives it in a session. */
function label(input) {
  const { name, body } = readFrame(octets(input.frame), (kind) => must(kind === 'data', 'another frame'));
  must(name === 'data' && !body.has(1), 'no label');
  const [peer, attestationKey] = certificates([input.leaf, input.attestation_key]);
  const seen = Object.fromEntries(input.seen.map((id) => [id, input.now]));
  const session = {
    peer,
    sid: octets(input.sid),
    maxAge: input.max_age,
    evidence: { attestationKey, epoch: input.epoch, bootcount: input.bootcount },
    environment: input.environment ? { digest: octets(input.environment) } : undefined,
    environmentTime: input.environment_iat,
  };
  const store = { signer: () => ({ highest: input.last_sequence, ids: seen }), accepted: () => {} };
  checkLabel(body, session, { store, now: input.now });
  return { content: hex(body.get(3)) };
}

export const judgedOperations = {
  label,

  evidence(input) {
    const trust = trustOf(input);
    const att = new Map([[2, octets(input.cmw)]]);
    if (input.endorsements) att.set(3, proofs(input.endorsements));
    const { peer } = trust;
    appraise(att, { types: [ids.content_format.eat_cwt], binder: octets(input.binder), peer, maxAge: input.max_age }, trust);
  },
};
