/** Paths with revocation, for identity keys and attestation keys alike. */
import { findPath } from './certificate.js';
import { checkRevocation } from './revocation.js';

/**
 * A valid path whose certificates are certainly not revoked (IDN-10, REV-03, REV-05).
 * @param {{leaf, sent, anchors, proofs?, code?: string, ordered?: boolean, certain?: boolean, identity?: boolean}} what
 *   as `findPath` has it; `certain` false: refuse only what is listed (REV-02); `identity`: the leaf needs a proof (REV-03)
 * @param {{credentials, store, now: number}} trust
 * @returns {{path: Certificate[], until: number}} until: when the first certificate or proof ends
 */
export function checkPath({ leaf, sent, anchors, proofs = [], code, ordered, certain = true, identity = true }, { credentials, store, now }) {
  const path = findPath(leaf, sent, anchors, now, { code, ordered });
  const maxAge = credentials.policy.revocation_max_age;
  const terms = { now, maxAge, certain, identity, seen: (time) => store.verified(time) };
  const until = checkRevocation(path, proofs, credentials.crls, terms);
  return { path, until: Math.min(until, ...path.map(({ notAfter }) => notAfter)) };
}
