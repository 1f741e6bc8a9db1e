/** EDHOC (RFC 9528), read by somebody who knows both ephemeral keys and judges each message as its receiver must. */
import { decode, encode } from '../cbor.js';
import { expand, extract, hash, loadKey, mustVerify, openAead, sharedSecret } from './crypto.js';
import { hex, octets } from './octets.js';
import { encodedItems } from './sequence.js';

const SUITE = {
  0: { aead: 'AES-CCM-16-64-128', hash: 'sha256', mac: 8, curve: 'X25519', share: 32, key: 16, nonce: 13 },
  2: { aead: 'AES-CCM-16-64-128', hash: 'sha256', mac: 8, curve: 'P-256', share: 32, key: 16, nonce: 13 },
  3: { aead: 'AES-CCM-16-128-128', hash: 'sha256', mac: 16, curve: 'P-256', share: 32, key: 16, nonce: 13 },
  5: { aead: 'ChaCha20/Poly1305', hash: 'sha256', mac: 16, curve: 'P-256', share: 32, key: 32, nonce: 12 },
  24: { aead: 'A256GCM', hash: 'sha384', mac: 16, curve: 'P-384', share: 48, key: 32, nonce: 12 },
};
const SIGNS = [{ I: true, R: true }, { I: true, R: false }, { I: false, R: true }, { I: false, R: false }];

function must(holds, why) {
  if (!holds) throw new Error(why);
}

const isInt = Number.isInteger;
const join = (...parts) => Buffer.concat(parts);

/** EDHOC_KDF, section 4.1.2. */
export const edhocKdf = (suite, prk, label, context, length) =>
  expand(SUITE[suite].hash, prk, join(encode(label), encode(context), encode(length)), length);

export const algorithms = (suite) => SUITE[suite];

/** The octets that an identifier stands for (section 3.3.2). */
function identifier(encoded) {
  const value = decode(encoded);
  if (isInt(value)) {
    must(encoded.length === 1, 'an integer of more than one octet');
    return encoded;
  }
  must(Buffer.isBuffer(value), 'no identifier');
  must(!(value.length === 1 && (value[0] < 0x18 || (value[0] >= 0x20 && value[0] < 0x38))), 'has to be an integer');
  return value;
}

/** Labels, each with at most one value; a negative label is critical, and none is known. */
function checkEad(items) {
  let open = false;
  for (const item of items.map(decode)) {
    if (Buffer.isBuffer(item)) must(open, 'a value without a label');
    else must(isInt(item) && item >= 0, 'no label, or a critical one');
    open = !Buffer.isBuffer(item);
  }
  return join(...items);
}

export class Reader {
  found = {};

  constructor({ method, suites, x, y, credentials }) {
    Object.assign(this, { method, suites, x: octets(x), y: octets(y) });
    this.credentials = new Map(credentials.map((held) => [held.id_cred, held]));
  }

  kdf(prk, label, context, length) {
    return edhocKdf(this.suite, this.found[prk], label, context, length);
  }

  hash(...parts) {
    return hash(this.algorithms.hash, ...parts);
  }

  message1(data) {
    const items = encodedItems(data);
    must(items.length >= 4, 'too few items');
    const [method, suites, gX] = items.map(decode);
    const list = Array.isArray(suites) ? suites : [suites];
    must(isInt(method) && list.every(isInt) && Buffer.isBuffer(gX), 'grammar of message_1');
    must(!Array.isArray(suites) || suites.length > 1, 'a list of one suite');
    identifier(items[3]);
    must(method === this.method, 'method');
    this.suite = list.at(-1);
    must(this.suites.includes(this.suite), 'suite is not supported');
    must(!list.slice(0, -1).some((suite) => this.suites.includes(suite)), 'a preferred suite is supported');
    this.algorithms = SUITE[this.suite];
    checkEad(items.slice(4));
    sharedSecret(this.algorithms.curve, this.y, gX);
    this.hMessage1 = this.hash(data);
  }

