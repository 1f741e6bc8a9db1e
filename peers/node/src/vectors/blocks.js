/** Blocks of data (section 12.1). */
import { decode } from '../cbor.js';
import { sha256 } from '../certificate.js';
import { hex, octets } from './octets.js';

function must(holds, why) {
  if (!holds) throw new Error(why);
}

function leaf(index, block) {
  const place = Buffer.alloc(8);
  place.writeBigUInt64BE(BigInt(index));
  return sha256(Buffer.from([0]), place, block);
}

const node = (left, right) => sha256(Buffer.from([1]), left, right);

/** The root, by the largest power of two below the number of leaves (RFC 9162 section 2.1.1). */
function root(leaves) {
  if (leaves.length === 1) return leaves[0];
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return node(root(leaves.slice(0, split)), root(leaves.slice(split)));
}

function signed(encoded) {
  const map = decode(octets(encoded));
  must(map instanceof Map && map.size === 5, 'the map of blocks');
  const [algorithm, total, count, digests, size] = [1, 2, 3, 4, 5].map((key) => map.get(key));
  must(algorithm === -16 && [total, count, size].every(Number.isInteger), 'the map of blocks');
  must(total >= 0 && size >= 1 && count === Math.max(1, Math.ceil(total / size)), 'number of blocks');
  return { total, count, size, digests };
}

export const blockOperations = {
  blocks(input) {
    const { total, count, size, digests } = signed(input.blocks);
    const content = octets(input.content);
    must(content.length === total, 'total size');
    const leaves = Array.from({ length: count }, (_, i) => leaf(i, content.subarray(i * size, (i + 1) * size)));
    const found = root(leaves);
    const same = Array.isArray(digests)
      ? digests.length === count && digests.every((digest, i) => digest.equals(leaves[i]))
      : found.equals(digests);
    must(same, 'another tree');
    return { root: hex(found) };
  },

  block(input) {
    const { total, count, size, digests } = signed(input.blocks);
    const { index } = input;
    const block = octets(input.block);
    must(index >= 0 && index < count && block.length === Math.min(size, total - index * size), 'index or length');
    const path = input.path.map(octets);
    let found = leaf(index, block);
    for (let [place, last] = [index, count - 1]; last > 0; [place, last] = [place >> 1, last >> 1]) {
      if (place % 2 === 0 && place === last) continue;
      const other = path.shift();
      must(other, 'the path is too short');
      found = place % 2 ? node(other, found) : node(found, other);
    }
    must(path.length === 0 && found.equals(digests), 'does not lead to the root');
  },
};
