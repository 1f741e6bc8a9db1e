/** The grammar of `spec/trustconn.cddl`, rule by rule: a rule returns whether a decoded item matches. */
import { Tagged, decode } from './cbor.js';
import { frameNames, ids } from './identifiers.js';
import { Refusal, ensure } from './refusal.js';

const isInt = (item) => typeof item === 'bigint' || Number.isInteger(item);
const any = () => true;
const uint = (item) => isInt(item) && item >= 0;
const bool = (item) => typeof item === 'boolean';
const tstr = (item) => typeof item === 'string';
const bstr = (least = 0, most = least || Infinity) => (item) =>
  Buffer.isBuffer(item) && item.length >= least && item.length <= most;
const range = (least, most) => (item) => isInt(item) && item >= least && item <= most;
const is = (...values) => (item) => values.includes(item);
const either = (...rules) => (item) => rules.some((rule) => rule(item));
const list = (rule, least = 0, most = Infinity) => (item) =>
  Array.isArray(item) && item.length >= least && item.length <= most && item.every(rule);
const tuple = (...rules) => (item) =>
  Array.isArray(item) && item.length === rules.length && rules.every((rule, i) => rule(item[i]));
const tagged = (rule) => (item) => item instanceof Tagged && item.tag === ids.cose.tag_sign1 && rule(item.value);

/** A map: rules by key, the optional ones apart; further keys only where `open` allows them. */
const map = (needed, optional = {}, open = () => false) => (item) =>
  item instanceof Map
  && Object.keys(needed).every((key) => item.has(Number(key)))
  && [...item].every(([key, value]) => {
    const rule = isInt(key) ? needed[key] ?? optional[key] : undefined;
    return rule ? rule(value) : open(key);
  });

const digest = bstr(32);
const signature = bstr(64); // ES256 alone
const seconds = range(1, 0xffffffff);
const limit = range(0, 0xffffffff);
const evidenceType = either(uint, tstr);
const claimKey = either(isInt, tstr);
const x5chain = either(bstr(), list(bstr(), 2, 8));
const x5t = any;
const proofs = list(tuple(is(0, 1), bstr()), 1);
const es256 = is(ids.cose.algorithm.es256, ids.cose.algorithm.esp256);
const key = either(
  map({ 1: is(2), [-1]: is(1, 2), [-2]: bstr(32, 48), [-3]: bstr(32, 48) }, {}, isInt),
  map({ 1: is(1), [-1]: is(6), [-2]: bstr(32) }, {}, isInt),
);
const cnf = map({ 1: key });
const sign1Outside = (payload, unprotected) => tagged(tuple(bstr(), unprotected, payload, signature));
const attestationChain = map({ 33: any });

const label = sign1Outside(digest, map({}, { 33: x5chain }));
const environment = sign1Outside(bstr(), (item) => item instanceof Map);
const waiver = sign1Outside(bstr(), (item) => item instanceof Map);
const measurement = tuple(evidenceType, bstr());
const measurements = list(measurement, 1);

const cmw = tuple(evidenceType, bstr(), uint);

const data = either(
  map({ 1: bstr() }),
  map({}, { 2: label, 3: bstr(), 4: tuple(environment), 5: list(label, 1) }),
);

/** Bodies of the frames by type. Values whose refusal a requirement names are judged there (ERR-27). */
const bodies = {
  [ids.frame.hello]: map(
    {
      1: uint, 2: bstr(32), 3: list(evidenceType), 4: list(evidenceType), 5: range(0, 15), 6: limit, 7: limit,
    },
    { 8: proofs, 9: waiver, 10: tstr },
  ),
  [ids.frame.att_req]: map({ 1: uint, 2: bstr(32) }, { 3: list(evidenceType) }),
  [ids.frame.att]: map({ 1: uint, 2: (item) => Buffer.isBuffer(item) && cmw(decode(item)) }, { 3: proofs }),
  [ids.frame.verdict]: map({ 1: uint, 3: uint, 4: range(0, 0xffffffff) }, { 2: tstr }),
  [ids.frame.data]: data,
  [ids.frame.alert]: map({ 1: uint }),
  [ids.frame.close]: map({}),
  [ids.frame.ping]: map({ 1: bstr(8) }),
  [ids.frame.receipt]: map({ 1: uint, 2: uint }),
  [ids.frame.pong]: map({ 1: bstr(8) }),
};

