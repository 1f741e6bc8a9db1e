/** Collections of evidence (section 6.6). */
import { decode, encode } from '../cbor.js';
import { ids } from '../identifiers.js';
import { judgedOperations } from './judged.js';
import { hex, octets } from './octets.js';
import { judgeBundle } from './tpm.js';

const TYPE = '__cmwc_t';
const BOOTCOUNT = ids.claim.bootcount;

function must(holds, why) {
  if (!holds) throw new Error(why);
}

const isRecord = (item) => Array.isArray(item) && item.length === 3 && Buffer.isBuffer(item[1]);

/** Operation `collection-evidence`. */
export function collectionEvidence(input) {
  const items = decode(octets(input.cmw));
  must(items instanceof Map && items.size === 3 && [TYPE, 0, 1].every((key) => items.has(key)), 'items of a collection');
  const [token, bundle] = [items.get(0), items.get(1)];
  must(isRecord(token) && isRecord(bundle), 'no records');
  must(`application/cmw+cbor; cmwc_t="${items.get(TYPE)}"` === ids.media_type.collection, 'another collection');
  judgedOperations.evidence({ ...input, cmw: hex(encode(token)) });
  const { quote } = judgeBundle(bundle, input);
  const claims = decode(decode(token[1]).value[2]);
  must(claims.get(BOOTCOUNT) === quote.reset_count, 'items of two starts');
}
