/** Timers by name, each of which ends the one of its name before it. */
export class Timers {
  #clock;
  #cancels = new Map();

  /** @param {import('./clock.js').Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /** Does something at that time, in unix seconds. */
  arm(name, time, action) {
    this.stop(name);
    this.#cancels.set(name, this.#clock.at(time, action));
  }

  stop(...names) {
    for (const name of names) {
      this.#cancels.get(name)?.();
      this.#cancels.delete(name);
    }
  }

  stopAll() {
    this.stop(...this.#cancels.keys());
  }
}
