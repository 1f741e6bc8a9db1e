/** COSE_Sign1 with ES256 (RFC 9052), COSE_Key (RFC 9052 section 7) and the profile's headers. */
import { sign, verify } from 'node:crypto';
import { Tagged, decode, encode } from './cbor.js';
import { Certificate, sha256 } from './certificate.js';
import { ids } from './identifiers.js';
import { ensure } from './refusal.js';

const { cose } = ids;
const toSign = (protectedHeader, aad, payload) => encode(['Signature1', protectedHeader, Buffer.from(aad), payload]);

/** The header parameter x5t of a certificate. */
export const x5t = (certificate) => [cose.algorithm.sha256, certificate.digest];

/** The header parameter x5chain: leaf first, a byte string for one certificate. */
export const x5chain = (chain) => (chain.length === 1 ? chain[0].der : chain.map(({ der }) => der));

/**
 * A tagged COSE_Sign1.
 * @param {{protectedHeader: Map, unprotected?: Map, payload: Buffer, aad: string, key: import('node:crypto').KeyObject}} parts
 */
export function sign1({ protectedHeader, unprotected = new Map(), payload, aad, key }) {
  const header = encode(protectedHeader);
  const signature = sign('sha256', toSign(header, aad, payload), { key, dsaEncoding: 'ieee-p1363' });
  return new Tagged(cose.tag_sign1, [header, unprotected, payload, signature]);
}

/** A received COSE_Sign1 whose frame was checked by its grammar; the protected header is decoded. */
export class Sign1 {
  constructor(tagged) {
    ensure(tagged instanceof Tagged && tagged.tag === cose.tag_sign1, 'decode_error', 'no tagged COSE_Sign1');
    [this.header, this.unprotected, this.payload, this.signature] = tagged.value;
    this.octets = tagged.octets;
    this.protected = decode(this.header);
  }

  /** Certificates of x5chain, leaf first. */
  get chain() {
    const chain = this.unprotected.get(cose.x5chain) ?? [];
    return (Array.isArray(chain) ? chain : [chain]).map((der) => new Certificate(der));
  }

  /** Whether the protected x5t is the digest of a certificate. */
  names(certificate) {
    const named = this.protected.get(cose.x5t);
    return Array.isArray(named) && encode(named).equals(encode(x5t(certificate)));
  }

  verify(key, aad) {
    return this.signature.length === 64
      && verify('sha256', toSign(this.header, aad, this.payload), { key, dsaEncoding: 'ieee-p1363' }, this.signature);
  }
}

/** cnf of a public P-256 key. */
export function confirmation(publicKey) {
  const { x, y } = publicKey.export({ format: 'jwk' });
  const [xOctets, yOctets] = [x, y].map((text) => Buffer.from(text, 'base64url'));
  return new Map([[1, new Map([[1, 2], [-1, 1], [-2, xOctets], [-3, yOctets]])]]);
}

/** Whether cnf holds this key: parameters are compared, not encodings. */
export function confirms(cnf, publicKey) {
  const [found, wanted] = [cnf, confirmation(publicKey)].map((map) => map.get(1));
  return [1, -1].every((label) => found.get(label) === wanted.get(label))
    && [-2, -3].every((label) => Buffer.isBuffer(found.get(label)) && found.get(label).equals(wanted.get(label)));
}

export { sha256 };
