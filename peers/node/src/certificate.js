/** X.509 certificates and their paths (chapter 2, RFC 5280 section 6). */
import { X509Certificate, createHash } from 'node:crypto';
import { Der, TAG, extensions } from './der.js';
import { ids } from './identifiers.js';
import { ensure } from './refusal.js';

const EXTENSION = {
  keyUsage: '2.5.29.15', subjectAltName: '2.5.29.17', basicConstraints: '2.5.29.19', nameConstraints: '2.5.29.30',
  policies: '2.5.29.32', extendedKeyUsage: '2.5.29.37',
};
const KNOWN = new Set(Object.values(EXTENSION));
const USAGE = { digitalSignature: 0, keyCertSign: 5, crlSign: 6 };

/** SHA-256. */
export const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

export class Certificate {
  /** @param {Buffer} der */
  constructor(der) {
    ensure(der.length <= ids.limit.certificate, 'policy', 'certificate is too long (IDN-22)');
    this.x509 = new X509Certificate(der);
    this.der = der;
    this.digest = sha256(der);
    const fields = Der.only(der).children[0].children;
    this.version = fields[0].tag === 0xa0 ? new Der(fields.shift().content).number + 1 : 1;
    this.serial = fields[0].content;
    this.issuer = fields[2].octets;
    [this.notBefore, this.notAfter] = fields[3].children.map((time) => time.time);
    this.subject = fields[4].octets;
    this.subjectKey = fields[5].children[1].content.subarray(1);
    this.extensions = extensions(fields.find((field) => field.tag === 0xa3)?.children[0]);
    this.publicKey = this.x509.publicKey;
  }

  value(oid) {
    return this.extensions.get(oid)?.value;
  }

  /** Uniform resource identifiers of the subjectAltName, in order. */
  get uris() {
    const names = this.value(EXTENSION.subjectAltName)?.children ?? [];
    return names.filter((name) => name.tag === TAG.uri).map((name) => name.text);
  }

  get extendedKeyUsages() {
    return (this.value(EXTENSION.extendedKeyUsage)?.children ?? []).map((usage) => usage.oid);
  }

  /** Whether the key usage extension is there and asserts a usage. */
  may(usage) {
    return this.value(EXTENSION.keyUsage)?.bits.includes(USAGE[usage]) ?? false;
  }

  /** The one platform URN that it names, and the UEID in it (IDN-03, IDN-04). */
  get platform() {
    const pattern = new RegExp(`^${ids.urn.device}(0${ids.urn.ueid_type_random}[0-9a-f]{${2 * ids.urn.ueid_length - 2}})$`);
    const found = this.uris.map((uri) => pattern.exec(uri)).filter(Boolean);
    ensure(found.length === 1, 'policy', 'not exactly one platform URN (IDN-03)');
    return { urn: found[0][0], ueid: Buffer.from(found[0][1], 'hex') };
  }

  get isP256() {
    return this.publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  }

  issuedBy(issuer) {
    return this.issuer.equals(issuer.subject) && this.x509.verify(issuer.publicKey);
  }

  /** CA, pathLenConstraint. */
  get basicConstraints() {
    const parts = this.value(EXTENSION.basicConstraints)?.children ?? [];
    return { ca: parts[0]?.tag === TAG.boolean && parts[0].content[0] !== 0, pathLength: parts[1]?.number ?? Infinity };
  }
}

/**
 * The certification path from a leaf to one of the anchors: leaf first, anchor last (IDN-10, IDN-11, IDN-22).
 * @param {Certificate} leaf
 * @param {Certificate[]} sent further certificates that the peer sent, in any order
 * @param {Certificate[]} anchors
 * @param {number} now seconds since 1970
 * @param {{code?: string, ordered?: boolean, understood?: string[]}} how name of the code of a refusal; whether each
 *   certificate sent has to certify the one before it, as in x5chain (RFC 9360); further extensions that a leaf may have
 * @throws {Refusal} when there is none that is valid
 */
export function findPath(leaf, sent, anchors, now, { code = 'policy', ordered = false, understood = [] } = {}) {
  ensure(sent.length < ids.limit.path_length, code, 'path is too long (IDN-22)');
  ensure(!leaf.basicConstraints.ca, code, 'leaf is a CA (IDN-10)');
  ensure(!ordered || sent.every((next, i) => (sent[i - 1] ?? leaf).issuedBy(next)), code, 'order of x5chain (IDN-09)');
  const path = extend([leaf], sent, anchors);
  ensure(path, code, 'no path to a trust anchor (IDN-10)');
  for (const certificate of path) {
    ensure(certificate.notBefore <= now && now <= certificate.notAfter, code, 'outside its validity period (IDN-11)');
    for (const [oid, { critical }] of certificate.extensions) {
      const known = KNOWN.has(oid) || (certificate === leaf && understood.includes(oid));
      ensure(!critical || known, code, `unknown critical extension ${oid} (IDN-22)`);
    }
  }
  path.slice(1).forEach((issuer, below) => checkIssuer(issuer, path.slice(0, below + 1), code));
  return path;
}

