/** Proofs that a certificate is not revoked: CRLs (RFC 5280 section 5) and OCSP responses (RFC 6960). */
import { createHash, verify } from 'node:crypto';
import { Certificate, sha256 } from './certificate.js';
import { Der, TAG, extensions } from './der.js';
import { ids } from './identifiers.js';
import { ensure } from './refusal.js';

const OCSP_BASIC = '1.3.6.1.5.5.7.48.1.1';
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const HASH = { '1.3.14.3.2.26': 'sha1', '2.16.840.1.101.3.4.2.1': 'sha256' };
const SIGNATURE = { '1.2.840.10045.4.3.2': 'sha256', '1.2.840.10045.4.3.3': 'sha384', '1.3.101.112': null };
const KNOWN_CRL_EXTENSIONS = new Set(['2.5.29.20', '2.5.29.35']);
const isTime = ({ tag }) => tag === TAG.utcTime || tag === TAG.generalizedTime;

function signatureHolds(signed, algorithm, signature, key) {
  const name = algorithm.children[0].oid;
  return name in SIGNATURE && verify(SIGNATURE[name], signed.octets, key, signature.content.subarray(1));
}

/** A CRL: `about` says what it tells of a certificate. */
export class Crl {
  constructor(der) {
    [this.signed, this.algorithm, this.signature] = Der.only(der).children;
    const fields = this.signed.children;
    if (fields[0].tag === TAG.integer) fields.shift();
    this.issuer = fields[1].octets;
    this.thisUpdate = fields[2].time;
    this.nextUpdate = isTime(fields[3]) ? fields[3].time : undefined;
    this.entries = fields.slice(4).find(({ tag }) => tag === TAG.sequence)?.children ?? [];
    if (fields[3].tag === TAG.sequence) this.entries = fields[3].children;
    for (const [oid, { critical }] of extensions(fields.find(({ tag }) => tag === 0xa0)?.children[0])) {
      if (critical && !KNOWN_CRL_EXTENSIONS.has(oid)) throw new Error(`CRL with critical extension ${oid}`);
    }
  }

  /** @returns what it says of `certificate`, undefined where it speaks of others */
  about(certificate, issuer) {
    if (!this.issuer.equals(certificate.issuer)) return undefined;
    const trusted = issuer.may('crlSign') && signatureHolds(this.signed, this.algorithm, this.signature, issuer.publicKey);
    if (!trusted) throw new Error('CRL is not signed by the issuer');
    const revoked = this.entries.some((entry) => entry.children[0].content.equals(certificate.serial));
    return { revoked, thisUpdate: this.thisUpdate, nextUpdate: this.nextUpdate };
  }
}

/** A basic OCSP response. */
export class Ocsp {
  constructor(der) {
    const response = Der.only(der);
    if (response.child(TAG.enumerated).number !== 0) throw new Error('OCSP response without success');
    const [type, basic] = response.child(0xa0).children[0].children;
    if (type.oid !== OCSP_BASIC) throw new Error('not a basic OCSP response');
    [this.signed, this.algorithm, this.signature, this.certificates] = Der.only(basic.content).children;
    this.responses = this.signed.children.filter(({ tag }) => tag === TAG.sequence)[0].children;
  }

  about(certificate, issuer, now) {
    const response = this.responses.find((single) => this.#names(single.children[0], certificate, issuer));
    if (!response) return undefined;
    if (!this.#signers(issuer, now).some((signer) => signatureHolds(this.signed, this.algorithm, this.signature, signer.publicKey))) {
      throw new Error('OCSP response is not signed by the issuer or its delegate');
    }
    const [, status, thisUpdate, ...rest] = response.children;
    const nextUpdate = rest.find(({ tag }) => tag === 0xa0)?.children[0].time;
    return { revoked: (status.tag & 31) !== 0, thisUpdate: thisUpdate.time, nextUpdate };
  }

  #names(id, certificate, issuer) {
    const [algorithm, nameHash, keyHash, serial] = id.children;
    const hash = HASH[algorithm.children[0].oid];
    const digest = (octets) => hash && createHash(hash).update(octets).digest();
    return hash && digest(issuer.subject).equals(nameHash.content) && digest(issuer.subjectKey).equals(keyHash.content)
      && serial.content.equals(certificate.serial);
  }

  /** The issuer, and its delegates that are valid now (RFC 6960 section 4.2.2.2). */
  #signers(issuer, now) {
    const sent = (this.certificates?.children[0].children ?? []).map(({ octets }) => new Certificate(octets));
    const isDelegate = (signer) => signer.issuedBy(issuer) && signer.extendedKeyUsages.includes(OCSP_SIGNING);
    return [issuer, ...sent.filter((signer) => isDelegate(signer) && signer.notBefore <= now && now <= signer.notAfter)];
  }
}

const KIND = { [ids.revocation_proof.ocsp]: Ocsp, [ids.revocation_proof.crl]: Crl };

/** Statements of the first eight proofs of a HELLO or an ATT (REV-14); one that cannot be parsed is refused (REV-08). */
export function readProofs(proofs = []) {
  return proofs.slice(0, 8).map(([kind, der]) => new KIND[kind](der));
}

/**
 * Checks that every certificate of a path below its anchor is known not to be revoked (REV-02, REV-03, REV-05).
 * @param {Certificate[]} path leaf first, anchor last
 * @param {(Crl|Ocsp)[]} proofs those of the peer
 * @param {Crl[]} lists local revocation data: proves nothing of an identity leaf that it does not list (REV-03)
 * @param {{now: number, maxAge: number, certain: boolean, identity: boolean, seen: (thisUpdate: number) => void}} terms in seconds; `certain`
 *   false: an unknown status is no refusal; `seen` learns of verified times (REV-10)
 * @returns {number} when the first proof or short life ends
 */
export function checkRevocation(path, proofs, lists, { now, maxAge, certain, identity, seen }) {
  let until = Infinity;
  path.slice(0, -1).forEach((certificate, i) => {
    const statements = (sources) => sources.map((source) => statement(source, certificate, path[i + 1], now)).filter(Boolean);
    const [proved, listed] = [statements(proofs), statements(lists)];
    const said = identity && i === 0 ? proved : [...proved, ...listed];
    ensure(![...proved, ...listed].some(({ revoked }) => revoked), 'revoked', 'certificate is revoked');
    const current = said.filter(({ thisUpdate, nextUpdate }) =>
      thisUpdate <= now && now < (nextUpdate ?? Infinity) && now - thisUpdate <= maxAge);
    current.forEach(({ thisUpdate }) => seen(thisUpdate));
    const short = certificate.notAfter - certificate.notBefore <= ids.limit.short_lived_seconds;
    ensure(!certain || short || current.length, 'revoked', 'status of a certificate is not known (REV-08)');
    const ends = current.map(({ thisUpdate, nextUpdate }) => Math.min(nextUpdate ?? Infinity, thisUpdate + maxAge));
    until = Math.min(until, certificate.notAfter, short ? Infinity : Math.max(...ends));
  });
  return until;
}

function statement(proof, certificate, issuer, now) {
  try {
    return proof.about(certificate, issuer, now);
  } catch (error) {
    return ensure(false, 'revoked', error.message);
  }
}
