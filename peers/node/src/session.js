/** The session of chapter 5: frames in order, attestation of both ends, labelled data, end. */
import { randomBytes } from 'node:crypto';
import { appraise, binderContext, checkWaiver, makeEvidence } from './attestation.js';
import { encode } from './cbor.js';
import { sha256 } from './cose.js';
import { DataFlow } from './data.js';
import { Direction } from './direction.js';
import { readFrame } from './grammar.js';
import { ids } from './identifiers.js';
import { Refusal, checked, ensure } from './refusal.js';
import { readProofs } from './revocation.js';
import { AFTER_CLOSE, ALLOWED, BEFORE_OPEN } from './states.js';
import { Timers } from './timers.js';
import { checkPath } from './trust.js';

const { code, frame, hello: key, limit } = ids;
const { flag } = key;
/** Part of valid_for after which a relying party asks for new evidence. */
const RENEW_AFTER = 2 / 3;

export class Session {
  state = 'start';
  /** Evidence of the peer that was accepted last. */
  evidence;
  #received = Buffer.alloc(0);
  #timers;
  #pings = [];

  /**
   * @param {object} parts
   * @param {object} parts.credentials as `loadCredentials` returns them
   * @param {import('./credentials.js').Store} parts.store
   * @param {import('./clock.js').Clock} parts.clock
   * @param {{leaf: Certificate, sent: Certificate[]}} parts.peer the authenticated peer
   * @param {(label: string, context: Buffer, length: number) => Buffer} parts.exporter of the channel
   * @param {(octets: Buffer) => void} parts.send
   * @param {() => void} parts.end closes the transport
   * @param {() => void} parts.established both HELLOs are there: no deadline of the handshake holds any more
   * @param {(event: string, fields: object) => void} parts.report events of the control plane
   */
  constructor(parts) {
    Object.assign(this, parts);
    this.role = this.credentials.role;
    [this.mine, this.theirs] = this.role === 'device' ? ['I', 'R'] : ['R', 'I'];
    this.sid = this.exporter(ids.tls.sid_label, Buffer.alloc(0), ids.binder.sid_length);
    this.data = new DataFlow(this);
    this.#timers = new Timers(this.clock);
  }

  /** Everything that judging a credential needs, at this moment (REV-10). */
  get trust() {
    const now = Math.max(this.clock.now, this.store.latest);
    return { credentials: this.credentials, store: this.store, peer: this.peer.leaf, now };
  }

  get ended() {
    return this.state === 'CLOSED';
  }

  /** Begins: the service speaks first (SES-01). */
  start() {
    this.#enter(`wait_HELLO_${this.theirs}`);
    if (this.role === 'service') this.#sendHello();
  }

  /** Takes octets of the channel. */
  receive(octets) {
    this.#received = Buffer.concat([this.#received, octets]);
    try {
      for (let one; !this.ended && (one = this.#nextFrame()); ) this.#handle(one);
    } catch (error) {
      this.refuse(error);
    }
  }

  #nextFrame() {
    if (this.#received.length < 3) return undefined;
    const length = this.#received.readUIntBE(0, 3);
    const most = BEFORE_OPEN.includes(this.state) ? limit.frame_before_open : limit.frame_after_open;
    ensure(length <= most, 'limits', 'frame is too long (ERR-03)');
    if (this.#received.length < 3 + length) return undefined;
    const one = this.#received.subarray(3, 3 + length);
    this.#received = this.#received.subarray(3 + length);
    return one;
  }

  #handle(octets) {
    const closing = this.state === 'CLOSING';
    const read = readFrame(octets, (name) =>
      ensure(closing || ALLOWED[this.state].includes(name), 'unexpected_frame', `${name} in ${this.state} (SES-03)`));
    if (!read || (closing && !AFTER_CLOSE.includes(read.name))) return;
    this[`on_${read.name}`](read.body, octets);
  }

  /** Sends a frame; returns its encoding. */
  sendFrame(type, body) {
    const octets = encode([type, body]);
    const length = Buffer.alloc(3);
    length.writeUIntBE(octets.length, 0, 3);
    this.send(Buffer.concat([length, octets]));
    return octets;
  }

  // --- HELLO -----------------------------------------------------------------------------------------------------------

  #sendHello() {
    const { policy, proofs, waiver } = this.credentials;
    const body = new Map([
      [key.version, ids.protocol_version],
      [key.nonce, randomBytes(ids.binder.nonce_length)],
      [key.offered, policy.offered],
      [key.accepted, policy.accepted],
      [key.flags, (policy.requires_evidence ? flag.attest : 0) | (waiver ? flag.waiver : 0)],
      [key.max_age, policy.max_age],
      [key.reattest_interval, policy.reattest_interval],
    ]);
    if (proofs) body.set(key.revocation, proofs);
    if (waiver) body.set(key.waiver, waiver);
    this.hello = { body, octets: this.sendFrame(frame.hello, body) };
    this.#timers.arm('verdict', this.clock.now + (policy.verdict_timeout ?? limit.verdict_seconds), () =>
      this.refuse(new Refusal('stale', 'no verdict in time (SES-21)')));
  }

