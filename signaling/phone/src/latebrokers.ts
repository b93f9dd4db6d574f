import type { BrokerReport, Brokers } from "./brokers.js";
import type { OwnKey } from "./jws.js";

/** The brokers of this phone, whose script is fetched once, and only when a device has a broker. */
export class LateBrokers {
  readonly #open: (key: OwnKey) => Promise<Brokers>;
  #opening: Promise<Brokers> | undefined;
  #brokers: Brokers | undefined;

  constructor(open: (key: OwnKey) => Promise<Brokers>) {
    this.#open = open;
  }

  /** Rejects when the script cannot be fetched; the next call tries again. */
  async get(key: OwnKey): Promise<Brokers> {
    this.#opening ??= this.#open(key);
    try {
      return (this.#brokers = await this.#opening);
    } finally {
      if (!this.#brokers) this.#opening = undefined;
    }
  }

  reports(): BrokerReport[] {
    return this.#brokers?.reports() ?? [];
  }
}
