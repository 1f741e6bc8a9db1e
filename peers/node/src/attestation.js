/** Evidence as an entity attestation token (chapter 6), its binder, and waivers (chapter 8). */
import { encode } from './cbor.js';
import { checkPath } from './trust.js';
import { Sign1, confirmation, confirms, sha256, sign1, x5chain, x5t } from './cose.js';
import { readInside } from './grammar.js';
import { ids } from './identifiers.js';
import { checked, ensure } from './refusal.js';
import { readProofs } from './revocation.js';

const { claim, cose, limit } = ids;
const EAT = ids.content_format.eat_cwt;

/**
 * SHA-256 of the context of the binder (ATT-26).
 * @param {{role: number, epoch: number, nonce: Buffer, attester: Buffer, relyingParty: Buffer, helloHash: Buffer}} parts
 */
export const binderContext = ({ role, epoch, nonce, attester, relyingParty, helloHash }) =>
  sha256(encode([ids.binder.context, role, epoch, nonce, attester, relyingParty, helloHash]));

/** What runs on this platform, as measured components (ATT-30): each image's digest extends a register of zeros. */
export const measure = (boot) =>
  Object.entries(boot).map(([name, image]) => {
    const value = sha256(Buffer.alloc(32), Buffer.from(image, 'hex'));
    return [
      ids.content_format.measured_component_cbor,
      encode(new Map([[1, [name]], [2, [ids.named_information.sha256, value]]])),
    ];
  });

/**
 * A CMW record with a token. In a product this runs in the root of trust, which inserts the keys itself (ATT-25).
 * @param {object} attestation key, chain, ueid, bootcount, debug_status, boot
 * @param {import('node:crypto').KeyObject} identityKey public
 */
export function makeEvidence(attestation, identityKey, binder, now) {
  const custody = new Map([[1, false], [2, true], [3, true], [4, true]]);
  const claims = new Map([
    [claim.iat, now],
    [claim.cnf, confirmation(identityKey)],
    [claim.eat_nonce, binder],
    [claim.ueid, Buffer.from(attestation.ueid, 'hex')],
    [claim.dbgstat, attestation.debug_status],
    [claim.eat_profile, ids.profile],
    [claim.bootcount, attestation.bootcount],
    [claim.measurements, measure(attestation.boot)],
    [claim.key_attributes, custody],
  ]);
  const token = sign1({
    protectedHeader: new Map([[cose.alg, cose.algorithm.es256], [cose.typ, EAT], [cose.x5t, x5t(attestation.chain[0])]]),
    unprotected: new Map([[cose.x5chain, x5chain(attestation.chain)]]),
    payload: encode(claims),
    aad: ids.external_aad.eat,
    key: attestation.key,
  });
  return encode([EAT, encode(token), ids.cmw.evidence]);
}

/**
 * Appraises the ATT of a peer.
 * @param {Map} att body of the frame
 * @param {object} expected allowed evidence types, binder, peer (leaf), maxAge and last (evidence accepted before)
 * @param {object} trust credentials, store and now
 * @returns {{attestationKey: Certificate, attestationPath: object, bootcount: number, until: number}} what labels are judged by, and its end
 * @throws {Refusal}
 */
export function appraise(att, expected, trust) {
  const [type, token, indicator] = readInside('cmw', att.get(2));
  ensure(type === EAT && expected.types.includes(EAT), 'unsupported_evidence', 'type of evidence (ATT-06)');
  ensure(indicator === ids.cmw.evidence, 'unsupported_evidence', 'CMW indicator (ATT-07)');
  const eat = new Sign1(readInside('eat', token));
  readInside('eatProtected', eat.header);
  const claims = readInside('eatClaims', eat.payload);
  const { leaf, sent, until } = checked('attestation_failed', () => checkAttestationKey(eat, att, trust));
  ensure(claims.get(claim.eat_profile) === ids.profile, 'unsupported_evidence', 'profile (ATT-10)');
  ensure(claims.get(claim.eat_nonce).equals(expected.binder), 'binder_mismatch', 'binder (ATT-16)');
  ensure(confirms(claims.get(claim.cnf), expected.peer.publicKey), 'identity_mismatch', 'cnf (ATT-17)');
  const platform = expected.peer.platform;
  ensure(claims.get(claim.ueid).equals(platform.ueid), 'identity_mismatch', 'ueid (ATT-18)');
  ensure(leaf.platform.urn === platform.urn, 'identity_mismatch', 'platform of the attestation key (ATT-19)');
  checkClaims(claims, expected, trust);
  const bootcount = claims.get(claim.bootcount);
  return { attestationKey: leaf, attestationPath: { leaf, sent }, bootcount, until };
}

