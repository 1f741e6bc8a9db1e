/** Labels whose environment object a TPM or a PSA root of trust attests (LBL-31, LBL-33). */
import { decode, encode } from '../cbor.js';
import { sha256 } from '../certificate.js';
import { confirms } from '../cose.js';
import { ids } from '../identifiers.js';
import { matches } from './cddl.js';
import { mustVerify } from './crypto.js';
import { judgedOperations } from './judged.js';
import { hex, octets } from './octets.js';
import { certificates } from './pki.js';
import { PsaToken, checkComponents } from './psa.js';
import { attest, checkQuoted, quoteInfo, signature } from './tpm.js';

const ENVIRONMENT = 4;
const { environment: env } = ids;

function must(holds, why) {
  if (!holds) throw new Error(why);
}

/** The label without its object, which was judged: as if it had been accepted before. */
function label(input, rule, judge) {
  const frame = decode(octets(input.frame));
  must(Array.isArray(frame) && frame[1] instanceof Map, 'no frame');
  const brought = frame[1].get(ENVIRONMENT);
  if (brought === undefined) return judgedOperations.label(input);
  must(Array.isArray(brought) && brought.length === 1 && matches(rule, brought[0]), 'not one environment object');
  const [item] = brought;
  const [peer, attestationKey] = certificates([input.leaf, input.attestation_key]);
  judge(item, attestationKey, peer);
  checkSession(decode(item[0]), peer, input);
  const body = new Map([...frame[1]].filter(([key]) => key !== ENVIRONMENT));
  const environment = hex(sha256(encode(item)));
  return judgedOperations.label({ ...input, frame: hex(encode([frame[0], body])), environment });
}

function checkSession(claims, peer, input) {
  must(confirms(claims.get(env.cnf), peer.publicKey), 'cnf');
  must(claims.get(env.sid).equals(octets(input.sid)), 'session');
  must(claims.get(env.epoch) === input.epoch, 'epoch');
  must(claims.get(env.iat) >= input.environment_iat, 'older than the one before');
}

export const environmentOperations = {
  'label-tpm': (input) => label(input, 'quoted_environment', ([object, quoted, signed], key) => {
    mustVerify(key.publicKey, signature(signed), quoted);
    const quote = attest(quoted);
    must(quote.magic === ids.tpm.magic && quote.type === ids.tpm.quote, 'no quote');
    must(quote.extra.equals(sha256(object)), 'a quote over something else');
    must(quote.reset_count === input.reset_count && quote.restart_count === input.restart_count, 'another start');
    checkQuoted(quoteInfo(quote.attested), decode(octets(input.registers)), input.reference_pcrs);
  }),

  'label-psa': (input) => label(input, 'psa_environment', ([object, value], key, peer) => {
    const token = new PsaToken(decode(value));
    token.verify(key);
    must(token.octets(10) === hex(sha256(object)), 'a token over something else');
    token.judgeCaller(peer);
    checkComponents(token.claims.get(2399), input.reference_values, input.signers);
    must(token.octets(268) === input.boot_seed, 'another start');
  }),
};
