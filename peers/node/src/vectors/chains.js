/** Processing chains (section 12.2), with signers' certificates given. */
import { decode } from '../cbor.js';
import { Sign1, sha256 } from '../cose.js';
import { ids } from '../identifiers.js';
import { hex, octets } from './octets.js';
import { certificates } from './pki.js';

const ACTIONS = new Set(['created', 'processed', 'aggregated', 'filtered', 'redacted', 'confirmed', 'forwarded'].map((name) => `tc.${name}`));
const [DEPTH, INPUTS, LABELS] = [32, 64, 1024];

function must(holds, why) {
  if (!holds) throw new Error(why);
}

function checkAction(action, inputs, payload) {
  if (action === undefined) {
    must(!inputs.length, 'no action');
    return;
  }
  must(typeof action.get(2) === 'string' && action.get(2) && Buffer.isBuffer(action.get(3)), 'agent and parameters');
  const name = action.get(1);
  must(ACTIONS.has(name), 'an unknown action');
  must((name === 'tc.created') === (inputs.length === 0), 'inputs of this action');
  must(name !== 'tc.forwarded' || inputs.every(([, , data]) => data.equals(payload)), 'forwarded and changed');
}

function checkSigner(label, signers) {
  const header = label.protected;
  must(header.get(1) === -7 && header.get(16) === ids.media_type.label && header.get(258) === -16, 'header');
  const leaf = signers.find((certificate) => label.names(certificate));
  must(leaf, 'an unknown signer');
  must(label.verify(leaf.publicKey, ids.external_aad.label), 'signature');
  const claims = header.get(ids.cose.cwt_claims);
  must(claims.get(2) === leaf.uris[0] && claims.get(1) === leaf.platform.urn, 'another identity');
}

/** Operation `chain`: each label once, inputs first; returns how many there are. */
export function chain(input) {
  const signers = certificates(input.signers);
  const known = new Map([input.label, ...input.labels].map((data) => [hex(sha256(octets(data))), new Sign1(decode(octets(data)))]));
  must(known.size <= LABELS, 'too many labels');
  const heights = new Map();
  const inputsOf = (label) => label.protected.get(ids.cose.label_map).get(6) ?? [];

  function visit(digest, depth) {
    if (heights.has(digest)) return heights.get(digest);
    must(depth <= DEPTH, 'too deep');
    const label = known.get(digest);
    must(label, 'a label is missing');
    const inputs = inputsOf(label);
    must(inputs.length <= INPUTS, 'too many inputs');
    const below = inputs.map(([, named]) => visit(hex(named), depth + 1));
    for (const [, named, data] of inputs) must(known.get(hex(named)).payload.equals(data), 'named with other data');
    checkAction(label.protected.get(ids.cose.label_map).get(5), inputs, label.payload);
    checkSigner(label, signers);
    const height = 1 + Math.max(0, ...below);
    must(height <= DEPTH, 'too deep');
    heights.set(digest, height);
    return height;
  }

  visit(hex(sha256(octets(input.label))), 1);
  return { labels: known.size };
}
