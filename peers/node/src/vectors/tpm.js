/** TPM structures and evidence of a TPM (chapter 7). */
import { createHash } from 'node:crypto';
import { decode } from '../cbor.js';
import { Certificate, sha256 } from '../certificate.js';
import { ids } from '../identifiers.js';
import { readProofs } from '../revocation.js';
import { checkPath } from '../trust.js';
import { matches } from './cddl.js';
import { loadKey, mustVerify } from './crypto.js';
import { judgeList, shownList } from './ima.js';
import { hex, octets } from './octets.js';
import { certificates, lists } from './pki.js';

const [SHA1, SHA256] = [ids.tpm.sha1, ids.tpm.sha256];
const BANKS = new Map([[SHA1, 20], [SHA256, 32], [ids.tpm.sha384, 48]]);
const bit = (name) => 2 ** ids.tpm.attribute[name];
const has = (attributes, ...names) => names.every((name) => Math.floor(attributes / bit(name)) % 2 === 1);

function must(holds, why) {
  if (!holds) throw new Error(why);
}

class Cursor {
  at = 0;

  constructor(data, little = false) {
    Object.assign(this, { data, little });
  }

  take(count) {
    must(this.at + count <= this.data.length, 'ends early');
    return this.data.subarray(this.at, (this.at += count));
  }

  number(width) {
    const taken = this.take(width);
    return this.little ? taken.readUIntLE(0, width) : taken.readUIntBE(0, width);
  }

  sized(most) {
    const length = this.number(2);
    must(length <= most, 'longer than it may be');
    return this.take(length);
  }

  constants(...pairs) {
    for (const [width, value] of pairs) must(this.number(width) === value, 'another algorithm');
  }

  end() {
    must(this.at === this.data.length, 'octets too many');
  }
}

export function attest(data) {
  must(data.length <= 1024, 'too long');
  const cursor = new Cursor(data);
  const [magic, type, signer, extra] = [cursor.number(4), cursor.number(2), cursor.sized(66), cursor.sized(64)];
  const clock = cursor.take(8).readBigUInt64BE();
  const [resetCount, restartCount, safe] = [cursor.number(4), cursor.number(4), cursor.number(1)];
  const firmware = cursor.take(8).readBigUInt64BE();
  return { magic, type, signer, extra, clock, reset_count: resetCount, restart_count: restartCount, safe, firmware, attested: data.subarray(cursor.at) };
}

function publicArea(data) {
  const cursor = new Cursor(data);
  cursor.constants([2, ids.tpm.ecc], [2, SHA256]);
  const [attributes, policy] = [cursor.number(4), cursor.sized(32)];
  must([0, 32].includes(policy.length), 'a policy of another length');
  cursor.constants([2, 0x10], [2, ids.tpm.ecdsa], [2, SHA256], [2, ids.tpm.p256], [2, 0x10]);
  const [x, y] = [cursor.sized(32), cursor.sized(32)].map((part) => Buffer.concat([Buffer.alloc(32 - part.length), part]));
  cursor.end();
  const key = loadKey({ kty: 'EC', crv: 'P-256', x: hex(x), y: hex(y) });
  return { attributes, policy, name: Buffer.concat([Buffer.from([SHA256 >> 8, SHA256 & 255]), sha256(data)]), x, y, key };
}

export function signature(data) {
  const cursor = new Cursor(data);
  cursor.constants([2, ids.tpm.ecdsa], [2, SHA256]);
  const parts = [cursor.sized(32), cursor.sized(32)];
  cursor.end();
  return Buffer.concat(parts.flatMap((part) => [Buffer.alloc(32 - part.length), part]));
}

