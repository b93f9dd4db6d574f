/** What this phone may do at its devices: each is asked when it connects, and when something may have changed. */
import type { Clock } from "./clock.js";
import { randomId } from "./encoding.js";
import { CallboxError } from "./errors.js";
import type { Mail } from "./mail.js";
import type { Envelope } from "./message.js";
import type { Phone } from "./phone.js";
import type { Room } from "./rooms.js";
import type { Body } from "./verify.js";

/** A contact's rights (docs/protocol.md section 2). */
export type Right = "call" | "beCalled" | "auto" | "unlock";

const known: readonly string[] = ["call", "beCalled", "auto", "unlock"] satisfies readonly Right[];

/** A device that is connected answers within so many milliseconds, unless it does not know this phone. */
const patience = 10_000;

export class Rights {
  readonly #phone: Pick<Phone, "ask" | "devices" | "learn">;
  /** The connected devices, each with its connection. */
  readonly #up = new Map<string, symbol>();

  constructor(phone: Pick<Phone, "ask" | "devices" | "learn">) {
    this.#phone = phone;
  }

  /** The devices or their states have changed. */
  look(): void {
    for (const { dkt, state } of this.#phone.devices()) {
      if (state !== "up") this.#up.delete(dkt);
      else if (!this.#up.has(dkt)) {
        this.#up.set(dkt, Symbol());
        void this.#refresh(dkt);
      }
    }
  }

  /** Asks all that are connected, and waits for their answers. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#up.keys()].map(async (dkt) => this.#refresh(dkt)));
  }

  async #refresh(dkt: string): Promise<void> {
    const connection = this.#up.get(dkt);
    try {
      const rights = await askRights(this.#phone, dkt);
      // An older device does not say.
      if (rights) await this.#phone.learn(dkt, rights);
    } catch (error) {
      if (!(error instanceof CallboxError)) throw error;
      if (error.code === "unreachable" && this.#up.get(dkt) === connection) await this.#phone.learn(dkt, undefined);
    }
  }
}

/** Asks one device. @throws CallboxError notPaired, unreachable */
export async function askRights(phone: Pick<Phone, "ask">, dkt: string): Promise<readonly Right[] | undefined> {
  return new Promise((resolve, reject) => {
    phone.ask(dkt, (mail, clock) => new Ping(mail, clock, resolve, reject));
  });
}

/** The room of one ping. */
class Ping implements Room {
  readonly #nonce = randomId();
  #id = "";

  constructor(
    private readonly mail: Mail,
    clock: Clock,
    private readonly resolve: (rights: readonly Right[] | undefined) => void,
    reject: (error: CallboxError) => void,
  ) {
    clock.after(patience, () => {
      reject(new CallboxError("unreachable", "the device did not answer"));
      mail.close();
    });
    void mail.compose("ping", { nonce: this.#nonce }, { withKey: true }).then((letter) => {
      this.#id = letter.id;
      mail.dispatch(letter, { life: patience });
    });
  }

  receive(envelope: Envelope, body: Body, text: string): void {
    if (typeof body === "string" || body.t !== "pong" || envelope.ref !== this.#id || body.nonce !== this.#nonce) return;
    if (this.mail.arrive(envelope, text)) this.resolve(body.rights?.filter((r): r is Right => known.includes(r)));
  }

  linkUp(): void {
    this.mail.up();
  }

  linkDown(): void {
    this.mail.down();
  }

  epoch(): void {
    // nothing of this room depends on it
  }

  forget(): void {
    this.mail.close();
  }
}
