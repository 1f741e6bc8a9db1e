/** Decoded items as vectors show them: `[type, value]`. */
import { Float, Tagged } from '../cbor.js';

function double(value) {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleBE(value);
  return Number.isNaN(value) ? '7ff8000000000000' : buffer.toString('hex');
}

export function tree(item) {
  switch (typeof item) {
    case 'boolean': return ['simple', item ? 21 : 20];
    case 'undefined': return ['simple', 23];
    case 'number':
    case 'bigint': return ['int', String(item)];
    case 'string': return ['text', item];
  }
  if (item === null) return ['simple', 22];
  if (Buffer.isBuffer(item)) return ['bytes', item.toString('hex')];
  if (Array.isArray(item)) return ['array', item.map(tree)];
  if (item instanceof Map) return ['map', Array.from(item, (pair) => pair.map(tree))];
  if (item instanceof Tagged) return ['tag', String(item.tag), tree(item.value)];
  if (item instanceof Float) return ['float', double(item.value)];
  return ['simple', item.simple];
}
