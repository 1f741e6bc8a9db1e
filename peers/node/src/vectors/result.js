/** A verifier's reply, judged by who asked (VER-05, PBA-06). */
import { decode } from '../cbor.js';
import { Sign1, confirms } from '../cose.js';
import { ids } from '../identifiers.js';
import { hex, octets } from './octets.js';
import { certificates } from './pki.js';

function must(holds, why) {
  if (!holds) throw new Error(why);
}

const hasExactly = (map, ...keys) => map instanceof Map && map.size === keys.length && keys.every((key) => map.has(key));

function checkSubmods(submods, input) {
  must(submods instanceof Map && submods.has(ids.ear.submod), 'submodules');
  for (const submod of submods.values()) {
    const [status, policies] = [submod.get(1000), submod.get(1003)];
    must(Array.isArray(policies) && policies.length === 1 && policies[0] === input.policy, 'policy');
    must(!input.revoked_policies.includes(policies[0]), 'policy is revoked');
    must(Number.isInteger(status) && status >= 2 && status < 32, 'not affirming');
  }
}

export function result(input) {
  const reply = decode(octets(input.reply));
  must(hasExactly(reply, 1), 'no result');
  const ear = new Sign1(reply.get(1));
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
  checkSubmods(claims.get(266), input);
}
