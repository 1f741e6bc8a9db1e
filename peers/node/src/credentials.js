/** A credentials folder as `trustconn provision` writes it, and what outlives a restart (SES-31). */
import { createPrivateKey } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { decode } from './cbor.js';
import { Certificate } from './certificate.js';
import { Crl } from './revocation.js';

function pem(path) {
  const blocks = existsSync(path) ? readFileSync(path, 'latin1').matchAll(/-----BEGIN [^-]+-----([^-]+)-----END/g) : [];
  return Array.from(blocks, ([, base64]) => Buffer.from(base64, 'base64'));
}

/**
 * Keys, certificates, trust anchors, reference values and policy of one peer.
 * @param {string} folder
 * @param {object} [overrides] policy of the control plane's `provision`; it comes before the folder's
 * @throws {Error} naming what is missing (IDN-08)
 */
export function loadCredentials(folder, overrides = {}) {
  const at = (name) => join(folder, name);
  const toml = (name) => (existsSync(at(name)) ? parse(readFileSync(at(name), 'utf8')) : {});
  const certificates = (name) => pem(at(name)).map((der) => new Certificate(der));
  const key = (name) => createPrivateKey(readFileSync(at(name)));
  const octets = (name) => (existsSync(at(name)) ? decode(readFileSync(at(name))) : undefined);
  const { role } = toml('manifest.toml');
  const policy = { ...toml('policy.toml'), ...overrides };
  const loaded = {
    folder,
    role,
    policy,
    chain: certificates('leaf.pem'),
    key: key('leaf.key.pem'),
    attestation: { chain: certificates('ak.pem'), key: key('ak.key.pem'), ...toml('tam.toml') },
    peerRoots: certificates('peer-roots.pem'),
    attestationRoots: certificates('attestation-roots.pem'),
    waiverAuthorities: certificates('waiver-authorities.pem'),
    known: certificates('known.pem'),
    crls: pem(at('crls.pem')).map((der) => new Crl(der)),
    proofs: octets('proofs.cbor'),
    waiver: policy.presents_waiver ? octets('waiver.cose') : undefined,
    components: toml('reference-values.toml').components ?? {},
    revokedWaivers: toml('revoked-waivers.toml').statements ?? [],
  };
  const needed = {
    'an identity in leaf.pem': loaded.chain.length,
    'trust anchors for the peer in peer-roots.pem': loaded.peerRoots.length,
    'intended_peer in policy.toml': role !== 'device' || policy.intended_peer,
    'authorised_devices in policy.toml': role !== 'service' || policy.authorised_devices?.length,
    'a waiver in waiver.cose': !policy.presents_waiver || loaded.waiver,
  };
  for (const [what, there] of Object.entries(needed)) if (!there) throw new Error(`${folder}: lacks ${what}`);
  return loaded;
}

/** What is stored before it takes effect: label numbers and the latest verified time. */
export class Store {
  #path;
  #state = { latest: 0, sent: 0, signers: {} };

  /** @param {string} [path] a JSON file; without one the state lives as long as the process */
  constructor(path) {
    this.#path = path;
    if (path && existsSync(path)) this.#state = JSON.parse(readFileSync(path, 'utf8'));
  }

  #save() {
    if (!this.#path) return;
    writeFileSync(`${this.#path}.new`, JSON.stringify(this.#state), { flush: true });
    renameSync(`${this.#path}.new`, this.#path);
  }

  /** The latest verified thisUpdate: no clock goes below it (REV-10). */
  get latest() {
    return this.#state.latest;
  }

  verified(thisUpdate) {
    if (thisUpdate <= this.#state.latest) return;
    this.#state.latest = thisUpdate;
    this.#save();
  }

  /** The next number for a label of this peer (LBL-26). */
  nextSequence() {
    this.#state.sent += 1;
    this.#save();
    return this.#state.sent;
  }

  /** Whose identity key this is: `name`, unless it was accepted under another before (IDN-25). */
  keyOf(digest, name) {
    this.#state.keys ??= {};
    const key = digest.toString('hex');
    if (this.#state.keys[key]) return this.#state.keys[key];
    this.#state.keys[key] = name;
    this.#save();
    return name;
  }

  /** Highest sequence number and label ids accepted from a signer (LBL-09, LBL-11). */
  signer(digest) {
    return this.#state.signers[digest.toString('hex')] ?? { highest: -1, ids: {} };
  }

  /** Notes an accepted label; ids of labels made before `oldest` can go, for their age refuses them. */
  accepted(digest, sequence, id, issuedAt, oldest) {
    const recent = Object.entries(this.signer(digest).ids).filter(([, time]) => time >= oldest);
    this.#state.signers[digest.toString('hex')] = {
      highest: Number(sequence), ids: { ...Object.fromEntries(recent), [id.toString('hex')]: issuedAt },
    };
    this.#save();
  }
}
