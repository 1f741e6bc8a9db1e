/** The algorithms of EDHOC suites and of vectors, from node:crypto. */
import { createDecipheriv, createECDH, createHash, createHmac, createPrivateKey, createPublicKey, diffieHellman, verify } from 'node:crypto';
import { octets } from './octets.js';

const GROUP = { 'P-256': 'prime256v1', 'P-384': 'secp384r1' };
const X25519_PRIVATE = octets('302e020100300506032b656e04220420');
const X25519_PUBLIC = octets('302a300506032b656e032100');

function must(holds, why) {
  if (!holds) throw new Error(why);
}

export const hash = (name, ...parts) => parts.reduce((state, part) => state.update(part), createHash(name)).digest();
export const hmac = (name, key, data) => createHmac(name, key).update(data).digest();

/** HKDF-Extract and HKDF-Expand (RFC 5869). */
export const extract = (name, salt, secret) => hmac(name, salt.length ? salt : Buffer.alloc(hash(name).length), secret);

export function expand(name, key, info, length) {
  must(length <= 255 * hash(name).length, 'more than HKDF can give');
  const blocks = [Buffer.alloc(0)];
  for (let counter = 1; Buffer.concat(blocks).length < length; counter++) {
    blocks.push(hmac(name, key, Buffer.concat([blocks.at(-1), info, Buffer.from([counter])])));
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** ECDH with the x-coordinate of the other share. */
export function sharedSecret(curve, privateKey, share) {
  if (curve === 'X25519') {
    must(share.length === 32, 'length of a share');
    const own = createPrivateKey({ key: Buffer.concat([X25519_PRIVATE, privateKey]), format: 'der', type: 'pkcs8' });
    const other = createPublicKey({ key: Buffer.concat([X25519_PUBLIC, share]), format: 'der', type: 'spki' });
    return diffieHellman({ privateKey: own, publicKey: other });
  }
  must(share.length === (curve === 'P-256' ? 32 : 48), 'length of a share');
  const own = createECDH(GROUP[curve]);
  own.setPrivateKey(privateKey);
  return own.computeSecret(Buffer.concat([Buffer.from([2]), share]));
}

/** A public key in the form of vectors. */
export function loadKey({ kty, crv, x, y }) {
  const coordinate = (digits) => octets(digits).toString('base64url');
  return createPublicKey({ key: { kty, crv, x: coordinate(x), ...(y ? { y: coordinate(y) } : {}) }, format: 'jwk' });
}

/** A COSE signature: EdDSA, or ECDSA as r and s. */
export function mustVerify(key, signature, message) {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const length = curve === 'secp384r1' ? 96 : 64;
  must(signature.length === length, 'length of a signature');
  const algorithm = curve && { prime256v1: 'sha256', secp384r1: 'sha384' }[curve];
  must(verify(algorithm ?? null, message, { key, dsaEncoding: 'ieee-p1363' }, signature), 'signature does not verify');
}

const CIPHER = {
  'AES-CCM-16-64-128': ['aes-128-ccm', 8],
  'AES-CCM-16-128-128': ['aes-128-ccm', 16],
  'ChaCha20/Poly1305': ['chacha20-poly1305', 16],
  A256GCM: ['aes-256-gcm', 16],
};

export function openAead(algorithm, key, nonce, aad, sealed) {
  const [cipher, authTagLength] = CIPHER[algorithm];
  must(sealed.length >= authTagLength, 'shorter than a tag');
  const plaintextLength = sealed.length - authTagLength;
  const open = createDecipheriv(cipher, key, nonce, { authTagLength });
  open.setAuthTag(sealed.subarray(plaintextLength));
  open.setAAD(aad, { plaintextLength });
  const plaintext = open.update(sealed.subarray(0, plaintextLength));
  return Buffer.concat([plaintext, open.final()]);
}
