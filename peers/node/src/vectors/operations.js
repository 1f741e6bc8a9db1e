/** What vectors can ask, by name: each operation returns its output, or throws where it must refuse. */
import { decode } from '../cbor.js';
import { blockOperations } from './blocks.js';
import { matches } from './cddl.js';
import { chain } from './chains.js';
import { channelOperations } from './channel.js';
import { collectionEvidence } from './collected.js';
import { handshake } from './edhoc.js';
import { environmentOperations } from './environment.js';
import { judgedOperations } from './judged.js';
import { octets } from './octets.js';
import { pkiOperations } from './pki.js';
import { psaEvidence } from './psa.js';
import { pseudonymOperations } from './pseudonym.js';
import { propertyProof } from './property.js';
import { passport, result } from './result.js';
import { sequence } from './sequence.js';
import { session } from './session.js';
import { sign1 } from './sign1.js';
import { tpmOperations } from './tpm.js';
import { tree } from './tree.js';
import { virtualOperations } from './virtual.js';

function must(holds, why) {
  if (!holds) throw new Error(why);
}

export const operations = {
  ...blockOperations,
  ...channelOperations,
  ...environmentOperations,
  ...judgedOperations,
  ...pkiOperations,
  ...pseudonymOperations,
  ...tpmOperations,
  ...virtualOperations,

  edhoc: handshake,
  'collection-evidence': collectionEvidence,
  'property-proof': propertyProof,
  'psa-evidence': psaEvidence,
  'cose-sign1': sign1,
  chain,
  passport,
  result,
  session,

  cbor: (input) => ({ value: tree(decode(octets(input.octets))) }),

  grammar(input) {
    const data = octets(input.octets);
    must(matches(input.rule, input.sequence ? sequence(data) : decode(data)), `does not match ${input.rule}`);
  },
};