export function quoteInfo(data) {
  const cursor = new Cursor(data);
  const count = cursor.number(4);
  must(count <= 4, 'too many selections');
  const selections = Array.from({ length: count }, () => {
    const bank = cursor.number(2);
    must(BANKS.has(bank), 'an unknown bank');
    cursor.constants([1, 3]);
    const bits = cursor.take(3).readUIntLE(0, 3);
    return [bank, Array.from({ length: 24 }, (_, i) => i).filter((i) => bits & (1 << i))];
  });
  const digest = cursor.sized(32);
  cursor.end();
  return { selections, digest };
}

function certifyInfo(data) {
  const cursor = new Cursor(data);
  const found = { name: cursor.sized(66), qualified_name: cursor.sized(66) };
  cursor.end();
  return found;
}

const LOG_HEAD = Buffer.concat([
  octets('00000000' + '03000000' + '00'.repeat(20) + '21000000'), Buffer.from('Spec ID Event03\0'),
  octets('00000000' + '00020002' + '01000000' + '0b002000' + '00'),
]);

function eventLog(data) {
  must(data.length <= 16384 && data.subarray(0, LOG_HEAD.length).equals(LOG_HEAD), 'another log');
  const cursor = new Cursor(data.subarray(LOG_HEAD.length), true);
  const [events, registers] = [[], new Map()];
  while (cursor.at < cursor.data.length) {
    const [pcr, type] = [cursor.number(4), cursor.number(4)];
    cursor.constants([4, 1], [2, SHA256]);
    const [digest, size] = [cursor.take(32), cursor.number(4)];
    must(pcr < 24 && size <= 1024 && events.length < 64, 'an event out of bounds');
    events.push([pcr, type, digest, cursor.take(size)]);
    if (type !== 3) registers.set(pcr, sha256(registers.get(pcr) ?? Buffer.alloc(32), digest));
  }
  return { events, registers };
}

const READERS = { attest, public: publicArea, signature: (data) => ({ signature: signature(data) }), 'quote-info': quoteInfo, 'certify-info': certifyInfo, 'event-log': eventLog };

function shown(value) {
  if (Buffer.isBuffer(value)) return hex(value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, inner]) => [String(name), shown(inner)]));
  return Array.isArray(value) ? value.map(shown) : value;
}

function structure({ kind, octets: data }) {
  if (kind === 'ima-list') return shownList(octets(data));
  const { key, ...found } = READERS[kind](octets(data));
  const asText = (value) => (kind === 'attest' && !Buffer.isBuffer(value) ? String(value) : shown(value));
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [name, asText(value)]));
}

function attestationKey(bundle, input, leafOfPeer) {
  const [leaf, ...sent] = bundle.get(3).map((der) => new Certificate(der));
  const usages = leaf.extendedKeyUsages;
  must(usages.length === 1 && usages[0] === ids.oid.eku_tcg_ak, 'usage of the attestation key');
  const known = [leafOfPeer, ...certificates([input.own, ...input.known])];
  must(!known.some(({ publicKey }) => publicKey.equals(leaf.publicKey)), 'an identity key');
  must(leaf.uris.length === 1 && leaf.uris[0] === leafOfPeer.platform.urn, 'another platform');
  const proofs = input.endorsements ? decode(octets(input.endorsements)) : [];
  const credentials = { policy: { revocation_max_age: input.revocation_max_age }, crls: lists(input.crls) };
  const asked = { leaf, sent, anchors: certificates(input.roots), proofs: readProofs(proofs), code: 'attestation_failed', ordered: true, identity: false };
  checkPath(asked, { credentials, now: input.now, store: { verified: () => {} } });
  return leaf;
}

