/** Who speaks under a pseudonym (section 9.2), which this peer itself admits to nobody. */
import { decode } from '../cbor.js';
import { ids } from '../identifiers.js';
import { judgedOperations } from './judged.js';
import { hex, octets } from './octets.js';
import { certificates, credential, readChain } from './pki.js';

function must(holds, why) {
  if (!holds) throw new Error(why);
}

const isPseudonym = (certificate) => certificate.extendedKeyUsages.includes(ids.oid.eku_anon);

function checkLife(certificate) {
  must(!isPseudonym(certificate) || certificate.notAfter - certificate.notBefore <= ids.limit.anonymous_seconds, 'a pseudonym for too long');
}

export const pseudonymOperations = {
  'pseudonym-certificate'(input) {
    const roots = (leaf) => certificates(isPseudonym(leaf) ? input.pseudonym_roots : input.roots);
    const { leaf, identity } = credential(input, { roots });
    must(input.admits_pseudonyms || !isPseudonym(leaf), 'pseudonyms are not admitted');
    checkLife(leaf);
    const nameless = isPseudonym(leaf) && input.role === 'device';
    must(nameless || input.identities.includes(identity), 'another identity');
    return { identity, leaf: hex(leaf.digest) };
  },

  'pseudonym-evidence'(input) {
    const [, token] = decode(octets(input.cmw));
    const [key] = readChain(decode(token).value[1].get(33));
    const [peer] = certificates([input.leaf]);
    must(isPseudonym(key) === isPseudonym(peer), 'a pseudonym beside a name');
    checkLife(key);
    const roots = isPseudonym(key) ? input.pseudonym_roots : input.roots;
    judgedOperations.evidence({ ...input, roots }, { pseudonyms: true });
  },
};
