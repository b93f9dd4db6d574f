/** The rooms of this phone: a room's state belongs to its id and to the device's key. */
import type { Clock } from "./clock.js";
import type { Envelope } from "./message.js";
import type { Body, Verified } from "./verify.js";

export interface Room {
  receive(envelope: Envelope, body: Body, text: string): void;
  linkUp(): void;
  linkDown(): void;
  epoch(epoch: number): void;
  /** Nothing of it is sent any more. */
  forget(): void;
}

/** A room that is over goes on answering what is late or comes again, for so many milliseconds. */
const memory = 120_000;

export class Rooms {
  readonly #clock: Clock;
  readonly #rooms = new Map<string, { readonly dkt: string; readonly room: Room }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(dkt: string, room: Room & { readonly roomId: string }): void {
    this.#rooms.set(room.roomId, { dkt, room });
  }

  /** Reports whether the id names a room, of whatever device. */
  has(roomId: string): boolean {
    return this.#rooms.has(roomId);
  }

  /** The rooms of a device. */
  of(dkt: string): Room[] {
    return [...this.#rooms.values()].filter((r) => r.dkt === dkt).map((r) => r.room);
  }

  /** Hands a message of a device to its room. False: there is none. */
  deliver(dkt: string, { envelope, body }: Verified, text: string): boolean {
    const found = this.#rooms.get(envelope.roomId);
    if (found?.dkt !== dkt) return false;
    found.room.receive(envelope, body, text);
    return true;
  }

  /** Forgets all: the connections are given up. */
  clear(): void {
    for (const { room } of this.#rooms.values()) room.forget();
    this.#rooms.clear();
  }

  /** The room is over. */
  retire(room: Room & { readonly roomId: string }): void {
    this.#clock.after(memory, () => {
      room.forget();
      if (this.#rooms.get(room.roomId)?.room === room) this.#rooms.delete(room.roomId);
    });
  }
}
