/** Deterministic CBOR (RFC 8949 section 4.2.1): encoding by cbor2, and
 * decoding that accepts nothing else (ERR-04 to ERR-07) and keeps the octets of what was signed. */
import { Tag, cdeEncodeOptions, encode as encodeAny } from 'cbor2';
import { ids } from './identifiers.js';
import { ensure } from './refusal.js';

/** A tagged item. `octets` is its encoding, where it was received. */
export class Tagged {
  constructor(tag, value, octets) {
    Object.assign(this, { tag, value, octets });
  }
}

/** A floating-point number, kept apart from the integers. */
export class Float {
  constructor(value) {
    this.value = value;
  }
}

/** The deterministic encoding of an item made of numbers, strings, octets, arrays, `Map`s and `Tagged`. */
export const encode = (item) => Buffer.from(encodeAny(plain(item), cdeEncodeOptions));

/** The same item in the types of cbor2, to which a Buffer is no byte string. */
function plain(item) {
  if (Buffer.isBuffer(item)) return new Uint8Array(item.buffer, item.byteOffset, item.length);
  if (Array.isArray(item)) return item.map(plain);
  if (item instanceof Map) return new Map(Array.from(item, (pair) => pair.map(plain)));
  return item instanceof Tagged ? new Tag(item.tag, plain(item.value)) : item;
}

const ARGUMENT_OCTETS = new Map([[24, 1], [25, 2], [26, 4], [27, 8]]);
const SHORTEST = new Map([[24, 24n], [25, 1n << 8n], [26, 1n << 16n], [27, 1n << 32n]]);
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Reader {
  constructor(octets) {
    this.octets = octets;
    this.at = 0;
  }

  take(count) {
    ensure(count <= this.octets.length - this.at, 'decode_error', 'item ends early');
    return this.octets.subarray(this.at, (this.at += count));
  }

  /** Major type, additional information and argument of the next head. */
  head() {
    const [initial] = this.take(1);
    const [major, info] = [initial >> 5, initial & 31];
    if (info < 24) return { major, info, argument: BigInt(info) };
    ensure(ARGUMENT_OCTETS.has(info), 'decode_error', 'indefinite length or reserved head');
    const argument = BigInt(`0x${this.take(ARGUMENT_OCTETS.get(info)).toString('hex')}`);
    ensure(major === 7 || argument >= SHORTEST.get(info), 'decode_error', 'head is not the shortest');
    return { major, info, argument };
  }

  item(depth) {
    const start = this.at;
    const { major, info, argument } = this.head();
    if (major >= 4 && major <= 6) ensure(++depth <= ids.limit.depth, 'limits', 'nested too deep');
    switch (major) {
      case 0: return small(argument);
      case 1: return small(-1n - argument);
      case 2: return this.take(Number(argument));
      case 3: return this.text(Number(argument));
      case 4: return this.array(Number(argument), depth);
      case 5: return this.map(Number(argument), depth);
      case 6: {
        const value = this.item(depth);
        return new Tagged(small(argument), value, this.octets.subarray(start, this.at));
      }
      default: return simple(info, argument);
    }
  }

  text(length) {
    const octets = this.take(length);
    try {
      return text.decode(octets);
    } catch {
      return ensure(false, 'decode_error', 'text is not UTF-8');
    }
  }

  array(length, depth) {
    ensure(length <= this.octets.length - this.at, 'decode_error', 'array ends early');
    return Array.from({ length }, () => this.item(depth));
  }

  map(length, depth) {
    ensure(2 * length <= this.octets.length - this.at, 'decode_error', 'map ends early');
    const map = new Map();
    let last;
    for (let i = 0; i < length; i++) {
      const start = this.at;
      ensure(this.octets[start] >> 5 < 4, 'decode_error', 'map key is neither integer nor string');
      const key = this.item(depth);
      const encoded = this.octets.subarray(start, this.at);
      ensure(!last || Buffer.compare(last, encoded) < 0, 'decode_error', 'map keys repeated or out of order');
      last = encoded;
      map.set(key, this.item(depth));
    }
    return map;
  }
}

const small = (argument) =>
  argument <= Number.MAX_SAFE_INTEGER && argument >= Number.MIN_SAFE_INTEGER ? Number(argument) : argument;

function simple(info, argument) {
  if (info === 20 || info === 21) return info === 21;
  if (info === 22) return null;
  if (info === 23) return undefined;
  if (info <= 24) {
    ensure(info < 20 || argument >= 32n, 'decode_error', 'simple value is not the shortest');
    return { simple: Number(argument) };
  }
  const octets = Buffer.from(argument.toString(16).padStart(2 << (info - 24), '0'), 'hex');
  const value = info === 25 ? half(octets.readUInt16BE()) : info === 26 ? octets.readFloatBE() : octets.readDoubleBE();
  ensure(info === 25 || !fitsShorter(value, info), 'decode_error', 'number is not the shortest');
  ensure(!Number.isNaN(value) || argument === 0x7e00n, 'decode_error', 'more than one encoding of NaN');
  return new Float(value);
}

function half(bits) {
  const [exponent, mantissa] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits >> 15 ? -1 : 1;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + mantissa / 1024) * 2 ** (exponent - 15) : mantissa * 2 ** -24);
}

function fitsShorter(value, info) {
  if (!Number.isFinite(value) || value === 0) return true;
  if (info === 27) return Math.fround(value) === value;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), -14);
  return exponent <= 15 && Number.isInteger(value / 2 ** (exponent - 10));
}

/**
 * Decodes one item that fills `octets`.
 * @param {Buffer} octets
 * @returns numbers or BigInt, strings, Buffers, arrays, `Map`s, `Tagged`, `Float`, booleans, null
 * @throws {Refusal} decode_error, or limits for more than 16 levels
 */
export function decode(octets) {
  const reader = new Reader(octets);
  const item = reader.item(0);
  ensure(reader.at === octets.length, 'decode_error', 'octets follow the item');
  return item;
}