function checkAttestationKey(eat, att, trust) {
  const { credentials } = trust;
  const [leaf, ...sent] = eat.chain;
  ensure(eat.names(leaf), 'attestation_failed', 'x5t (ATT-09)');
  ensure(leaf.isP256 && eat.verify(leaf.publicKey, ids.external_aad.eat), 'attestation_failed', 'signature (ATT-11)');
  const identities = [...credentials.known, ...credentials.chain.slice(0, 1), trust.peer];
  ensure(!identities.some(({ publicKey }) => publicKey.equals(leaf.publicKey)), 'attestation_failed', 'identity key (ATT-14)');
  const usages = leaf.extendedKeyUsages.filter((usage) => !(credentials.pseudonyms && usage === ids.oid.eku_anon));
  ensure(usages.length === 1 && usages[0] === ids.oid.eku_eat_ak, 'attestation_failed', 'key usage (ATT-13)');
  ensure(leaf.uris.length === 1, 'attestation_failed', 'names of the attestation key (IDN-20)');
  const proofs = checked('revoked', () => readProofs(att.get(3)));
  const terms = { proofs, code: 'attestation_failed', ordered: true, identity: false };
  const { until } = checkPath({ leaf, sent, anchors: credentials.attestationRoots, ...terms }, trust);
  return { leaf, sent, until };
}

function checkClaims(claims, { maxAge, last }, { credentials, now }) {
  const fail = (holds, why) => ensure(holds, 'attestation_failed', why);
  checkMeasurements(claims.get(claim.measurements), credentials.components);
  const debug = claims.get(claim.dbgstat);
  const least = Math.max(credentials.policy.minimum_dbgstat ?? ids.dbgstat.since_boot, ids.dbgstat.disabled);
  fail(debug >= least && debug <= ids.dbgstat.fully_and_permanently, 'dbgstat (ATT-21)');
  const custody = claims.get(claim.key_attributes);
  const kept = [false, true, true, true].every((value, i) => custody.get(i + 1) === value);
  ensure(kept, 'identity_mismatch', 'key attributes (ATT-22)');
  const issued = claims.get(claim.iat);
  ensure(issued >= now - maxAge && issued <= now + limit.clock_tolerance_seconds, 'stale', 'iat (ATT-23)');
  fail(!last || last.bootcount === claims.get(claim.bootcount), 'bootcount changed (ATT-24)');
}

/** Every component that policy names is there once, with its reference value, and no other (ATT-20). */
export function checkMeasurements(measurements, reference, code = 'attestation_failed') {
  const found = new Map();
  ensure(Array.isArray(measurements), code, 'measurements (ATT-20)');
  for (const [type, value] of measurements) {
    ensure(type === ids.content_format.measured_component_cbor, code, 'measurement (ATT-30)');
    const component = readInside('measuredComponent', value, code);
    const [name] = component.get(1);
    ensure(!found.has(name), code, 'component twice (ATT-20)');
    found.set(name, component.get(2)[1].toString('hex'));
  }
  const names = Object.keys(reference);
  const same = names.length && names.length === found.size && names.every((name) => found.get(name) === reference[name]);
  ensure(same, code, 'measurements (ATT-20)');
}

/**
 * Checks the waiver of a HELLO (WVR-02 to WVR-09).
 * @returns {number} when it ends, seconds since 1970
 */
export function checkWaiver(tagged, peer, { credentials, now }) {
  const deny = (holds, why) => ensure(holds, 'waiver_denied', why);
  const waiver = checked('waiver_denied', () => new Sign1(tagged));
  readInside('waiverProtected', waiver.header, 'waiver_denied');
  deny(waiver.unprotected.size === 0, 'unprotected header (WVR-02)');
  const claims = readInside('waiverClaims', waiver.payload, 'waiver_denied');
  const authority = credentials.waiverAuthorities.find((certificate) => waiver.names(certificate));
  deny(authority, 'authority is not pinned (WVR-04)');
  deny(authority.notBefore <= now && now <= authority.notAfter, 'authority is not valid now');
  deny(waiver.verify(authority.publicKey, ids.external_aad.waiver), 'signature (WVR-03)');
  deny(claims.get(ids.waiver.leaf).equals(peer.digest), 'names another leaf (WVR-05)');
  const level = Math.max(3, credentials.policy.minimum_waiver_level ?? 3);
  deny(claims.get(ids.waiver.level) >= level && claims.get(ids.waiver.level) <= 4, 'level (WVR-06)');
  deny(claims.get(ids.waiver.iat) <= now + limit.clock_tolerance_seconds, 'not yet (WVR-07)');
  deny(now < claims.get(ids.waiver.exp), 'expired (WVR-07)');
  deny(claims.get(ids.waiver.not_exportable), 'key is exportable (WVR-08)');
  const statement = claims.get(ids.waiver.statement).toString('hex');
  deny(!credentials.revokedWaivers.includes(statement), 'statement is revoked (WVR-09)');
  return Number(claims.get(ids.waiver.exp));
}
