/** A verifier's result, judged by who asked (VER-05, PBA-06), or by whom it is presented to (section 9.1). */
import { decode } from '../cbor.js';
import { Sign1, confirms } from '../cose.js';
import { ids } from '../identifiers.js';
import { hex, octets } from './octets.js';
import { certificates } from './pki.js';

function must(holds, why) {
  if (!holds) throw new Error(why);
}

const hasExactly = (map, ...keys) => map instanceof Map && map.size === keys.length && keys.every((key) => map.has(key));

function affirming(submod) {
  const status = submod?.get(1000);
  must(Number.isInteger(status) && status >= 2 && status < 32, 'not affirming');
}

/** The submodules of a result of a pinned verifier about this peer in this session, by the policy that is wanted. */
function judged(item, input) {
  const ear = new Sign1(item);
  must(hasExactly(ear.protected, 1, 16, 34) && [...ear.unprotected.keys()].every((key) => key === 33), 'headers');
  must([-7, -9].includes(ear.protected.get(1)) && ear.protected.get(16) === 263, 'headers');
  const verifier = certificates(input.verifiers).find((certificate) => ear.names(certificate));
  must(verifier && verifier.notBefore <= input.now && input.now <= verifier.notAfter, 'verifier');
  must(!input.revoked_verifiers.includes(hex(verifier.digest)), 'verifier is revoked');
  must(ear.verify(verifier.publicKey, ids.external_aad.ear), 'signature');
  const claims = decode(ear.payload);
  must([4, 6, 8, 10, 256, 265, 266, 1004].every((key) => claims.has(key)), 'claims');
  must(claims.get(265) === ids.ear.profile, 'profile');
  must(Buffer.isBuffer(claims.get(10)) && hex(claims.get(10)) === input.binder, 'binder');
  const [leaf] = certificates([input.leaf]);
  must(hasExactly(claims.get(8), 1) && confirms(claims.get(8), leaf.publicKey), 'cnf');
  must(Buffer.isBuffer(claims.get(256)) && claims.get(256).equals(leaf.platform.ueid), 'ueid');
  must(claims.get(6) <= input.now + input.tolerance && input.now < claims.get(4), 'not in force');
  const submods = claims.get(266);
  must(submods instanceof Map, 'submodules');
  for (const submod of submods.values()) {
    const policies = submod.get(1003);
    must(Array.isArray(policies) && policies.length === 1 && policies[0] === input.policy, 'policy');
    must(!input.revoked_policies.includes(policies[0]), 'policy is revoked');
  }
  return submods;
}

/** Operation `result`. */
export function result(input) {
  const reply = decode(octets(input.reply));
  must(hasExactly(reply, 1), 'no result');
  const submods = judged(reply.get(1), input);
  must(submods.has(ids.ear.submod), 'nothing about the platform');
  submods.forEach(affirming);
}

/** Operation `passport`. */
export function passport(input) {
  const [type, value, indicator] = decode(octets(input.cmw));
  must(type === ids.media_type.result && indicator === ids.cmw.results, 'wrapper');
  const submods = judged(decode(value), input);
  for (const name of input.properties) affirming(submods.get(name));
}
