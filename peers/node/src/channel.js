/** TLS 1.3 with certificates on both sides (chapter 4). */
import { appendFileSync } from 'node:fs';
import tls from 'node:tls';
import { Certificate, checkIdentity } from './certificate.js';
import { sha256 } from './cose.js';
import { ids } from './identifiers.js';
import { ensure } from './refusal.js';
import { checkPath } from './trust.js';

const pem = ({ der }) => `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;

/** What both roles have in common. Certificates are judged by this peer alone, for OpenSSL knows neither its clock nor
 * its rules: `judgePeer`. */
function options(credentials) {
  return {
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
    ecdhCurve: 'P-256:X25519',
    sigalgs: 'ecdsa_secp256r1_sha256',
    cert: credentials.chain.map(pem).join(''),
    key: credentials.key.export({ type: 'pkcs8', format: 'pem' }),
  };
}

/** A channel whose secrets go to the file that SSLKEYLOGFILE names, for tests (RFC 9850); off without it (ROT-17). */
function logged(channel) {
  const file = process.env.SSLKEYLOGFILE;
  if (file) channel.on('keylog', (line) => appendFileSync(file, line, { mode: 0o600 }));
  return channel;
}

/** The device's end of a connection: emits `secureConnect`. */
export function deviceChannel(socket, credentials) {
  const { hostname } = URL.canParse(credentials.policy.intended_peer) ? new URL(credentials.policy.intended_peer) : {};
  return logged(tls.connect({
    socket,
    ...options(credentials),
    ALPNProtocols: [ids.tls.alpn],
    rejectUnauthorized: false,
    ...(hostname ? { servername: hostname } : {}),
  }));
}

/** The service's end: emits `secure`. `rejectUnauthorized` makes OpenSSL refuse an empty Certificate (TLS-03). */
export function serviceChannel(socket, credentials) {
  return logged(new tls.TLSSocket(socket, {
    isServer: true,
    secureContext: tls.createSecureContext(options(credentials)),
    ALPNProtocols: [ids.tls.alpn],
    requestCert: true,
    rejectUnauthorized: true,
  }));
}

/** Certificates that the peer sent, leaf first. The getter takes the leaf off OpenSSL's list: it is called once. */
function received(channel) {
  const found = [];
  for (let x509 = channel.getPeerX509Certificate(); x509; x509 = x509.issuerCertificate) {
    ensure(found.length < ids.limit.path_length, 'policy', 'path is too long (IDN-22)');
    found.push(new Certificate(x509.raw));
  }
  ensure(found.length, 'policy', 'no certificate');
  return found;
}

/** Checks what was negotiated, to end the connection without a frame where it is not what it has to be. */
export function checkNegotiated(channel, role) {
  if (channel.alpnProtocol !== ids.tls.alpn) throw new Error('ALPN (TLS-07)');
  // OpenSSL has shared signature algorithms at a client only when a CertificateRequest named some.
  if (role === 'device' && !channel.getSharedSigalgs().length) throw new Error('no certificate was asked for (TLS-04)');
}

/**
 * Judges the other end of a finished handshake (TLS-09).
 * @param {tls.TLSSocket} channel
 * @param {{credentials, store, now: number}} trust
 * @returns {{leaf: Certificate, sent: Certificate[]}}
 * @throws {Refusal}
 */
export function judgePeer(channel, trust) {
  const { credentials } = trust;
  const [peerRole, isDevice] = credentials.role === 'device' ? ['service', true] : ['device', false];
  const [leaf, ...sent] = received(channel);
  const identity = checkIdentity(leaf, peerRole, credentials.chain[0]);
  if (isDevice) ensure(identity === credentials.policy.intended_peer, 'policy', 'another service (IDN-15)');
  checkPath({ leaf, sent, anchors: credentials.peerRoots, certain: false }, trust);
  if (!isDevice) ensure(credentials.policy.authorised_devices.includes(identity), 'policy', 'device is not authorised (IDN-16)');
  checkKeyIsOfOne(leaf, trust);
  return { leaf, sent };
}

/** One key, one identity: neither a certificate that is held nor a peer that was accepted has it for another (IDN-25). */
function checkKeyIsOfOne(leaf, { credentials, store }) {
  const named = ({ uris, platform }) => `${uris[0]} ${platform?.urn}`;
  const key = leaf.publicKey.export({ type: 'spki', format: 'der' });
  const roles = [ids.oid.eku_device, ids.oid.eku_service];
  const held = credentials.known.filter(({ publicKey, extendedKeyUsages }) =>
    publicKey.equals(leaf.publicKey) && roles.some((role) => extendedKeyUsages.includes(role)));
  const only = (name) => ensure(name === named(leaf), 'policy', 'the key is that of another identity (IDN-25)');
  held.map(named).forEach(only);
  only(store.keyOf(sha256(key), named(leaf)));
}

/** The exporter of RFC 9846 section 7.5; both ends have verified the other's Finished when it is called (TLS-12). */
export const exporter = (channel) => (label, context, length) => channel.exportKeyingMaterial(length, label, context);