  on_hello(body, octets) {
    const { policy, peerRoots } = this.credentials;
    ensure(body.get(key.version) === ids.protocol_version, 'version', 'version of HELLO (SES-05)');
    const waives = (body.get(key.flags) & flag.waiver) !== 0;
    ensure(waives === body.has(key.waiver), 'decode_error', 'waiver and its flag (WVR-01)');
    this.proofs = checked('revoked', () => readProofs(body.get(key.revocation)));
    const { until } = checkPath({ ...this.peer, anchors: peerRoots, proofs: this.proofs }, this.trust);
    this.credentialsUntil = until;
    if (policy.requires_evidence && waives) {
      this.waivedUntil = checkWaiver(body.get(key.waiver), this.peer.leaf, this.trust);
    } else if (policy.requires_evidence) {
      const offered = body.get(key.offered);
      ensure(offered.length, 'attestation_required', 'no evidence is offered (ATT-02)');
      ensure(offered.some((type) => policy.accepted.includes(type)), 'unsupported_evidence', 'no common evidence (ATT-03)');
    }
    if (this.role === 'device') this.#sendHello();
    const own = this.hello;
    this.helloHash = this.role === 'device' ? sha256(own.octets, octets) : sha256(octets, own.octets);
    this.ours = new Direction(body, own.body);
    this.peers = new Direction(own.body, body);
    this.established();
    if (this.role === 'device') this.#awaitEvidence();
    else {
      if (this.ours.attests) this.#attest();
      this.#enter('wait_VERDICT_I');
    }
  }

