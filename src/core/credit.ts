/**
 * The credit of one analyzer: how many more deliveries it has permitted, and how many it holds.
 *
 * Invariants:
 *  W1  credit >= 0 and inFlight >= 0.
 *  W2  A grant never makes credit + inFlight exceed the highest max so far. Only adopted leases can, as they exist
 *      already. (Not the present max: an analyzer may have granted before it heard that max had fallen.)
 *  W3  An answer grants nothing by itself: credit rises by `grant` and `refund` only.
 */

/** Deliveries that one unit of weight keeps in flight, unless the analyzer says otherwise. */
const IN_FLIGHT_PER_WEIGHT = 10;

/** Most leases at a time of an analyzer that names no number. In proportion to the weight, so that windows do not bend shares. */
export function defaultMaxInFlight(weight: number): number {
  return Math.max(1, Math.round(IN_FLIGHT_PER_WEIGHT * weight));
}

function checkedMax(max: number): number {
  if (!Number.isSafeInteger(max) || max < 1) {
    throw new Error(`a window must be a whole number of at least 1, got ${max}`);
  }
  return max;
}

/** The window of one session. Methods throw plain errors when they are used wrongly. */
export class CreditWindow {
  #max: number;
  /** The highest max so far. */
  #grantLimit: number;
  #credit = 0;
  #inFlight = 0;

  constructor(max: number) {
    this.#max = checkedMax(max);
    this.#grantLimit = max;
  }

  /** Most leases at a time. */
  get max(): number {
    return this.#max;
  }

  /** Deliveries permitted and not used yet. */
  get credit(): number {
    return this.#credit;
  }

  /** Leases held and not answered. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** There is credit, and fewer leases than max: a delivery may come. */
  get hasRoom(): boolean {
    return this.#credit > 0 && this.#inFlight < this.#max;
  }

  /** Changes max. Credit and leases above it stay, and rest until there is room. */
  resize(max: number): void {
    this.#max = checkedMax(max);
    this.#grantLimit = Math.max(this.#grantLimit, max);
  }

  /** Permits n more deliveries. False: that is more than the window has room for, and nothing has changed. */
  grant(n: number): boolean {
    if (!Number.isSafeInteger(n) || n < 0) throw new Error(`a grant must be a whole number of at least 0, got ${n}`);
    // Granting nothing is fine even if adopted leases overfill the window.
    if (n > 0 && this.#credit + this.#inFlight + n > this.#grantLimit) return false;
    this.#credit += n;
    return true;
  }

  /** A delivery uses one credit. */
  spend(): void {
    if (this.#credit === 0) throw new Error("there is no credit to spend");
    this.#credit -= 1;
    this.#inFlight += 1;
  }

  /** A delivery did not happen after all. */
  refund(): void {
    this.#land();
    this.#credit += 1;
  }

  /** A lease was answered, or has ended otherwise. */
  answer(): void {
    this.#land();
  }

  /** A lease from an earlier session or start of the node is held by this one. */
  adopt(): void {
    this.#inFlight += 1;
  }

  /** Takes back all permission, as a drain does. */
  clear(): void {
    this.#credit = 0;
  }

  #land(): void {
    if (this.#inFlight === 0) throw new Error("there is no lease in flight");
    this.#inFlight -= 1;
  }
}
