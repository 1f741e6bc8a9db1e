/** Evidence and what else a relying party judges, by this peer's own modules. */
import { appraise, checkWaiver } from '../attestation.js';
import { decode } from '../cbor.js';
import { readFrame } from '../grammar.js';
import { ids } from '../identifiers.js';
import { checkRevocation, readProofs } from '../revocation.js';
import { matches } from './cddl.js';
import { checkLabel } from '../label.js';
import { hex, octets } from './octets.js';
import { certificates, lists } from './pki.js';

function must(holds, why) {
  if (!holds) throw new Error(why);
}

/** Credentials as this peer loads them, from what a vector gives. */
function trustOf(input, pseudonyms) {
  const [own, leaf] = certificates([input.own, input.leaf]);
  const credentials = {
    pseudonyms,
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
    components: input.reference_values,
    evidence: { attestationKey, epoch: input.epoch, bootcount: input.bootcount },
    environment: input.environment ? { digest: octets(input.environment) } : undefined,
    environmentTime: input.environment_iat,
  };
  const store = { signer: () => ({ highest: input.last_sequence, ids: seen }), accepted: () => {} };
  checkLabel(body, session, { store, now: input.now });
  return { content: hex(body.get(3)) };
}

/** A HELLO, as the session judges it; the path of the leaf was judged in the handshake. */
function hello(input) {
  const { name, body } = readFrame(octets(input.frame), (kind) => must(kind === 'hello', 'another frame'));
  must(name === 'hello' && body.get(1) === ids.protocol_version, 'version');
  const waives = (body.get(5) & ids.hello.flag.waiver) !== 0;
  must(waives === body.has(9), 'waiver and its flag');
  const path = certificates([input.leaf, input.issuer]);
  const isAnonymous = (body.get(5) & ids.hello.flag.anonymous) !== 0;
  must(isAnonymous === path[0].extendedKeyUsages.includes(ids.oid.eku_anon), 'flag 4 and tc-anon');
  const terms = { now: input.now, maxAge: input.max_age, certain: true, identity: true, seen: () => {} };
  checkRevocation(path, readProofs(body.get(8)), [], terms);
  if (!input.requires_evidence) return { direction: 'not-required' };
  if (waives) {
    const credentials = {
      waiverAuthorities: certificates(input.waiver_authorities), revokedWaivers: input.revoked_waivers,
      policy: { minimum_waiver_level: input.minimum_level },
    };
    checkWaiver(body.get(9), path[0], { credentials, now: input.now });
  } else {
    must(body.get(3).some((type) => input.accepted.includes(type)), 'no common evidence');
  }
  return { direction: waives ? 'waived' : 'attests' };
}

export const judgedOperations = {
  hello,

  label,

  evidence(input, { pseudonyms = false } = {}) {
    const trust = trustOf(input, pseudonyms);
    const att = new Map([[2, octets(input.cmw)]]);
    if (input.endorsements) att.set(3, proofs(input.endorsements));
    const { peer } = trust;
    appraise(att, { types: [ids.content_format.eat_cwt], binder: octets(input.binder), peer, maxAge: input.max_age }, trust);
  },
};
