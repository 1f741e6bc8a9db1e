/** Virtualized roots of trust (chapter 10), which this peer itself does without (VRT-14). */
import { decode } from '../cbor.js';
import { ids } from '../identifiers.js';
import { judgedOperations } from './judged.js';
import { hex, octets } from './octets.js';
import { credential, lists } from './pki.js';

const VIRTUAL = ids.oid.extension_virtual;
const KEY_USAGE = '2.5.29.15';
const PURPOSES = ['eku_device', 'eku_service', 'eku_eat_ak', 'eku_psa_ak', 'eku_tcg_ak'].map((name) => ids.oid[name]);
const SIGNS_CERTIFICATES_ALONE = '03020204';
const FORM = /^30..0421(.{66})0410(.{32})02(..)((?:..)+)$/;

function must(holds, why) {
  if (!holds) throw new Error(why);
}

/** tc-virtual by its one encoding: in DER the generation decides every length. */
function readVirtual(value) {
  const found = FORM.exec(hex(value));
  must(found, 'tc-virtual');
  const number = octets(found[4]);
  must(value[1] === value.length - 2 && number.length === parseInt(found[3], 16), 'lengths in tc-virtual');
  const padded = number.length > 1 && number[0] === 0 && number[1] < 0x80;
  must(number[0] < 0x80 && !padded && number.length <= 5, 'generation');
  const generation = number.readUIntBE(0, number.length);
  must(generation < 2 ** 32, 'generation');
  return { ueid: found[1], instance: found[2], generation };
}

function checkEndorser(leaf, endorser, physical, known) {
  must(endorser.uris.includes(physical) && endorser.platform.urn === physical, 'not endorsed by the physical root that it names');
  must(endorser.basicConstraints.ca && endorser.basicConstraints.pathLength === 0, 'an authority of more than leaves');
  must(hex(endorser.value(KEY_USAGE).octets) === SIGNS_CERTIFICATES_ALONE, 'an authority of more than certificates');
  const others = [leaf, ...known.filter(({ extendedKeyUsages }) => extendedKeyUsages.some((usage) => PURPOSES.includes(usage)))];
  must(!others.some(({ publicKey }) => publicKey.equals(endorser.publicKey)), 'a key of two purposes');
  must(endorser.notBefore <= leaf.notBefore && leaf.notAfter <= endorser.notAfter, 'valid beyond its authority');
}

/** No certificate of the physical root is revoked. */
function checkGround(physical, known, crls) {
  for (const held of known.filter(({ uris }) => uris.includes(physical))) {
    for (const issuer of known.filter((one) => one.basicConstraints.ca && held.issuedBy(one))) {
      must(!crls.some((crl) => crl.about(held, issuer)?.revoked), 'the physical root is revoked');
    }
  }
}

export const virtualOperations = {
  'virtual-certificate'(input) {
    const { path, known, leaf, identity } = credential(input, { understood: [VIRTUAL] });
    must(input.identities.includes(identity), 'another identity');
    const extension = leaf.extensions.get(VIRTUAL);
    must(extension?.critical, 'no critical tc-virtual');
    const { ueid, instance, generation } = readVirtual(extension.value.octets);
    const physical = ids.urn.device + ueid;
    checkEndorser(leaf, path[1], physical, known);
    checkGround(physical, known, lists(input.crls));
    must(!input.physical_only, 'a physical root is wanted');
    const before = input.generations.filter((root) => root.ueid === ueid && root.instance === instance);
    must(before.every((root) => generation >= root.generation), 'an old generation');
    return { identity, leaf: hex(leaf.digest), tc_virtual: hex(extension.value.octets) };
  },

  'virtual-evidence'(input) {
    judgedOperations.evidence(input);
    const [, token] = decode(octets(input.cmw));
    const seed = decode(decode(token).value[2]).get(268);
    must(Buffer.isBuffer(seed) && seed.length === 32, 'no boot seed');
    must(input.boot_seeds.every((shown) => shown === hex(seed)), 'another start is connected');
  },
};
