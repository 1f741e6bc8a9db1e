/** The time by which a peer judges validity and timers: the system's, moved by the control plane. */
export class Clock {
  #offset = 0;
  #timers = new Set();
  #wake;

  /** Milliseconds since 1970. */
  get milliseconds() {
    return Date.now() + this.#offset;
  }

  /** Seconds since 1970. */
  get now() {
    return Math.floor(this.milliseconds / 1000);
  }

  /**
   * Runs `action` once, at a time in seconds since 1970.
   * @returns {() => void} cancels it
   */
  at(time, action) {
    const timer = { time: time * 1000, action };
    this.#timers.add(timer);
    this.#arm();
    return () => this.#timers.delete(timer);
  }

  /** Sets the time, and runs every timer that becomes due, the earliest first. */
  set(now) {
    this.#offset = now * 1000 - Date.now();
    this.#run();
  }

  #run() {
    for (;;) {
      const due = [...this.#timers].filter(({ time }) => time <= this.milliseconds).sort((a, b) => a.time - b.time)[0];
      if (!due) break;
      this.#timers.delete(due);
      due.action();
    }
    this.#arm();
  }

  #arm() {
    clearTimeout(this.#wake);
    const next = Math.min(...[...this.#timers].map(({ time }) => time));
    if (next === Infinity) return;
    this.#wake = setTimeout(() => this.#run(), Math.min(Math.max(next - this.milliseconds, 0), 2 ** 31 - 1));
    this.#wake.unref();
  }
}
