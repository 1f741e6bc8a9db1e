/** The grammar of `spec/trustconn.cddl`, read at run time: each rule becomes a predicate on decoded items (RFC 8610). */
import { readFileSync } from 'node:fs';
import { Float, Tagged, decode } from '../cbor.js';

const FILE = new URL('../../../../spec/trustconn.cddl', import.meta.url);
const WORD = /"[^"]*"|#6\.\d+|=>|\^|\/\/|\.\.|\.[a-z]+|-?\d+|[A-Za-z_]\w*|[[\]{}()/,:?*+]/g;
const isInt = (item) => typeof item === 'bigint' || Number.isInteger(item);
const sizeOf = (item) => Buffer.byteLength(item);

const texts = (() => {
  const plain = readFileSync(FILE, 'utf8').replace(/;.*/g, '');
  const [, ...parts] = plain.split(/^([a-z]\w*) = /m);
  return new Map(parts.flatMap((part, i) => (i % 2 ? [] : [[part, parts[i + 1]]])));
})();

const known = new Map(Object.entries({
  any: () => true,
  int: isInt,
  uint: (item) => isInt(item) && item >= 0,
  bstr: Buffer.isBuffer,
  tstr: (item) => typeof item === 'string',
  bool: (item) => typeof item === 'boolean',
  true: (item) => item === true,
  number: (item) => isInt(item) || item instanceof Float,
}));

class Grammar {
  constructor(text) {
    this.words = text.match(WORD);
    this.at = 0;
  }

  next() {
    return this.words[this.at++];
  }

  sees(word) {
    return this.words[this.at] === word && Boolean(++this.at);
  }

  type() {
    const options = [this.single()];
    while (this.sees('/')) options.push(this.single());
    return (item) => options.some((option) => option(item));
  }

  single() {
    const word = this.next();
    if (word === '[') return this.array();
    if (word === '{') return this.map();
    if (word.startsWith('#6.')) return this.tagged(Number(word.slice(3)));
    if (word.startsWith('"')) return (item) => item === word.slice(1, -1);
    if (/^-?\d+$/.test(word)) {
      const least = Number(word);
      const most = this.sees('..') ? Number(this.next()) : least;
      return (item) => isInt(item) && item >= least && item <= most;
    }
    return this.controlled((item) => rule(word)(item));
  }

  tagged(number) {
    this.next();
    const inner = this.type();
    this.next();
    return (item) => item instanceof Tagged && item.tag === number && inner(item.value);
  }

  controlled(base) {
    if (this.sees('.ge')) {
      const least = Number(this.next());
      return (item) => base(item) && item >= least;
    }
    if (this.sees('.cbor')) {
      const inner = this.next();
      return (item) => base(item) && rule(inner)(decode(item));
    }
    if (!this.sees('.size')) return base;
    const [least, most] = this.bounds();
    return (item) => base(item) && sizeOf(item) >= least && sizeOf(item) <= most;
  }

  bounds() {
    if (!this.sees('(')) {
      const size = Number(this.next());
      return [size, size];
    }
    const least = Number(this.next());
    this.next();
    const most = Number(this.next());
    this.next();
    return [least, most];
  }

  occurrence() {
    if (this.sees('?')) return [0, 1];
    if (this.sees('*')) return [0, Infinity];
    if (this.sees('+')) return [1, Infinity];
    if (this.words[this.at + 1] !== '*') return [1, 1];
    const least = Number(this.next());
    this.next();
    return [least, /^\d+$/.test(this.words[this.at]) ? Number(this.next()) : Infinity];
  }

  array() {
    const members = [];
    while (!this.sees(']')) {
      const [least, most] = this.occurrence();
      if (this.words[this.at + 1] === ':') this.at += 2;
      members.push({ least, most, type: this.type() });
      this.sees(',');
    }
    return (item) => Array.isArray(item) && elementsMatch(item, members);
  }

  map() {
    const choices = [[]];
    while (!this.sees('}')) {
      if (this.sees('//')) {
        choices.push([]);
        continue;
      }
      const [least, most] = this.occurrence();
      const key = this.single();
      const cut = this.sees('^');
      this.next();
      choices.at(-1).push({ least, most, key, cut, type: this.type() });
      this.sees(',');
    }
    return (item) => item instanceof Map && choices.some((members) => entriesMatch(item, members));
  }
}

function elementsMatch(items, members) {
  let at = 0;
  for (const { least, most, type } of members) {
    let count = 0;
    while (count < most && at < items.length && type(items[at])) [at, count] = [at + 1, count + 1];
    if (count < least) return false;
  }
  return at === items.length;
}

function entriesMatch(map, members) {
  const left = new Map(map);
  for (const { least, most, key, cut, type } of members) {
    const named = [...left].filter(([name]) => key(name));
    const mine = named.filter(([, value]) => type(value)).slice(0, most);
    if (cut && mine.length < named.length) return false;
    if (mine.length < least) return false;
    mine.forEach(([name]) => left.delete(name));
  }
  return left.size === 0;
}

function rule(name) {
  if (!known.has(name)) known.set(name, new Grammar(texts.get(name)).type());
  return known.get(name);
}

/** Whether a decoded item, or the items of a sequence, match a rule. */
export const matches = (name, item) => rule(name)(item);
