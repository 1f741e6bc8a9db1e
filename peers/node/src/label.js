/** Labels of data and their environment objects (chapter 11). */
import { randomBytes } from 'node:crypto';
import { checkMeasurements, measure } from './attestation.js';
import { encode } from './cbor.js';
import { Sign1, confirmation, confirms, sha256, sign1, x5chain, x5t } from './cose.js';
import { readInside } from './grammar.js';
import { ids } from './identifiers.js';
import { ensure } from './refusal.js';

const { cose, environment: env, label: labelKey } = ids;
const must = (holds, why, code = 'label_invalid') => ensure(holds, code, why);

/** An environment object of this platform for an epoch (LBL-22). */
export function makeEnvironment({ attestation, identityKey, epoch, sid, now }) {
  return sign1({
    protectedHeader: new Map([
      [cose.alg, cose.algorithm.es256], [cose.typ, ids.media_type.environment], [cose.x5t, x5t(attestation.chain[0])],
    ]),
    unprotected: new Map([[cose.x5chain, x5chain(attestation.chain)]]),
    payload: encode(new Map([
      [env.cnf, confirmation(identityKey)],
      [env.measurements, measure(attestation.boot)],
      [env.bootcount, attestation.bootcount],
      [env.epoch, epoch],
      [env.sid, sid],
      [env.iat, now],
    ])),
    aad: ids.external_aad.environment,
    key: attestation.key,
  });
}

/** A label over content (LBL-03, LBL-04); `environment` is the digest of the environment object, where there is one. */
export function makeLabel({ content, contentType, leaf, key, sid, sequence, environment, now }) {
  const map = new Map([[labelKey.seq, sequence], [labelKey.sid, sid]]);
  if (environment) map.set(labelKey.environment, environment);
  return sign1({
    protectedHeader: new Map([
      [cose.alg, cose.algorithm.es256],
      [cose.cwt_claims, new Map([[1, leaf.platform.urn], [2, leaf.uris[0]], [6, now], [7, randomBytes(16)]])],
      [cose.typ, ids.media_type.label],
      [cose.x5t, x5t(leaf)],
      [cose.payload_hash_alg, cose.algorithm.sha256],
      [cose.preimage_content_type, contentType],
      [cose.label_map, map],
    ]),
    payload: sha256(content),
    aad: ids.external_aad.label,
    key,
  });
}

/**
 * Judges a labelled DATA.
 * @param {Map} data body of the frame
 * @param {object} session peer (leaf), sid, maxAge, components (reference values), evidence (as accepted, undefined without ATT), and
 *   environment (the one accepted last in this epoch) with environmentTime (iat of the last one of the session)
 * @param {object} trust store and now
 * @returns {{digest: Buffer, contentType: string|number, sequence: number, environment?: object}}
 * @throws {Refusal} with the code of the RECEIPT
 */
export function checkLabel(data, session, { store, now }) {
  const label = new Sign1(data.get(2));
  const header = readInside('labelProtected', label.header);
  const [claims, map] = [header.get(cose.cwt_claims), header.get(cose.label_map)];
  const { peer } = session;
  must(label.names(peer), 'x5t (LBL-06)');
  must(label.verify(peer.publicKey, ids.external_aad.label), 'signature (LBL-05)');
  must(claims.get(1) === peer.platform.urn && claims.get(2) === peer.uris[0], 'signer (LBL-07)');
  must(map.get(labelKey.sid).equals(session.sid), 'sid (LBL-08)');
  must(![labelKey.action, labelKey.inputs].some((key) => map.has(key)) && !data.has(5), 'inputs cannot be checked', 'chain_broken');
  must(![labelKey.blocks, labelKey.tui].some((key) => map.has(key)), 'blocks and confirmations cannot be checked');
  const [sequence, issued, id] = [map.get(labelKey.seq), claims.get(6), claims.get(7)];
  const before = store.signer(peer.digest);
  must(sequence > before.highest, 'seq (LBL-09)');
  must(!(id.toString('hex') in before.ids), 'cti (LBL-11)');
  const oldest = now - session.maxAge;
  must(issued >= oldest && issued <= now + ids.limit.clock_tolerance_seconds, 'iat (LBL-12)');
  const content = data.get(3);
  must(!content || sha256(content).equals(label.payload), 'digest of the content (LBL-10)');
  const environment = checkEnvironment(data.get(4), map.get(labelKey.environment), session, now);
  store.accepted(peer.digest, sequence, id, Number(issued), oldest);
  return { digest: label.payload, contentType: header.get(cose.preimage_content_type), sequence, environment };
}

/** The environment object of a label (LBL-13 to LBL-22): digest and time of the one that now counts. */
function checkEnvironment(brought, named, session, now) {
  if (!session.evidence) {
    must(!named && !brought, 'environment without ATT (LBL-13)');
    return undefined;
  }
  must(Buffer.isBuffer(named), 'no environment (LBL-13)');
  if (!brought) {
    must(session.environment?.digest.equals(named), 'unknown environment (LBL-14)');
    return session.environment;
  }
  const digest = sha256(brought[0].octets);
  must(digest.equals(named), 'another environment (LBL-14)');
  return { digest, time: checkEnvironmentObject(new Sign1(brought[0]), session, now) };
}

function checkEnvironmentObject(object, { peer, evidence, sid, environmentTime, components }, now) {
  readInside('environmentProtected', object.header);
  must(object.unprotected.size === 1 && object.unprotected.has(cose.x5chain), 'unprotected header (LBL-22)');
  const claims = readInside('environmentClaims', object.payload);
  const [leaf] = object.chain;
  must(object.names(leaf), 'x5t (LBL-22)');
  must(leaf.publicKey.equals(evidence.attestationKey.publicKey), 'another attestation key (LBL-16)');
  must(object.verify(leaf.publicKey, ids.external_aad.environment), 'signature (LBL-15)');
  must(confirms(claims.get(env.cnf), peer.publicKey), 'cnf (LBL-17)');
  must(claims.get(env.sid).equals(sid), 'sid (LBL-18)');
  must(claims.get(env.epoch) === evidence.epoch, 'epoch (LBL-19)');
  must(claims.get(env.bootcount) === evidence.bootcount, 'bootcount (LBL-20)');
  must(claims.get(env.iat) >= environmentTime, 'iat went back (LBL-21)');
  must(claims.get(env.iat) <= now + ids.limit.clock_tolerance_seconds, 'iat in the future');
  checkMeasurements(claims.get(env.measurements), components, 'label_invalid'); // LBL-36
  return Number(claims.get(env.iat));
}