  message2(data) {
    const { found } = this;
    const { share, curve, hash: name } = this.algorithms;
    const content = decode(data);
    must(Buffer.isBuffer(content) && content.length >= share, 'grammar of message_2');
    const [gY, ciphertext] = [content.subarray(0, share), content.subarray(share)];
    found.g_xy = sharedSecret(curve, this.x, gY);
    found.th_2 = this.hash(encode(gY), encode(this.hMessage1));
    found.prk_2e = extract(name, found.th_2, found.g_xy);
    found.keystream_2 = this.kdf('prk_2e', 0, found.th_2, ciphertext.length);
    found.plaintext_2 = ciphertext.map((octet, i) => octet ^ found.keystream_2[i]);
    const [cR, idCred, carried, ...items] = encodedItems(found.plaintext_2);
    must(carried, 'too few items');
    identifier(cR);
    const party = this.credential(idCred, checkEad(items));
    found.prk_3e2m = this.withStatic('prk_2e', 1, 'th_2', SIGNS[this.method].R, party, this.x);
    this.authenticate('R', 'mac_2', 'prk_3e2m', 2, 'th_2', carried, party, cR);
    found.th_3 = this.hash(encode(found.th_2), found.plaintext_2, party.cred);
  }

  message3(data) {
    const { found } = this;
    found.plaintext_3 = this.open(data, 3, 'prk_3e2m', 'th_3', 3);
    const [idCred, carried, ...items] = encodedItems(found.plaintext_3);
    must(carried, 'too few items');
    const party = this.credential(idCred, checkEad(items));
    found.prk_4e3m = this.withStatic('prk_3e2m', 5, 'th_3', SIGNS[this.method].I, party, this.y);
    this.authenticate('I', 'mac_3', 'prk_4e3m', 6, 'th_3', carried, party);
    found.th_4 = this.hash(encode(found.th_3), found.plaintext_3, party.cred);
    const size = found.th_4.length;
    found.prk_out = this.kdf('prk_4e3m', 7, found.th_4, size);
    found.prk_exporter = this.kdf('prk_out', 10, Buffer.alloc(0), size);
  }

  message4(data) {
    this.found.plaintext_4 = this.open(data, 4, 'prk_4e3m', 'th_4', 8);
    checkEad(encodedItems(this.found.plaintext_4));
  }

  open(data, number, prk, th, label) {
    const content = decode(data);
    must(Buffer.isBuffer(content), 'a message is a byte string');
    const context = this.found[th];
    const key = (this.found[`k_${number}`] = this.kdf(prk, label, context, this.algorithms.key));
    const nonce = (this.found[`iv_${number}`] = this.kdf(prk, label + 1, context, this.algorithms.nonce));
    return openAead(this.algorithms.aead, key, nonce, encode(['Encrypt0', Buffer.alloc(0), context]), content);
  }

  /** What ID_CRED_x names: a kid stands without its map (section 3.5.3.2). */
  credential(sent, ead) {
    const map = sent[0] >> 5 === 5 ? decode(sent) : undefined;
    must(!(map?.size === 1 && map.has(4)), 'a kid is sent without its map');
    const idCred = map ? sent : encode(new Map([[4, identifier(sent)]]));
    const held = this.credentials.get(hex(idCred));
    must(held, 'unknown credential');
    return { idCred, ead, held, cred: octets(held.cred) };
  }

  withStatic(prk, label, th, signs, { held }, exponent) {
    if (signs) return this.found[prk];
    const salt = this.kdf(prk, label, this.found[th], this.found[th].length);
    return extract(this.algorithms.hash, salt, sharedSecret(this.algorithms.curve, exponent, octets(held.static_share)));
  }

  authenticate(letter, name, prk, label, th, carried, { idCred, ead, held, cred }, before = Buffer.alloc(0)) {
    const [signs, hashed, proof] = [SIGNS[this.method][letter], this.found[th], decode(carried)];
    must(Buffer.isBuffer(proof), 'Signature_or_MAC is a byte string');
    const context = join(before, idCred, encode(hashed), cred, ead);
    const mac = (this.found[name] = this.kdf(prk, label, context, signs ? hashed.length : this.algorithms.mac));
    if (signs) mustVerify(loadKey(held.public_key), proof, encode(['Signature1', idCred, join(encode(hashed), cred, ead), mac]));
    else must(proof.equals(mac), 'MAC');
  }
}

/** Operation `edhoc`. */
export function handshake(input) {
  const reader = new Reader(input);
  for (const number of [1, 2, 3, 4]) {
    const message = input[`message_${number}`];
    if (message !== undefined) reader[`message${number}`](octets(message));
  }
  return Object.fromEntries(Object.entries(reader.found).map(([name, value]) => [name, hex(value)]));
}
