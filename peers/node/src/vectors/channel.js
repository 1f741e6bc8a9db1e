/** Key schedule of the channel and its records. */
import { binderContext } from '../attestation.js';
import { sha256 } from '../certificate.js';
import { ids } from '../identifiers.js';
import { expand, hash, openAead } from './crypto.js';
import { algorithms, edhocKdf } from './edhoc.js';
import { hex, octets } from './octets.js';

const LABEL = { key_i: 41070, key_r: 41071, iv_i: 41072, iv_r: 41073, sid: 41075 };
const BINDER = 41074;
const NONE = Buffer.alloc(0);

function must(holds, why) {
  if (!holds) throw new Error(why);
}

function answered(okm, { claimed }) {
  must(claimed === undefined || octets(claimed).equals(okm), 'not the value that is claimed');
  return { okm: hex(okm) };
}

const expandLabel = (name, secret, label, context, length) => {
  const full = Buffer.from(`tls13 ${label}`);
  const head = Buffer.from([length >> 8, length & 255, full.length]);
  return expand(name, secret, Buffer.concat([head, full, Buffer.from([context.length]), context]), length);
};

/** TLS-Exporter (RFC 9846 section 7.5). */
const tlsExport = (name, secret, label, context, length) => {
  const derived = expandLabel(name, secret, label, hash(name, NONE), hash(name, NONE).length);
  return expandLabel(name, derived, 'exporter', hash(name, context), length);
};

function binder(input) {
  const { attester, relying_party: relyingParty, nonce } = input;
  const hashed = binderContext({
    role: input.role, epoch: input.epoch, nonce: octets(nonce), attester: sha256(octets(attester)), relyingParty: sha256(octets(relyingParty)),
    helloHash: sha256(octets(input.hello_i), octets(input.hello_r)),
  });
  const secret = octets(input.secret);
  return answered(
    input.binding === 'edhoc' ? edhocKdf(3, secret, BINDER, hashed, 32) : tlsExport('sha256', secret, ids.tls.binder_label, hashed, 32),
    input,
  );
}

export function openRecord({ suite, key, iv, limit }, number, payload) {
  const { aead } = algorithms(suite);
  const tag = aead === 'AES-CCM-16-64-128' ? 8 : 16;
  must(number < limit, 'a record more than allowed');
  must(payload.length - tag <= 16384, 'a plaintext that is too long');
  const nonce = octets(iv);
  const counter = Buffer.alloc(nonce.length);
  counter.writeBigUInt64BE(BigInt(number), nonce.length - 8);
  const additional = Buffer.alloc(5, 3);
  additional.writeUInt32BE(payload.length + 1, 1);
  return openAead(aead, octets(key), nonce.map((octet, i) => octet ^ counter[i]), additional, payload);
}

function records(input) {
  let [left, stream, number] = [octets(input.octets), NONE, input.first];
  const frames = [];
  while (left.length >= 5) {
    const [length, kind] = [left.readUInt32BE(), left[4]];
    must(length > 0 && [1, 2, 3].includes(kind), 'len or kind of a unit');
    must(length <= 16384 + 64, 'a unit that is too long');
    if (left.length < 4 + length) break;
    stream = Buffer.concat([stream, openRecord(input, number++, left.subarray(5, 4 + length))]);
    left = left.subarray(4 + length);
    while (stream.length >= 3) {
      const size = stream.readUIntBE(0, 3);
      must(size <= (input.open ? ids.limit.frame_after_open ?? 1 << 20 : ids.limit.frame_before_open ?? 1 << 16), 'a frame that is too long');
      if (stream.length < 3 + size) break;
      frames.push(hex(stream.subarray(3, 3 + size)));
      stream = stream.subarray(3 + size);
    }
  }
  return { frames };
}

export const channelOperations = {
  'edhoc-kdf': (input) => answered(edhocKdf(input.suite, octets(input.prk), input.label, octets(input.context), input.length), input),

  'edhoc-session-key'(input) {
    const { key, nonce } = algorithms(input.suite);
    const length = { k: key, i: nonce, s: 16 }[input.name[0]];
    return answered(edhocKdf(input.suite, octets(input.prk_exporter), LABEL[input.name], NONE, length), input);
  },

  'tls-exporter': (input) =>
    answered(tlsExport(input.hash, octets(input.secret), input.label, octets(input.context), input.length), input),

  binder,
  records,
};
