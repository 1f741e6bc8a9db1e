/** The control plane: one JSON object a line (`harness/iut/control.schema.json`). */
import { createInterface } from 'node:readline';

/** The ICS of this implementation, as the description file has it. */
export const features = {
  bindings: ['tls'],
  evidence_formats: ['eat'],
  evidence_accepted: ['eat'],
  requires_evidence: true,
  presents_waiver: true,
  accepts_waiver: true,
  initiates_reattestation: true,
  requires_labels: true,
  sends_labels: true,
  revocation_proofs: ['crl', 'ocsp', 'short-lived'],
  non_exportable_key: true,
  persistent_state: true,
  connections: 256,
  key_log: true,
};

class ControlError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const POLICY = new Set([
  'presents_waiver', 'intended_peer', 'authorised_devices', 'requires_evidence', 'accepted', 'offered', 'labels_required',
  'minimum_waiver_level', 'record_limit', 'clock_tolerance', 'reattest_interval', 'max_age', 'revocation_max_age', 'valid_for',
  'handshake_timeout', 'verdict_timeout', 'expired_timeout', 'suites',
]);

/** What each verb does with a peer and a request; resolves to the content of `ok`. */
const verbs = {
  hello: (peer) => ({
    protocol: 1, role: peer.role, name: 'trustconn Node.js peer', version: '1.0.0', verbs: Object.keys(verbs), features,
  }),

  provision(peer, { folder, ...overrides }) {
    for (const name of Object.keys(overrides)) demand(POLICY.has(name), 'bad_request', `no setting ${name}`);
    try {
      peer.provision(folder, overrides);
    } catch (error) {
      throw new ControlError('bad_configuration', error.message);
    }
    return {};
  },

  start(peer) {
    demand(peer.role === 'service', 'wrong_role', 'a device does not listen');
    return peer.listen();
  },

  async connect(peer, { host, port }) {
    demand(peer.role === 'device', 'wrong_role', 'a service does not dial');
    return { connection: await peer.connect(host, port) };
  },

  send(peer, { connection, content, content_type: contentType }) {
    const session = sessionOf(peer, connection);
    demand(['OPEN', 'EXPIRED'].includes(session.state), 'wrong_state', `session is in ${session.state}`);
    session.data.send(Buffer.from(content, 'base64'), contentType);
    return {};
  },

  close(peer, { connection }) {
    const session = sessionOf(peer, connection);
    demand(session.canClose, 'wrong_state', `session is in ${session.state}`);
    session.close();
    return {};
  },

  events: (peer, { since }) => ({ events: peer.events.filter(({ seq }) => seq > since).slice(0, 1024) }),

  clock(peer, { now, advance }) {
    peer.clock.set(now ?? peer.clock.now + advance);
    return { now: peer.clock.now };
  },

  restart(peer) {
    peer.restart();
    return {};
  },

  stop: () => ({}),
};

function demand(holds, code, message) {
  if (!holds) throw new ControlError(code, message);
}

function sessionOf(peer, number) {
  demand(peer.connections.has(number), 'unknown_connection', `no connection ${number}`);
  const session = peer.connections.get(number)?.session;
  demand(session, 'wrong_state', 'handshake is not complete');
  return session;
}

/**
 * Serves the control plane of a peer until `stop` or the end of the input.
 * @param {import('./peer.js').Peer} peer
 * @param {import('node:stream').Readable} input
 * @param {import('node:stream').Writable} output
 */
export async function serveControl(peer, input, output) {
  const write = (message) => output.write(`${JSON.stringify(message)}\n`);
  peer.onEvent = write;
  for await (const line of createInterface({ input })) {
    const request = parse(line);
    if (!request) {
      process.stderr.write('control plane: a line that is no request\n');
      continue;
    }
    const { id, verb, ...fields } = request;
    try {
      demand(Object.hasOwn(verbs, verb), 'unknown_verb', `no verb ${verb}`);
      write({ id, ok: await verbs[verb](peer, fields) });
    } catch (error) {
      write({ id, error: { code: error instanceof ControlError ? error.code : 'failed', message: error.message.slice(0, 4096) } });
    }
    if (verb === 'stop') break;
  }
}

function parse(line) {
  try {
    const request = JSON.parse(line);
    return Number.isInteger(request?.id) && typeof request.verb === 'string' ? request : undefined;
  } catch {
    return undefined;
  }
}
