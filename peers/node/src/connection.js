/** One connection: transport, handshake, session, and the events of its life. */
import { Session } from './session.js';
import { checkNegotiated, deviceChannel, exporter, judgePeer, serviceChannel } from './channel.js';
import { encode } from './cbor.js';
import { ids } from './identifiers.js';
import { Refusal, checked } from './refusal.js';

/** Milliseconds until the transport is destroyed under a peer that does not close it. */
const LINGER = 1000;

export class Connection {
  #socket;
  #channel;
  #stopTimer;
  #done = false;
  #alerted = false;

  /**
   * @param {import('node:net').Socket} socket connected
   * @param {{credentials, store, clock, report: (event: string, fields: object) => void}} parts `report` learns of
   *   everything, `closed` last
   */
  constructor(socket, parts) {
    this.parts = parts;
    this.#socket = socket;
    const { credentials, clock, report } = parts;
    report('connected', { host: socket.remoteAddress, port: socket.remotePort });
    this.#stopTimer = clock.at(clock.now + (credentials.policy.handshake_timeout ?? ids.limit.handshake_seconds), () =>
      this.#fail('handshake in time (SES-20)'));
    this.#channel = credentials.role === 'device' ? deviceChannel(socket, credentials) : serviceChannel(socket, credentials);
    this.#channel.once(credentials.role === 'device' ? 'secureConnect' : 'secure', () => this.#secured());
    this.#channel.on('data', (octets) => this.session?.receive(octets));
    this.#channel.on('error', (error) => this.#fail(error.message));
    this.#channel.on('end', () => this.#ended());
    this.#channel.on('close', () => this.#ended());
    socket.on('error', () => this.#ended());
    socket.on('close', () => this.#ended());
  }

  #secured() {
    const { credentials, store, clock, report } = this.parts;
    try {
      const trust = { credentials, store, now: Math.max(clock.now, store.latest) };
      checkNegotiated(this.#channel, credentials.role);
      const peer = checked('policy', () => judgePeer(this.#channel, trust));
      report('peer', { identity: peer.leaf.uris[0], certificate: peer.leaf.digest.toString('hex') });
      this.#begin(peer);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #begin(peer) {
    const { credentials } = this.parts;
    if (credentials.role === 'service') this.#stopTimer();
    this.session = new Session({
      ...this.parts,
      peer,
      exporter: exporter(this.#channel),
      send: (octets) => this.#channel.write(octets),
      end: () => this.#hangUp(),
      established: () => this.#stopTimer(),
    });
    this.session.start();
  }

  /** Refuses the peer's credentials: a service says so by ALERT, a device sends no frame (IDN-15, IDN-16). */
  #refuse(error) {
    if (this.parts.credentials.role === 'service' && error instanceof Refusal) {
      const alert = encode([ids.frame.alert, new Map([[1, error.code]])]);
      this.#channel.write(Buffer.concat([Buffer.from([0, 0, alert.length]), alert]));
      this.#alerted = true;
      this.parts.report('alert', { direction: 'sent', code: error.code });
    }
    this.#fail(error.message);
  }

  /** Ends what never became a session. */
  #fail(message) {
    if (this.session) {
      this.#ended();
      return;
    }
    if (this.#done) return;
    this.parts.report('error', { message: message.slice(0, 4096) });
    if (!this.#alerted) this.#socket.destroy();
    this.#finish('refused');
  }

  #ended() {
    if (this.session) this.session.transportEnded();
    else this.#finish('truncated');
  }

  #finish(how) {
    if (this.#done) return;
    this.#done = true;
    this.parts.report('closed', { how, unconfirmed: 0 });
    this.#hangUp();
  }

  /** Sends what is due and close_notify; the peer closes next, for to destroy the transport now could lose the ALERT. */
  #hangUp() {
    this.#done = true;
    this.#stopTimer();
    this.#channel.end();
    setTimeout(() => this.#socket.destroy(), LINGER).unref();
  }

  /** Drops the connection without a word. */
  drop() {
    this.#done = true;
    this.#stopTimer();
    this.session?.drop();
    this.#socket.destroy();
  }
}
