/** A whole session over EDHOC, read with both ephemeral keys and judged as one of its peers does. */
import { binderContext } from '../attestation.js';
import { decode, encode } from '../cbor.js';
import { Sign1, sha256 } from '../cose.js';
import { ids } from '../identifiers.js';
import { matches } from './cddl.js';
import { openRecord } from './channel.js';
import { Reader, algorithms, edhocKdf } from './edhoc.js';
import { judgedOperations } from './judged.js';
import { hex, octets } from './octets.js';

const NONE = Buffer.alloc(0);
const OTHER = { device: 'service', service: 'device' };
const NAMES = ['', 'hello', 'att_req', 'att', 'verdict', 'data', 'alert', 'close', 'ping', 'receipt', 'pong'];
const OPENING = [['service', 'hello'], ['device', 'hello'], ['service', 'att'], ['device', 'verdict'], ['device', 'att'], ['service', 'verdict']];
const [LIMIT_BEFORE, LIMIT_AFTER] = [ids.limit.frame_before_open, ids.limit.frame_after_open];

function must(holds, why) {
  if (!holds) throw new Error(why);
}

const both = (make) => ({ device: make(), service: make() });

class Session {
  frames = [];
  messages = 0;
  opening = 0;
  number = both(() => 0);
  pending = both(() => NONE);
  hellos = {};
  nonce = {};
  epoch = both(() => 0);
  requested = both(() => false);
  attested = both(() => false);
  label = { environment: '', environment_iat: 0, last_sequence: -1, seen: [] };
  sent = 0;
  unanswered = [];
  pings = [];

  constructor(input) {
    this.input = input;
    this.judge = input.judge;
    [this.suite] = input.suites;
    this.reader = new Reader(input);
  }

  get open() {
    return this.opening === OPENING.length;
  }

  unit(sender, data) {
    const [kind, payload] = [data[4], data.subarray(5)];
    if (kind === 1) {
      must(this.messages < 4, 'a message after the handshake');
      this.reader[`message${++this.messages}`](payload);
      if (this.messages === 4) this.establish();
      return;
    }
    must(kind === 3 && this.messages === 4, 'no record');
    const keys = { suite: this.suite, ...this.keys[sender], limit: 2 ** 20 };
    const plaintext = openRecord(keys, this.number[sender]++, payload);
    this.pending[sender] = Buffer.concat([this.pending[sender], plaintext]);
    this.cut(sender);
  }

  establish() {
    this.secret = this.reader.found.prk_exporter;
    const { key, nonce } = algorithms(this.suite);
    const exported = (label, length) => edhocKdf(this.suite, this.secret, label, NONE, length);
    this.keys = {
      device: { key: hex(exported(41070, key)), iv: hex(exported(41072, nonce)) },
      service: { key: hex(exported(41071, key)), iv: hex(exported(41073, nonce)) },
    };
    this.sid = exported(41075, ids.binder.sid_length);
  }

  cut(sender) {
    for (let left = this.pending[sender]; left.length >= 3; left = this.pending[sender]) {
      const end = 3 + left.readUIntBE(0, 3);
      must(end - 3 <= (this.open ? LIMIT_AFTER : LIMIT_BEFORE), 'a frame that is too long');
      if (left.length < end) return;
      this.pending[sender] = left.subarray(end);
      this.frame(sender, left.subarray(3, end));
    }
  }

  frame(sender, data) {
    const frame = decode(data);
    must(Array.isArray(frame) && frame.length === 2 && Number.isInteger(frame[0]), 'no frame');
    const [type, body] = frame;
    this.frames.push([sender, type]);
    if (type >= ids.frame.ignored_from) return;
    const name = NAMES[type];
    must(name, 'a type that does not exist');
    this.expect(sender, name);
    if (sender === this.judge) {
      this.own(name, body, data);
      return;
    }
    if (!['hello', 'att', 'verdict', 'data'].includes(name)) must(matches(`frame_${name}`, frame), `grammar of ${name}`);
    this[`on_${name}`](sender, body, data);
  }