function extend(path, sent, anchors) {
  const last = path.at(-1);
  const anchor = anchors.find((candidate) => candidate.digest.equals(last.digest) || last.issuedBy(candidate));
  if (anchor) return anchor.digest.equals(last.digest) ? path : [...path, anchor];
  for (const next of sent) {
    const used = path.some((certificate) => certificate.digest.equals(next.digest));
    const found = !used && last.issuedBy(next) && extend([...path, next], sent, anchors);
    if (found) return found;
  }
  return undefined;
}

/** @param {Certificate[]} below from the leaf to what this issuer certified */
function checkIssuer(issuer, below, code) {
  const { ca, pathLength } = issuer.basicConstraints;
  ensure(issuer.version === 3 && ca, code, 'issuer is no CA');
  ensure(issuer.may('keyCertSign'), code, 'issuer must not sign certificates');
  const intermediate = below.slice(1).filter((certificate) => !certificate.subject.equals(certificate.issuer));
  ensure(intermediate.length <= pathLength, code, 'path length constraint');
  const constraints = issuer.value(EXTENSION.nameConstraints);
  if (constraints) below.forEach((certificate) => checkNames(certificate, constraints, code));
}

/** Name constraints (RFC 5280 section 4.2.1.10) of directory names and URIs; a constraint of another form is refused. */
function checkNames(certificate, constraints, code) {
  const names = (certificate.value(EXTENSION.subjectAltName)?.children ?? []).map(({ tag, text, content }) => ({ tag, text, content }));
  if (Der.only(certificate.subject).content.length) names.push({ tag: TAG.directory, content: certificate.subject });
  const [permitted, excluded] = [0xa0, 0xa1].map((tag) =>
    (constraints.child(tag)?.children ?? []).map((subtree) => subtree.children[0]));
  for (const name of names) {
    const bounds = permitted.filter((bound) => bound.tag === name.tag);
    ensure(!bounds.length || bounds.some((bound) => within(name, bound)), code, 'name is not permitted');
    const bans = excluded.filter((bound) => bound.tag === name.tag);
    ensure(!bans.some((bound) => !comparable(name) || within(name, bound)), code, 'name is excluded');
  }
}

const host = (uri) => /^[a-z][a-z0-9+.-]*:\/\/(?:[^/@]*@)?([^/:?#[\]]+)/i.exec(uri)?.[1].toLowerCase();

const comparable = (name) => name.tag === TAG.directory || (name.tag === TAG.uri && host(name.text) !== undefined);

function within(name, bound) {
  if (!comparable(name)) return false;
  if (name.tag === TAG.uri) {
    const [found, wanted] = [host(name.text), bound.text.toLowerCase()];
    return wanted.startsWith('.') ? found.endsWith(wanted) : found === wanted;
  }
  const [found, wanted] = [name.content, bound.content].map((octets) => new Der(octets).children);
  return wanted.every((part, i) => found[i]?.octets.equals(part.octets));
}

/**
 * Checks an identity leaf of the other role (IDN-01 to IDN-18).
 * @param {'device'|'service'} role that it has to have
 * @param {Certificate} own leaf of this peer
 * @returns {string} its identity URI
 */
export function checkIdentity(leaf, role, own) {
  const usages = leaf.extendedKeyUsages;
  const [wanted, other, tls] = role === 'device'
    ? [ids.oid.eku_device, ids.oid.eku_service, ids.oid.eku_client_auth]
    : [ids.oid.eku_service, ids.oid.eku_device, ids.oid.eku_server_auth];
  ensure(leaf.version === 3 && leaf.isP256, 'policy', 'not an X.509 v3 certificate of a P-256 key (IDN-01)');
  ensure(leaf.may('digitalSignature'), 'policy', 'key usage (IDN-12)');
  ensure(usages.includes(wanted) && !usages.includes(other), 'policy', 'extended key usage (IDN-13, IDN-14)');
  ensure(usages.includes(tls), 'policy', 'extended key usage for TLS (IDN-05)');
  ensure(![ids.oid.eku_eat_ak, ids.oid.eku_tcg_ak].some((oid) => usages.includes(oid)), 'policy', 'attestation key (IDN-18)');
  ensure(!leaf.digest.equals(own.digest) && !leaf.publicKey.equals(own.publicKey), 'policy', 'own leaf or key (IDN-17)');
  const at = leaf.uris.indexOf(leaf.platform.urn);
  ensure(at === (role === 'device' ? 0 : 1), 'policy', 'place of the platform URN (IDN-03)');
  return leaf.uris[0];
}
