/** A device or a service: its configuration, its connections and the events that they report. */
import net from 'node:net';
import { Clock } from './clock.js';
import { Connection } from './connection.js';
import { Store, loadCredentials } from './credentials.js';

/** Events kept for those who ask again; older ones are forgotten. */
const KEPT_EVENTS = 4096;

export class Peer {
  clock = new Clock();
  connections = new Map();
  events = [];
  #folder;
  #overrides = {};
  #statePath;
  #server;
  #lastConnection = 0;
  #lastEvent = 0;

  /**
   * @param {{folder: string, state?: string, onEvent?: (event: object) => void}} options folder of credentials, file of
   *   what outlives the process
   */
  constructor({ folder, state, onEvent = () => {} }) {
    this.#folder = folder;
    this.#statePath = state;
    this.onEvent = onEvent;
    this.store = new Store(state);
    this.credentials = loadCredentials(folder);
  }

  get role() {
    return this.credentials.role;
  }

  /** Replaces the configuration of connections that begin later; those that are open learn what is revoked. */
  provision(folder = this.#folder, overrides = {}) {
    const credentials = loadCredentials(folder, overrides);
    if (credentials.role !== this.role) throw new Error(`${folder}: credentials of a ${credentials.role}`);
    this.credentials = credentials;
    this.#folder = folder;
    this.#overrides = overrides;
    for (const connection of this.connections.values()) connection?.session?.learn(credentials.crls);
  }

  /** The service listens; resolves to its address. */
  listen(host = '127.0.0.1', port = 0) {
    this.#server?.close();
    this.#server = net.createServer((socket) => this.#adopt(socket));
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => resolve({ host, port: this.#server.address().port }));
    });
  }

  /** The device dials; resolves to the number of the connection when the transport is there. */
  connect(host, port) {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host, port });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(this.#adopt(socket));
      });
    });
  }

  #adopt(socket) {
    const number = ++this.#lastConnection;
    const report = (event, fields) => {
      this.#report(event, number, fields);
      if (event === 'closed') this.connections.delete(number);
    };
    const { credentials, store, clock } = this;
    this.connections.set(number, undefined);
    const connection = new Connection(socket, { credentials, store, clock, report });
    if (this.connections.has(number)) this.connections.set(number, connection);
    return number;
  }

  #report(event, connection, fields) {
    const entry = { event, connection, seq: ++this.#lastEvent, time: this.clock.now, ...fields };
    this.events.push(entry);
    if (this.events.length > KEPT_EVENTS) this.events.shift();
    this.onEvent(entry);
  }

  /** Drops every connection without a word and reads everything again; only the store survives. */
  restart() {
    this.#server?.close();
    for (const connection of this.connections.values()) connection.drop();
    this.connections.clear();
    if (this.#statePath) this.store = new Store(this.#statePath);
    this.credentials = loadCredentials(this.#folder, this.#overrides);
  }
}
