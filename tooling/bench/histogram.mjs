// Counts per 10 microseconds up to one second: bounded, and precise enough for percentiles.
const slots = 100_001;

/** What a load generator saw. */
export class Histogram {
  #counts = new Uint32Array(slots);
  #requests = 0;
  #errors = 0;

  add(milliseconds, succeeded) {
    if (succeeded) this.#requests += 1;
    else this.#errors += 1;
    this.#counts[Math.min(Math.round(milliseconds * 100), slots - 1)] += 1;
  }

  /** The line with which every generator ends; see load.mjs. */
  result(milliseconds) {
    const micros = Math.round(milliseconds * 1_000);
    const percentiles = `${this.#percentile(0.5)} ${this.#percentile(0.99)}`;
    return `RESULT ${this.#requests} ${micros} ${percentiles} ${this.#errors}`;
  }

  #percentile(share) {
    const wanted = (this.#requests + this.#errors) * share;
    let seen = 0;
    for (const [slot, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= wanted) return slot * 10;
    }
    return 0;
  }
}