const number = (item) => isInt(item) || (item !== null && typeof item === 'object' && 'value' in item);

/** Structures inside the frames. */
export const rules = {
  cmw,
  eat: sign1Outside(bstr(), attestationChain),
  eatProtected: map({ 1: es256, 16: is(ids.content_format.eat_cwt), 34: x5t }),
  // What else is wrong with a claim is refused by the requirement that appraises it (ERR-27).
  eatClaims: map(
    {
      6: uint, 8: map({ 1: any }), 10: bstr(), 256: bstr(), 263: uint, 265: any, 267: uint, 273: any, [ids.claim.key_attributes]: any,
    },
    {
      [ids.claim.bootseed]: bstr(32),
      [ids.claim.trusted_ui]: map({ 1: is(0, 1) }, { 2: digest, 3: digest }),
      [ids.claim.iso19790]: map({ 1: range(1, 4), 2: tstr, 3: tstr }),
    },
    claimKey,
  ),
  measuredComponent: map({ 1: tuple(tstr), 2: tuple(is(ids.named_information.sha256), digest) }),
  waiverProtected: map({ 1: is(-7), 16: is(ids.media_type.waiver), 34: x5t }),
  waiverClaims: map({ 1: digest, 2: tstr, 3: uint, 4: tstr, 5: uint, 6: uint, 7: bool, 8: bstr(16) }),
  labelProtected: map({
    1: is(-7),
    15: map({ 1: tstr, 2: tstr, 6: uint, 7: bstr(16) }),
    16: is(ids.media_type.label),
    34: x5t,
    258: is(ids.cose.algorithm.sha256),
    259: evidenceType,
    [ids.cose.label_map]: map({ 3: uint, 4: bstr(16) }, { 1: any, 2: any, 5: any, 6: any, 7: any }),
  }),
  environmentProtected: map({ 1: is(-7), 16: is(ids.media_type.environment), 34: x5t }),
  environmentClaims: map(
    { 1: cnf, 2: measurements, 3: uint, 4: uint, 5: bstr(16), 6: uint },
    { 7: map({ 1: number, 2: number }, {}, uint), 8: tstr },
  ),
};

/**
 * Decodes and checks a frame.
 * @param {Buffer} octets without the length in front
 * @param {(name: string) => void} expect throws for a type that the state does not allow
 * @returns {{name: string, body: Map}} nothing where the type is to be ignored
 * @throws {Refusal}
 */
export function readFrame(octets, expect) {
  const frame = decode(octets);
  ensure(Array.isArray(frame) && frame.length === 2 && uint(frame[0]), 'decode_error', 'no frame');
  const [type, body] = frame;
  if (type >= ids.frame.ignored_from) return undefined;
  ensure(Object.hasOwn(bodies, type), 'unexpected_frame', `frame of unknown type ${type}`);
  const name = frameNames.get(type);
  expect(name);
  ensure(bodies[type](body), 'decode_error', `${name} does not match its grammar`);
  return { name, body };
}

/**
 * Decodes octets embedded in a frame.
 * @param {keyof typeof rules} rule
 * @param {Buffer} octets
 * @param {string} [code] name of the code of a refusal
 */
export function readInside(rule, octets, code = 'decode_error') {
  try {
    const item = decode(octets);
    ensure(rules[rule](item), code, `${rule} does not match its grammar`);
    return item;
  } catch (error) {
    throw error instanceof Refusal ? new Refusal(code, error.message) : error;
  }
}
