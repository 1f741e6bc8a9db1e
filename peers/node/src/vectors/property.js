/** Verification of a property proof (section 9.3), in numbers of the suite tc1-pba-2048. */
import { createHash } from 'node:crypto';
import { decode, encode } from '../cbor.js';
import { Sign1, sha256 } from '../cose.js';
import { loadKey } from './crypto.js';
import { hex, octets } from './octets.js';

const BITS = { modulus: 2048, group: 2048, e: 505, configuration: 641, v: 3207 };
const L_E = 645n;

function must(holds, why) {
  if (!holds) throw new Error(why);
}

const big = (data) => BigInt(`0x0${hex(data)}`);
const mod = (value, modulus) => ((value % modulus) + modulus) % modulus;

/** 1 / value, by the extended algorithm of Euclid. */
function inverse(value, modulus) {
  let [r0, r1, t0, t1] = [modulus, mod(value, modulus), 0n, 1n];
  while (r1 > 0n) {
    const quotient = r0 / r1;
    [r0, r1, t0, t1] = [r1, r0 - quotient * r1, t1, t0 - quotient * t1];
  }
  must(r0 === 1n, 'not invertible');
  return mod(t0, modulus);
}

/** base^exponent; a negative exponent takes the inverse. */
function power(base, exponent, modulus) {
  let square = exponent < 0n ? inverse(base, modulus) : mod(base, modulus);
  let result = 1n;
  for (let left = exponent < 0n ? -exponent : exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

const product = (modulus, ...factors) => factors.reduce((made, factor) => (made * factor) % modulus, 1n);
const toOctets = (value, bits) => octets(value.toString(16).padStart(2 * Math.ceil(bits / 8), '0'));

function number(data, bits) {
  must(Buffer.isBuffer(data) && data.length === Math.ceil(bits / 8), 'length of a number');
  const value = big(data);
  must(value < 1n << BigInt(bits), 'a number that is too great');
  return value;
}

/** H of the chapter. */
function shake(bits, ...parts) {
  const outputLength = Math.ceil(bits / 8);
  const digest = createHash('shake256', { outputLength }).update(encode(parts)).digest();
  return big(digest) >> BigInt(outputLength * 8 - bits);
}

const generator = (group, prime, name) => power(shake(BITS.group + 128, 'tc1-pba-generator', group, name), 2n, prime);

/** Configurations that a current list of the issuer revokes. */
function revokedBy(encoded, input) {
  const list = new Sign1(decode(encoded));
  const { protected: header } = list;
  must(header.size === 2 && header.get(1) === -7 && header.get(16) === 'application/vnd.tc.pba-list+cose', 'headers');
  must(list.unprotected.size === 0 && list.verify(loadKey(input.list_key), 'tc1-pba-list'), 'signature of the list');
  const claims = decode(list.payload);
  must(hex(claims.get(1)) === input.key_id && claims.get(2) === input.property, 'list of another key or property');
  must(claims.get(4) - 60 <= input.now && input.now < claims.get(5), 'list is not current');
  must(claims.get(6) === false, 'the property is withdrawn');
  return claims.get(7).map(big);
}

/** Operation `property-proof`. */
export function propertyProof(input) {
  const encoded = octets(input.list);
  const [revoked, proof] = [revokedBy(encoded, input), decode(octets(input.proof))];
  must(proof instanceof Map && proof.size === 9, 'members of the proof');
  must(proof.get(1) === input.property && sha256(encoded).equals(proof.get(2)), 'about something else');
  const [n, prime] = [input.n, input.prime].map((digits) => big(octets(digits)));
  const [s, r0, r1, z] = ['s', 'r_0', 'r_1', 'z'].map((name) => power(big(octets(input.roots[name])), 2n, n));
  const [blinded, challenge] = [number(proof.get(3), BITS.modulus), number(proof.get(4), 256)];
  const [e, configuration, v] = ['e', 'configuration', 'v'].map((name, i) => number(proof.get(5 + i), BITS[name]));
  const below = (data) => number(data, BITS.group - 1);
  const r = below(proof.get(8));
  const pairs = proof.get(9).map((pair) => pair.map(below));
  must(pairs.length === revoked.length, 'inequalities');
  must([r, ...pairs.flat()].every((value) => value < prime >> 1n), 'not below the order');
  must(blinded > 1n && blinded < n, 'not invertible');
  inverse(blinded, n);
  const name = big(sha256(encode(['tc1-pba-property', input.property])));
  const left = product(n, z, power(r1, -name, n));
  const exponent = e + (challenge << (L_E - 1n));
  const signature = product(n, power(left, -challenge, n), power(blinded, exponent, n), power(r0, configuration, n), power(s, v, n));
  const [g, h] = ['g', 'h'].map((which) => generator(input.group, prime, which));
  const element = big(octets(input.commitment));
  const opened = product(prime, power(element, -challenge, prime), power(g, configuration, prime), power(h, r, prime));
  const apart = revoked.map((one, j) => {
    const [a, b] = pairs[j];
    const difference = product(prime, element, power(g, -one, prime));
    return product(prime, power(g, -challenge, prime), power(difference, a, prime), power(h, b, prime));
  });
  const inGroup = (value) => toOctets(value, BITS.group);
  const sent = [toOctets(blinded, BITS.modulus), toOctets(signature, BITS.modulus), inGroup(opened), ...apart.map(inGroup)];
  const bound = [inGroup(element), octets(input.token_digest), octets(input.binder), octets(input.thumbprint), proof.get(2)];
  const group = [input.group, inGroup(prime), inGroup(g), inGroup(h)];
  const expected = shake(256, 'tc1-pba-proof', input.suite, octets(input.key_id), group, input.property, bound, sent);
  must(expected === challenge, 'does not verify');
}
