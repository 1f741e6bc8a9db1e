/** Labelled data of one session, in both directions, with its receipts. */
import { sha256 } from './cose.js';
import { ids } from './identifiers.js';
import { checkLabel, makeEnvironment, makeLabel } from './label.js';
import { Refusal, ensure } from './refusal.js';
import { encode } from './cbor.js';

const { code, frame, limit } = ids;
const RECEIPT_CODES = [code.stale, code.label_invalid, code.chain_broken, code.label_required];

export class DataFlow {
  #session;
  #queue = [];
  /** Numbers of DATA sent that have no RECEIPT. */
  #waiting = [];
  #sent = 0;
  #received = 0;
  #carryEnvironment = true;
  #ownEnvironment;
  #peerEnvironment;
  #peerEnvironmentTime = 0;

  constructor(session) {
    this.#session = session;
  }

  get unconfirmed() {
    return this.#waiting.length;
  }

  /** This peer attested: its next DATA brings a new environment object. */
  newEpoch() {
    this.#ownEnvironment = undefined;
    this.#carryEnvironment = true;
  }

  /** Evidence of the peer was accepted: its next DATA has to bring a new environment object (LBL-14). */
  newEvidence() {
    this.#peerEnvironment = undefined;
  }

  /** Sends content as soon as the verdicts allow it (SES-22). */
  send(content, contentType) {
    this.#queue.push({ content, contentType });
    this.flush();
  }

  flush() {
    const session = this.#session;
    while (this.#queue.length && session.state === 'OPEN' && !session.ours.outstanding
        && session.clock.now < session.until - limit.send_margin_seconds) {
      this.#sendNow(this.#queue.shift());
    }
  }

  #sendNow({ content, contentType }) {
    const { credentials, store, clock, sid, ours } = this.#session;
    const [leaf] = credentials.chain;
    const body = new Map();
    if (ours.attests && this.#carryEnvironment) {
      const identityKey = leaf.publicKey;
      this.#ownEnvironment ??= makeEnvironment({ attestation: credentials.attestation, identityKey, epoch: ours.epoch, sid, now: clock.now });
      body.set(4, [this.#ownEnvironment]);
      this.#carryEnvironment = false;
    }
    const environment = ours.attests ? sha256(encode(this.#ownEnvironment)) : undefined;
    const sequence = store.nextSequence();
    body.set(2, makeLabel({ content, contentType, leaf, key: credentials.key, sid, sequence, environment, now: clock.now }));
    body.set(3, content);
    this.#session.sendFrame(frame.data, body);
    this.#waiting.push(this.#sent++);
  }

  /** A DATA of the peer: judged, answered, reported. */
  receive(body) {
    const session = this.#session;
    const count = this.#received++;
    let answer = 0;
    try {
      ensure(session.state === 'OPEN', 'stale', 'verdicts have ended (SES-15)');
      session.report('data', this.#judge(body));
    } catch (error) {
      if (error instanceof Refusal && !RECEIPT_CODES.includes(error.code)) throw error;
      answer = error instanceof Refusal ? error.code : code.label_invalid;
      session.report('error', { message: error.message.slice(0, 4096) });
    }
    session.sendFrame(frame.receipt, new Map([[1, count], [2, answer]]));
    session.report('receipt', { direction: 'sent', count, code: answer });
  }

  #judge(body) {
    const { credentials, peer, sid, evidence, trust } = this.#session;
    if (!body.has(2)) {
      ensure(!credentials.policy.labels_required, 'label_required', 'no label (LBL-02)');
      ensure(body.has(1), 'label_required', 'neither label nor octets (LBL-02)');
      return { labelled: false, digest: sha256(body.get(1)).toString('hex') };
    }
    ensure(body.has(3), 'decode_error', 'content that is elsewhere (LBL-10)');
    const accepted = checkLabel(body, {
      peer: peer.leaf,
      sid,
      maxAge: credentials.policy.max_age,
      components: credentials.components,
      evidence,
      environment: this.#peerEnvironment,
      environmentTime: this.#peerEnvironmentTime,
    }, trust);
    this.#peerEnvironment = accepted.environment;
    this.#peerEnvironmentTime = accepted.environment?.time ?? 0;
    const { digest, contentType, sequence } = accepted;
    return { labelled: true, digest: digest.toString('hex'), content_type: String(contentType), sequence: Number(sequence) };
  }

  /** A RECEIPT of the peer: it answers the oldest DATA (SES-17). */
  confirm(body) {
    const [count, answer] = [body.get(1), body.get(2)];
    ensure(this.#waiting.length && this.#waiting[0] === count, 'unexpected_frame', 'RECEIPT that answers no DATA (SES-17)');
    ensure(answer === 0 || RECEIPT_CODES.includes(answer), 'unexpected_frame', 'code of RECEIPT');
    this.#waiting.shift();
    if (answer !== 0) this.#carryEnvironment = true;
    this.#session.report('receipt', { direction: 'received', count, code: answer });
  }
}
