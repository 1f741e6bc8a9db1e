/** CBOR sequences (RFC 8742), by the decoder of items. */
import { decode } from '../cbor.js';

const WIDTH = { 24: 1, 25: 2, 26: 4, 27: 8 };

/** The encoded items of a sequence; what is wrong inside of one is for `decode` to say. */
export function encodedItems(data) {
  const items = [];
  for (let at = 0; at < data.length;) {
    const end = endOf(data, at);
    items.push(data.subarray(at, end));
    at = end;
  }
  return items;
}

export const sequence = (data) => encodedItems(data).map(decode);

function endOf(data, at) {
  if (at >= data.length) throw new Error('item ends early');
  const [major, info] = [data[at] >> 5, data[at] & 31];
  const width = WIDTH[info] ?? 0;
  if (info > 27) throw new Error('indefinite length or reserved head');
  const argument = width ? Number(BigInt(`0x0${data.subarray(at + 1, at + 1 + width).toString('hex')}`)) : info;
  let end = at + 1 + width;
  if (major === 2 || major === 3) end += argument;
  for (let left = [0, 0, 0, 0, argument, 2 * argument, 1, 0][major]; left > 0; left--) end = endOf(data, end);
  if (end > data.length) throw new Error('item ends early');
  return end;
}
