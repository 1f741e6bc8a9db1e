/** Measurement lists of the Linux kernel (TPM-18 to TPM-22). */
import { createHash } from 'node:crypto';
import { sha256 } from '../certificate.js';
import { hex } from './octets.js';

const FIELDS = { 'ima-ng': 2, 'ima-sig': 3 };
const ALGORITHM = Buffer.from('sha256:\0');
const [REGISTER, MOST_ENTRIES, LONGEST] = [10, 256, 32768];

function must(holds, why) {
  if (!holds) throw new Error(why);
}

/** A field with its length in four octets, little-endian, and where the next one begins. */
function sized(data, at) {
  must(at + 4 <= data.length, 'ends early');
  const end = at + 4 + data.readUInt32LE(at);
  must(end <= data.length, 'ends early');
  return [data.subarray(at + 4, end), end];
}

function fileOf(template, data) {
  must(Object.hasOwn(FIELDS, template), 'another template');
  const fields = [];
  for (let at = 0, field; at < data.length; ) {
    [field, at] = sized(data, at);
    fields.push(field);
  }
  must(fields.length === FIELDS[template], 'number of fields');
  const [digest, name] = fields;
  must(digest.length === 40 && digest.subarray(0, 8).equals(ALGORITHM), 'digest of a file');
  must(name.at(-1) === 0, 'name of a file');
  return { name: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(name.subarray(0, -1)), digest: digest.subarray(8) };
}

/** The entries of a list, each with the file that it tells of. */
export function readList(data) {
  must(data.length <= LONGEST, 'too long');
  const entries = [];
  for (let at = 0; at < data.length; ) {
    must(entries.length < MOST_ENTRIES && at + 24 <= data.length, 'too many entries, or an end within one');
    const entry = { register: data.readUInt32LE(at), digest: data.subarray(at + 4, at + 24) };
    [entry.template, at] = sized(data, at + 24);
    [entry.data, at] = sized(data, at);
    entry.template = entry.template.toString('latin1');
    entry.violation = entry.digest.equals(Buffer.alloc(20));
    entries.push({ ...entry, file: fileOf(entry.template, entry.data) });
  }
  return entries;
}

/** What the entries extend PCR 10 to. */
export const extended = (entries) =>
  entries.reduce((value, { violation, data }) => sha256(value, violation ? Buffer.alloc(32, 0xff) : sha256(data)), Buffer.alloc(32));

/** As `tpm-structure` answers. */
export function shownList(data) {
  const entries = readList(data);
  const listed = entries.map(({ register, digest, template, file }) => [register, hex(digest), template, file.name, hex(file.digest)]);
  return { entries: listed, register: hex(extended(entries)) };
}

/** Judges a list by the quoted value of PCR 10; returns the files. */
export function judgeList(data, value) {
  const entries = readList(data);
  for (const entry of entries) {
    must(!entry.violation, 'a violation');
    must(createHash('sha1').update(entry.data).digest().equals(entry.digest), 'digest of an entry');
    must(entry.register === REGISTER, 'another register');
  }
  must(value?.equals(extended(entries)), 'does not replay');
  return entries.map(({ file }) => file);
}
