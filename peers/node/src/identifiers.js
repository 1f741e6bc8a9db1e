/** Every number and name of the profile, read from `spec/identifiers.toml` (IDS-01). */
import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';

export const ids = parse(readFileSync(new URL('../../../spec/identifiers.toml', import.meta.url), 'utf8'));

/** Names of the frame types, by number. */
export const frameNames = new Map(Object.entries(ids.frame).map(([name, number]) => [number, name]));
