import { ids } from './identifiers.js';

/** A check of the specification failed: the session ends with `ALERT code` (ERR-02). */
export class Refusal extends Error {
  /**
   * @param {keyof typeof ids.code} name name of the code, chapter 15
   * @param {string} why for the local log alone, never sent (ERR-11)
   */
  constructor(name, why) {
    super(why);
    this.code = ids.code[name];
  }
}

/** @throws {Refusal} unless `holds` */
export function ensure(holds, name, why) {
  if (!holds) throw new Refusal(name, why);
}

/** Runs a check; whatever else it throws counts as a failed check too (ERR-01). */
export function checked(name, check) {
  try {
    return check();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(name, error.message);
  }
}