  expect(sender, name) {
    const due = OPENING[this.opening];
    if (due && due[0] === sender && due[1] === name) {
      this.opening += 1;
      return;
    }
    const peer = OTHER[sender];
    const allowed = this.opening >= 2 ? ['ping', 'pong', 'alert', 'close'] : ['alert'];
    if (this.open) {
      allowed.push('data', 'receipt');
      if (!this.requested[sender]) allowed.push('att_req');
      if (this.requested[peer] && !this.attested[sender]) allowed.push('att');
      if (this.requested[sender] && this.attested[peer]) allowed.push('verdict');
    }
    must(allowed.includes(name), 'a frame that the state does not allow');
  }

  /** What the judging peer sent itself is known to be right. */
  own(name, body, data) {
    const peer = OTHER[this.judge];
    if (name === 'hello') this.hellos[this.judge] = data;
    if (name === 'hello' || name === 'att_req') this.nonce[this.judge] = body.get(2);
    if (name === 'att_req') this.requested[this.judge] = true;
    if (name === 'att' && this.requested[peer]) this.attested[this.judge] = true;
    if (name === 'verdict' && this.attested[peer]) [this.attested[peer], this.requested[this.judge]] = [false, false];
    if (name === 'data') this.unanswered.push(this.sent++);
    if (name === 'ping') this.pings.push(body.get(1));
  }

  on_alert() {}

  on_close() {}

  on_ping() {}

  on_hello(sender, body, data) {
    const { direction } = judgedOperations.hello({ ...this.input, frame: hex(data), max_age: this.input.revocation_max_age });
    must(direction === 'attests', 'this reader knows sessions with evidence alone');
    this.hellos[sender] = data;
    this.nonce[sender] = body.get(2);
  }

  on_att_req(sender, body) {
    must(body.get(1) === this.epoch[this.judge] + 1, 'epoch');
    this.epoch[this.judge] += 1;
    this.requested[sender] = true;
    this.nonce[sender] = body.get(2);
  }

  on_att(sender, body) {
    const again = this.requested[this.judge];
    const epoch = this.epoch[sender] + (again ? 1 : 0);
    must(body instanceof Map && body.get(1) === epoch && Buffer.isBuffer(body.get(2)), 'epoch of ATT');
    const endorsements = body.has(3) ? hex(encode(body.get(3))) : '';
    judgedOperations.evidence({ ...this.input, cmw: hex(body.get(2)), endorsements, binder: hex(this.binder(sender, epoch)) });
    const token = new Sign1(decode(decode(body.get(2))[1]));
    this.label.bootcount = decode(token.payload).get(ids.claim.bootcount);
    this.label.attestation_key = hex(token.chain[0].der);
    this.label.environment = '';
    this.epoch[sender] = epoch;
    if (again) this.attested[sender] = true;
  }

  binder(attester, epoch) {
    const context = binderContext({
      role: attester === 'device' ? 0 : 1,
      epoch,
      nonce: this.nonce[OTHER[attester]],
      attester: sha256(octets(this.input.leaf)),
      relyingParty: sha256(octets(this.input.own)),
      helloHash: sha256(this.hellos.device, this.hellos.service),
    });
    return edhocKdf(this.suite, this.secret, 41074, context, ids.binder.length);
  }

  on_verdict(sender, body) {
    must(matches('verdict', body) && [2, 32, 96].includes(body.get(1)), 'tier');
    must(body.get(3) === this.epoch[this.judge], 'epoch of VERDICT');
    if (this.requested[sender]) [this.requested[sender], this.attested[this.judge]] = [false, false];
  }

  on_data(sender, body, data) {
    judgedOperations.label({ ...this.input, ...this.label, frame: hex(data), sid: hex(this.sid), epoch: this.epoch[sender] });
    const { protected: header } = new Sign1(body.get(2));
    const said = header.get(ids.cose.label_map);
    this.label.last_sequence = said.get(3);
    this.label.seen.push(hex(header.get(ids.cose.cwt_claims).get(7)));
    this.label.environment = hex(said.get(1));
  }

  on_receipt(sender, body) {
    must(this.unanswered.length && this.unanswered.shift() === body.get(1), 'answers no DATA');
  }

  on_pong(sender, body) {
    must(this.pings.shift()?.equals(body.get(1)), 'answers no PING');
  }
}

/** Operation `session`. */
export function session(input) {
  const found = new Session(input);
  for (const [sender, unit] of [...input.handshake, ...input.units]) found.unit(sender, octets(unit));
  return { sid: hex(found.sid), frames: found.frames };
}
