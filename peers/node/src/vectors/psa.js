/** PSA tokens (section 6.5). Their claims stand in any valid encoding: cbor2 reads them. */
import { verify } from 'node:crypto';
import { decode as decodeAny } from 'cbor2';
import { Tagged, decode, encode } from '../cbor.js';
import { ids } from '../identifiers.js';
import { readProofs } from '../revocation.js';
import { checkPath } from '../trust.js';
import { hex, octets } from './octets.js';
import { certificates, lists, readChain } from './pki.js';

const PROFILE = 'tag:psacertified.org,2023:psa#tfm';
const POLICIES = '2.5.29.32';
const REQUIRED = [10, 256, 265, 268, 2394, 2395, 2396, 2399];

function must(holds, why) {
  if (!holds) throw new Error(why);
}

const isOctets = (item) => item instanceof Uint8Array;

function attestationKey(chain, input, peer) {
  const [leaf, ...sent] = chain;
  const usages = leaf.extendedKeyUsages;
  must(usages.length === 1 && usages[0] === ids.oid.eku_psa_ak, 'usage of the attestation key');
  const known = [peer, ...certificates([input.own, ...input.known])];
  must(!known.some(({ publicKey }) => publicKey.equals(leaf.publicKey)), 'an identity key');
  must(leaf.uris.length === 1 && leaf.uris[0] === peer.platform.urn, 'another platform');
  const proofs = readProofs(input.endorsements ? decode(octets(input.endorsements)) : []);
  const credentials = { policy: { revocation_max_age: input.revocation_max_age }, crls: lists(input.crls) };
  const asked = { leaf, sent, anchors: certificates(input.roots), proofs, code: 'attestation_failed', ordered: true, identity: false };
  checkPath(asked, { credentials, now: input.now, store: { verified: () => {} } });
  return leaf;
}

export function checkComponents(listed, references, signers) {
  must(Array.isArray(listed), 'components');
  const found = new Map();
  for (const item of listed) {
    const [name, digest, signer] = [1, 2, 5].map((key) => item.get(key));
    must(typeof name === 'string' && !found.has(name), 'name of a component');
    must(isOctets(digest) && digest.length === 32, 'measurement of a component');
    must(isOctets(signer) && [32, 48, 64].includes(signer.length), 'signer of a component');
    must((item.get(6) ?? 'sha-256') === 'sha-256', 'algorithm of a component');
    must((signers[name] ?? hex(signer)) === hex(signer), 'another signer of a component');
    found.set(name, hex(digest));
  }
  const names = Object.keys(references);
  must(names.length && names.length === found.size && names.every((name) => found.get(name) === references[name]), 'components');
}

/** A token, taken apart: the chain of its key and its claims, which can be verified and judged. */
export class PsaToken {
  constructor(item) {
    must(item instanceof Tagged && item.tag === ids.cose.tag_sign1 && item.value.length === 4, 'no COSE_Sign1');
    const [header, unprotected, payload, signature] = item.value;
    const protectedHeader = decode(header);
    must(protectedHeader.size === 1 && [-7, -9].includes(protectedHeader.get(1)), 'header');
    must(unprotected.size === 1, 'unprotected header');
    this.claims = decodeAny(payload, { rejectStreaming: true, rejectDuplicateKeys: true, preferMap: true });
    must(this.claims instanceof Map && REQUIRED.every((key) => this.claims.has(key)), 'claims');
    must(this.claims.get(265) === PROFILE, 'profile');
    this.chain = readChain(unprotected.get(33));
    this.signed = encode(['Signature1', header, Buffer.alloc(0), payload]);
    this.signature = signature;
  }

  octets(key) {
    const found = this.claims.get(key);
    must(isOctets(found), 'a claim that is no byte string');
    return hex(found);
  }

  verify(leaf) {
    const { signature } = this;
    must(signature.length === 64 && verify('sha256', this.signed, { key: leaf.publicKey, dsaEncoding: 'ieee-p1363' }, signature), 'signature');
  }

  /** Which platform it is, who asked, and in which state of life. */
  judgeCaller(peer) {
    must(this.octets(256) === hex(peer.platform.ueid), 'instance');
    const [client, lifecycle] = [this.claims.get(2394), this.claims.get(2395)];
    must(Number.isInteger(client) && client > 0, 'client');
    must(Number.isInteger(lifecycle) && lifecycle >= 0x3000 && lifecycle <= 0x30ff, 'lifecycle');
  }
}

/** Operation `psa-evidence`. */
export function psaEvidence(input) {
  const [type, value, indicator] = decode(octets(input.cmw));
  must(type === 10003 && indicator === ids.cmw.evidence, 'wrapper');
  const token = new PsaToken(decode(value));
  const [peer] = certificates([input.leaf]);
  token.verify(attestationKey(token.chain, input, peer));
  must(token.octets(10) === input.binder, 'binder');
  token.judgeCaller(peer);
  const policies = (peer.value(POLICIES)?.children ?? []).map((policy) => policy.children[0].oid);
  must(policies.includes(ids.oid.policy_key_in_hsm), 'custody of the identity key');
  must(input.implementations.includes(token.octets(2396)), 'implementation');
  checkComponents(token.claims.get(2399), input.reference_values, input.signers);
}
