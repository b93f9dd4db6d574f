import type { Dial } from "../../src/broker.js";
import { Brokers } from "../../src/brokers.js";
import { CallboxError } from "../../src/errors.js";
import { generateKey, type OwnKey } from "../../src/jws.js";
import type { BrokerLoginProvider } from "../../src/login.js";
import { Phone } from "../../src/phone.js";
import type { PhoneParts } from "../../src/phoneparts.js";
import { wantMembers } from "./events.js";
import type { VoipEvent } from "../../src/voipevents.js";
import type { DeviceRecord, Store } from "../../src/store.js";
import { FakeClock } from "./clock.js";
import type { FakeDevice } from "./device.js";
import { FakeLeg, FakeMedia } from "./leg.js";

export class MemoryStore implements Store {
  readonly records = new Map<string, DeviceRecord>();
  readonly #key = generateKey();
  async key(): Promise<OwnKey> {
    return this.#key;
  }
  async devices(): Promise<DeviceRecord[]> {
    return Promise.resolve([...this.records.values()]);
  }
  async put(record: DeviceRecord): Promise<void> {
    this.records.set(record.dkt, record);
    return Promise.resolve();
  }
  async remove(dkt: string): Promise<void> {
    this.records.delete(dkt);
    return Promise.resolve();
  }
}

/** A phone with nothing real in it but its key and its protocol. */
export class Rig {
  readonly clock = new FakeClock();
  readonly store = new MemoryStore();
  readonly events: (Omit<VoipEvent, "data"> & { readonly data: Readonly<Record<string, unknown>> })[] = [];
  readonly legs: FakeLeg[] = [];
  readonly medias: FakeMedia[] = [];
  readonly data: unknown[] = [];
  takesData = true;
  readonly connected: string[] = [];
  /** How a broker is reached; without one there is none. */
  dial: Dial = () => {
    throw new Error("there is no broker");
  };
  login: BrokerLoginProvider | undefined;
  /** Devices at other addresses than the one that every other address leads to. */
  readonly sockets = new Map<string, FakeDevice["openSocket"]>();
  readonly phone: Phone;
  /** What the phone is made of; a test may change it before the phone is used. */
  readonly parts: { -readonly [K in keyof PhoneParts]: PhoneParts[K] };

  constructor(openSocket: FakeDevice["openSocket"]) {
    this.parts = {
      store: this.store,
      clock: this.clock,
      openSocket: (url) => (this.sockets.get(url) ?? openSocket)(url),
      openBrokers: async (key) => Promise.resolve(new Brokers({ key, clock: this.clock, dial: this.dial, login: () => this.login })),
      makeLeg: (_, events) => {
        const leg = new FakeLeg(events);
        this.legs.push(leg);
        return leg;
      },
      makeMedia: () => {
        const media = new FakeMedia();
        this.medias.push(media);
        return media;
      },
      events: {
        voip: (event) => {
          wantMembers(event.eventName, event.data);
          this.events.push(event);
        },
        callChanged: () => undefined,
        devicesChanged: () => undefined,
        data: (payload) => {
          this.data.push(payload);
          return this.takesData;
        },
        connected: (dkt) => this.connected.push(dkt),
      },
    };
    this.phone = new Phone(this.parts);
  }

  /** A phone that is paired with a device and connected to it. */
  static async paired(device: FakeDevice): Promise<Rig> {
    const rig = new Rig(device.openSocket);
    await rig.store.put({ sn: device.sn, dkt: device.key.jkt, jwk: device.key.jwk, name: device.name, endpoints: ["ws://127.0.0.1:8080/signal"] });
    await rig.phone.load();
    rig.phone.connect();
    return rig;
  }

  get leg(): FakeLeg {
    const leg = this.legs.at(-1);
    if (!leg) throw new Error("no connection was made");
    return leg;
  }

  get names(): string[] {
    return this.events.map((e) => e.eventName);
  }
}

/** The code of a failure; "ok" when there was none. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "ok";
  } catch (error) {
    if (error instanceof CallboxError) return error.code;
    throw error;
  }
}