/** A bundle in a record of its own: its attestation key and its quote, judged. */
export function judgeBundle([type, value, indicator], input) {
  must(type === ids.media_type.tpm2_evidence && indicator === ids.cmw.evidence, 'wrapper');
  const bundle = decode(value);
  must(matches('tpm_bundle', bundle), 'grammar of the bundle');
  const [peer] = certificates([input.leaf]);
  const leaf = attestationKey(bundle, input, peer);
  const [ak, idk] = [publicArea(bundle.get(2)), publicArea(bundle.get(7))];
  must(ak.key.equals(leaf.publicKey), 'a public area of another key');
  must(has(ak.attributes, 'restricted', 'sign', 'fixed_tpm') && !has(ak.attributes, 'decrypt'), 'attributes of the attestation key');
  const [quote, certification] = [4, 8].map((key) => {
    mustVerify(leaf.publicKey, signature(bundle.get(key + 1)), bundle.get(key));
    return attest(bundle.get(key));
  });
  for (const made of [quote, certification]) must(made.magic === ids.tpm.magic && made.extra.equals(octets(input.binder)), 'magic or binder');
  must(quote.type === ids.tpm.quote && certification.type === ids.tpm.certify, 'types');
  must(quote.signer.length === 34 && quote.signer.readUInt16BE(0) === SHA256, 'name of the signer');
  must(quote.signer.equals(certification.signer), 'signers');
  for (const name of ['reset_count', 'restart_count', 'firmware']) must(quote[name] === certification[name], name);
  must(certifyInfo(certification.attested).name.equals(idk.name), 'another key was certified');
  must(idk.key.equals(peer.publicKey), 'not the key of the leaf');
  must(has(idk.attributes, 'sign', 'fixed_tpm', 'fixed_parent', 'sensitive_data_origin') && !has(idk.attributes, 'restricted'), 'custody');
  checkRegisters(quoteInfo(quote.attested), bundle, input);
  checkFiles(quoteInfo(quote.attested), bundle, input.files ?? {});
  return { leaf, quote };
}

/** A measurement list, if there is one, and what policy says of files. */
function checkFiles({ selections }, bundle, named) {
  let files = [];
  if (bundle.has(11)) {
    must(selections.some(([bank, pcrs]) => bank === SHA256 && pcrs.includes(10)), 'PCR 10 is not quoted');
    files = judgeList(bundle.get(11), bundle.get(6).get(SHA256).get(10));
  }
  if (!Object.keys(named).length) return;
  must(files.length, 'no measurement list');
  must(files.every(({ name, digest }) => Object.hasOwn(named, name) && named[name] === hex(digest)), 'a file that policy does not name so');
}

/** What a quote shows is over these values, and covers the registers that policy names. */
export function checkQuoted({ selections, digest }, values, named) {
  const chosen = selections.flatMap(([bank, pcrs]) => pcrs.map((pcr) => [bank, pcr]));
  must(chosen.length && !selections.some(([bank]) => bank === SHA1), 'banks');
  must(named.length && named.every((pcr) => chosen.some(([b, p]) => b === SHA256 && p === pcr)), 'not quoted');
  const hash = createHash('sha256');
  must(new Set(selections.map(([bank]) => bank)).size === selections.length, 'a bank twice');
  for (const [bank, pcr] of chosen) {
    must(values.get(bank).get(pcr).length === BANKS.get(bank), 'length of a value');
    hash.update(values.get(bank).get(pcr));
  }
  must(hash.digest().equals(digest), 'other values were quoted');
}

function checkRegisters(quoted, bundle, input) {
  const references = Object.entries(input.reference_pcrs);
  const values = bundle.get(6);
  checkQuoted(quoted, values, references.map(([pcr]) => Number(pcr)));
  const held = values.get(SHA256);
  must(references.every(([pcr, value]) => held.get(Number(pcr))?.equals(octets(value))), 'reference values');
  if (!bundle.has(10)) return;
  const { events, registers } = eventLog(bundle.get(10));
  must(events.every(([pcr, type]) => type !== 3 && input.event_types[pcr] === type), 'types of events');
  const expected = Object.keys(input.event_types).map(Number);
  must(registers.size === expected.length && expected.every((pcr) => registers.get(pcr)?.equals(held.get(pcr))), 'the log does not replay');
}

export const tpmOperations = { 'tpm-structure': structure, 'tpm-evidence': (input) => void judgeBundle(decode(octets(input.cmw)), input) };
