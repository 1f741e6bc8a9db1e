/** A reader of DER (X.690) for what `node:crypto` does not show of certificates, CRLs and OCSP responses. */

/** One element: its tag octet, its content, and its whole encoding. */
export class Der {
  constructor(octets, at = 0) {
    const length = octets[at + 1];
    const more = length < 0x80 ? 0 : length - 0x80;
    if ((octets[at] & 31) === 31 || !(length <= 0x84) || length === 0x80) throw new Error('DER that is not read here');
    const start = at + 2 + more;
    const size = more ? octets.readUIntBE(at + 2, more) : length;
    if (start + size > octets.length) throw new Error('DER ends early');
    this.tag = octets[at];
    this.content = octets.subarray(start, start + size);
    this.octets = octets.subarray(at, start + size);
  }

  /** The one element that fills `octets`. */
  static only(octets) {
    const element = new Der(octets);
    if (element.octets.length !== octets.length) throw new Error('octets follow the DER');
    return element;
  }

  /** The elements inside a constructed one. */
  get children() {
    const found = [];
    for (let at = 0; at < this.content.length; at += found.at(-1).octets.length) found.push(new Der(this.content, at));
    return found;
  }

  /** The child with this tag octet. */
  child(tag) {
    return this.children.find((element) => element.tag === tag);
  }

  /** An OBJECT IDENTIFIER in dots. */
  get oid() {
    const arcs = [];
    let arc = 0n;
    for (const octet of this.content) {
      arc = (arc << 7n) | BigInt(octet & 0x7f);
      if (octet & 0x80) continue;
      arcs.push(arc);
      arc = 0n;
    }
    const first = arcs[0] < 80n ? arcs[0] / 40n : 2n;
    return [first, arcs[0] - 40n * first, ...arcs.slice(1)].join('.');
  }

  /** An INTEGER or ENUMERATED that is small. */
  get number() {
    return this.content.readIntBE(0, this.content.length);
  }

  get text() {
    return this.content.toString('latin1');
  }

  /** A UTCTime or GeneralizedTime as seconds since 1970 (RFC 5280 section 4.1.2.5). */
  get time() {
    const digits = this.tag === 0x17 ? `${Number(this.text.slice(0, 2)) < 50 ? 20 : 19}${this.text}` : this.text;
    const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits)?.slice(1).map(Number);
    if (!parts) throw new Error('not a time of RFC 5280');
    return Date.UTC(parts[0], parts[1] - 1, ...parts.slice(2)) / 1000;
  }

  /** Numbers of the bits that a BIT STRING sets. */
  get bits() {
    return [...this.content.subarray(1)].flatMap((octet, i) =>
      [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => octet & (0x80 >> bit)).map((bit) => 8 * i + bit));
  }
}

export const TAG = {
  boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, enumerated: 0x0a, sequence: 0x30,
  utcTime: 0x17, generalizedTime: 0x18, uri: 0x86, directory: 0xa4,
};

/** The extensions in a SEQUENCE OF Extension, by object identifier. */
export function extensions(sequence) {
  const found = new Map();
  for (const extension of sequence?.children ?? []) {
    const oid = extension.children[0].oid;
    if (found.has(oid)) throw new Error(`extension ${oid} stands twice`);
    const critical = extension.children[1].tag === TAG.boolean && extension.children[1].content[0] !== 0;
    found.set(oid, { critical, value: Der.only(extension.children.at(-1).content) });
  }
  return found;
}
