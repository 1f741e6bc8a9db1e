/** Credentials and proofs of status, judged by this peer's own modules. */
import { decode, encode } from '../cbor.js';
import { Certificate, checkIdentity, findPath } from '../certificate.js';
import { x5t } from '../cose.js';
import { Crl, checkRevocation, readProofs } from '../revocation.js';
import { hex, octets } from './octets.js';

function must(holds, why) {
  if (!holds) throw new Error(why);
}

export const certificates = (list) => list.map((der) => new Certificate(octets(der)));
export const lists = (list) => list.map((der) => new Crl(octets(der)));

/** Certificates of x5chain: one byte string, or an array of two to eight. */
export function readChain(value) {
  const listed = Buffer.isBuffer(value) ? [value] : value;
  must(Array.isArray(listed) && listed.every(Buffer.isBuffer), 'x5chain');
  must(Buffer.isBuffer(value) || (listed.length >= 2 && listed.length <= 8), 'x5chain');
  return listed.map((der) => new Certificate(der));
}

/** What ID_CRED_x names: leaf and what was sent with it (IDN-09). */
function presented(header, known) {
  must(header instanceof Map && header.size === 1, 'one header parameter');
  if (header.has(33)) return readChain(header.get(33));
  must(header.has(34), 'neither x5chain nor x5t');
  const wanted = encode(header.get(34));
  const leaf = known.find((certificate) => encode(x5t(certificate)).equals(wanted));
  must(leaf, 'no such certificate');
  return [leaf];
}

/** The path of a credential, judged but for whether its owner is wanted; `understood` as `findPath` has it. */
export function credential(input, { understood, roots = () => certificates(input.roots) } = {}) {
  const known = certificates(input.known);
  const header = decode(octets(input.id_cred));
  const [leaf, ...sent] = presented(header, known);
  const others = header.has(33) ? sent : known;
  const path = findPath(leaf, others, roots(leaf), input.now, { ordered: header.has(33), understood });
  const identity = checkIdentity(leaf, input.role, certificates([input.own])[0]);
  const elsewhere = known.find(({ publicKey, uris }) => publicKey.equals(leaf.publicKey) && uris.join() !== leaf.uris.join());
  must(!elsewhere, 'a key that is known under another name');
  checkRevocation(path, [], lists(input.crls), { now: input.now, maxAge: Infinity, certain: false, identity: true, seen: () => {} });
  return { path, known, leaf, identity };
}

export const pkiOperations = {
  certificate(input) {
    const { identity, leaf } = credential(input);
    must(input.identities.includes(identity), 'another identity');
    return { identity, leaf: hex(leaf.digest) };
  },

  status(input) {
    const path = certificates([input.certificate, input.issuer]);
    const proofs = readProofs(input.proofs ? decode(octets(input.proofs)) : []);
    checkRevocation(path, proofs, [], { now: input.now, maxAge: input.max_age, certain: true, identity: true, seen: () => {} });
  },
};