  /** The peer's turn to attest, or at once the verdict where nothing is due. */
  #awaitEvidence() {
    if (this.peers.attests) this.#enter(`wait_ATT_${this.theirs}`);
    else this.#giveVerdict();
  }

  // --- Attestation -----------------------------------------------------------------------------------------------------

  #binder(direction, attesterIsInitiator) {
    const [own, peer] = [this.credentials.chain[0].digest, this.peer.leaf.digest];
    const weAttest = direction === this.ours;
    const context = binderContext({
      role: attesterIsInitiator ? ids.binder.role_initiator : ids.binder.role_responder,
      epoch: direction.epoch,
      nonce: direction.nonce,
      attester: weAttest ? own : peer,
      relyingParty: weAttest ? peer : own,
      helloHash: this.helloHash,
    });
    return this.exporter(ids.tls.binder_label, context, ids.binder.length);
  }

  #attest() {
    const { attestation, chain } = this.credentials;
    const binder = this.#binder(this.ours, this.role === 'device');
    const cmw = makeEvidence(attestation, chain[0].publicKey, binder, this.clock.now);
    this.ours.outstanding = true;
    this.data.newEpoch();
    this.sendFrame(frame.att, new Map([[1, this.ours.epoch], [2, cmw]]));
  }

  on_att_req(body) {
    this.ours.request(body);
    this.#recheckPeer();
    this.#attest();
  }

  on_att(body) {
    const direction = this.peers;
    const first = BEFORE_OPEN.includes(this.state);
    ensure(direction.attests && (first || direction.outstanding), 'unexpected_frame', 'ATT that is not due');
    ensure(body.get(1) === direction.epoch, 'stale', 'epoch of ATT (ATT-05)');
    const expected = {
      types: direction.types,
      binder: this.#binder(direction, this.role === 'service'),
      peer: this.peer.leaf,
      maxAge: this.credentials.policy.max_age,
      last: this.evidence,
    };
    const accepted = checked('attestation_failed', () => appraise(body, expected, this.trust));
    this.evidence = { ...accepted, epoch: direction.epoch };
    this.data.newEvidence();
    direction.outstanding = false;
    if (!first) this.#recheckPeer(body.get(3));
    this.#giveVerdict();
  }

  /** The leaf is judged again at each epoch, by the proofs of HELLO and by renewed ones (REV-09). */
  #recheckPeer(renewed) {
    const proofs = [...this.proofs, ...checked('revoked', () => readProofs(renewed))];
    const { until } = checkPath({ ...this.peer, anchors: this.credentials.peerRoots, proofs }, this.trust);
    this.credentialsUntil = until;
  }

  /** Other revocation lists: a session that rests on what they revoke ends (REV-09). */
  learn(crls) {
    if (this.ended || !this.helloHash) return;
    this.credentials = { ...this.credentials, crls };
    const { peerRoots, attestationRoots } = this.credentials;
    try {
      checkPath({ ...this.peer, anchors: peerRoots, certain: false }, this.trust);
      const key = this.evidence?.attestationPath;
      if (key) checkPath({ ...key, anchors: attestationRoots, identity: false, certain: false, ordered: true }, this.trust);
    } catch (error) {
      this.refuse(error);
    }
  }

  /** Asks for new evidence; an open session without a request outstanding (SES-14). */
  requestEvidence() {
    const direction = this.peers;
    if (!direction.attests || direction.outstanding || !['OPEN', 'EXPIRED'].includes(this.state)) return false;
    direction.outstanding = true;
    direction.epoch += 1;
    direction.nonce = randomBytes(ids.binder.nonce_length);
    this.sendFrame(frame.att_req, new Map([[1, direction.epoch], [2, direction.nonce]]));
    return true;
  }

  #giveVerdict() {
    const { policy } = this.credentials;
    const now = this.clock.now;
    const ends = [this.credentialsUntil, this.waivedUntil, this.evidence?.until].map((end) => end ?? Infinity);
    const validFor = Math.min(policy.valid_for, policy.reattest_interval, ...ends.map((end) => end - now));
    ensure(validFor > 0, 'stale', 'nothing is left of what the verdict rests on (SES-12)');
    const { tier, epoch } = this.peers;
    this.peers.until = now + validFor;
    this.peers.renewAt = now + Math.floor(validFor * RENEW_AFTER);
    this.sendFrame(frame.verdict, new Map([[1, tier], [3, epoch], [4, validFor]]));
    this.report('verdict', { direction: 'sent', tier, epoch, valid_for: validFor });
    if (this.state !== 'OPEN' && this.state !== 'EXPIRED' && this.role === 'device') {
      if (this.ours.attests) this.#attest();
      this.#enter('wait_VERDICT_R');
    } else this.#openOrRenew();
  }

  on_verdict(body) {
    const direction = this.ours;
    const first = BEFORE_OPEN.includes(this.state);
    ensure(first || direction.outstanding, 'unexpected_frame', 'VERDICT that is not due');
    const good = direction.judge(body, this.clock.now);
    this.report('verdict', { direction: 'received', tier: body.get(1), epoch: body.get(3), valid_for: body.get(4) });
    if (!good) this.#enter('REFUSED');
    else if (first && this.role === 'service') this.#awaitEvidence();
    else this.#openOrRenew();
  }

  // --- OPEN and EXPIRED ------------------------------------------------------------------------------------------------

  /** When the earlier of both verdicts ends. */
  get until() {
    return Math.min(this.ours.until, this.peers.until);
  }

  #openOrRenew() {
    if (!(this.until > this.clock.now)) return;
    const opened = BEFORE_OPEN.includes(this.state);
    if (this.state !== 'OPEN') this.#enter('OPEN');
    if (opened) this.report('open', { sid: this.sid.toString('hex') });
    this.#timers.stop('verdict', 'expired');
    this.#timers.arm('validity', this.until, () => this.#expire());
    this.#timers.arm('reattest', this.peers.renewAt, () => this.requestEvidence());
    this.data.flush();
  }

  #expire() {
    const ended = [this.ours, this.peers].filter(({ until }) => until <= this.clock.now);
    if (ended.some(({ attests }) => !attests)) {
      this.close();
      return;
    }
    this.#enter('EXPIRED');
    const patience = this.credentials.policy.expired_timeout ?? limit.expired_seconds;
    this.#timers.arm('expired', this.until + patience, () => this.refuse(new Refusal('stale', 'EXPIRED too long (SES-16)')));
  }

  on_data(body) {
    this.data.receive(body);
  }

  on_receipt(body) {
    this.data.confirm(body);
  }

  /** Sends a PING that the peer has to answer. */
  ping() {
    this.#pings.push(randomBytes(8));
    this.sendFrame(frame.ping, new Map([[1, this.#pings.at(-1)]]));
  }

  on_ping(body) {
    this.sendFrame(frame.pong, new Map([[1, body.get(1)]]));
  }

  on_pong(body) {
    const at = this.#pings.findIndex((octets) => octets.equals(body.get(1)));
    ensure(at >= 0, 'unexpected_frame', 'PONG that answers no PING (SES-18)');
    this.#pings.splice(at, 1);
  }

  // --- End -------------------------------------------------------------------------------------------------------------

  /** Whether CLOSE may be sent now (SES-26). */
  get canClose() {
    return !this.ended && this.helloHash !== undefined && this.state !== 'CLOSING';
  }

  close() {
    this.#enter('CLOSING');
    this.#timers.stop('validity', 'reattest', 'expired', 'verdict');
    this.sendFrame(frame.close, new Map());
    this.#timers.arm('closing', this.clock.now + limit.handshake_seconds, () => this.#finish('truncated'));
  }

  on_close() {
    if (this.state !== 'CLOSING') this.sendFrame(frame.close, new Map());
    this.#finish('clean');
  }

  on_alert(body) {
    this.report('alert', { direction: 'received', code: body.get(1) });
    this.#finish('refused');
  }

  /** Refuses: one ALERT, then the end (ERR-02, SES-30). */
  refuse(error) {
    if (this.ended) return;
    const number = error instanceof Refusal ? error.code : code.internal;
    this.report('error', { message: error.message.slice(0, 4096) });
    if (this.state !== 'CLOSING') {
      this.sendFrame(frame.alert, new Map([[1, number]]));
      this.report('alert', { direction: 'sent', code: number });
    }
    this.#finish('refused');
  }

  /** The transport ended: without CLOSE that is truncation (SES-19, TLS-16). */
  transportEnded() {
    if (!this.ended) this.#finish('truncated');
  }

  /** Ends without a word, as a restart does. */
  drop() {
    this.#timers.stopAll();
  }

  #finish(how) {
    this.drop();
    this.#enter('CLOSED');
    this.report('closed', { how, unconfirmed: this.data.unconfirmed });
    this.end();
  }

  #enter(state) {
    this.state = state;
    this.report('state', { state });
  }
}
