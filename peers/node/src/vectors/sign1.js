/** A COSE_Sign1 by itself (RFC 9052 section 4.2), over whatever external_aad. */
import { Tagged, decode, encode } from '../cbor.js';
import { ids } from '../identifiers.js';
import { loadKey, mustVerify } from './crypto.js';
import { hex, octets } from './octets.js';

function must(holds, why) {
  if (!holds) throw new Error(why);
}

/** Operation `cose-sign1`. */
export function sign1(input) {
  const token = decode(octets(input.token));
  must(token instanceof Tagged && token.tag === ids.cose.tag_sign1 && token.value.length === 4, 'no COSE_Sign1');
  const [header, , payload, signature] = token.value;
  const protectedHeader = decode(header);
  must(protectedHeader.size === 1 && protectedHeader.get(1) === ids.cose.algorithm.es256, 'header');
  mustVerify(loadKey(input.key), signature, encode(['Signature1', header, octets(input.external_aad), payload]));
  return { payload: hex(payload) };
}
