/** Ways to a device: what a link needs of each transport. */
import type { PublicJwk } from "./jws.js";

/** Whom a link leads to. */
export interface LinkTarget {
  readonly sn: string;
  readonly dkt: string;
  readonly endpoints: readonly string[];
  /** The device's key; while pairing only its thumbprint is known. */
  readonly jwk?: PublicJwk;
}

/**
 * - `down`: not connected, trying again later; or a broker says that the device is offline, which is a hint
 * - `connecting`
 * - `up`: the device has proved its key and has been told ours; or a broker is connected that says nothing else of it
 * - `keyChanged`: the device with this serial number has another key
 * - `unsupported`: the device speaks no version that this page speaks
 * - `closed`
 */
export type LinkState = "down" | "connecting" | "up" | "keyChanged" | "unsupported" | "closed";

export interface WayEvents {
  /** The state, or one of the other properties, has changed. */
  state(state: LinkState): void;
  /** The device has proved itself; its epoch. */
  hello(epoch: number): void;
  /** One message; not verified. */
  message(text: string): void;
}

/** One way to one device. */
export interface Way {
  /** What is known of the device over this way. */
  readonly state: LinkState;
  /** Messages can be sent, whatever the state says. */
  readonly up: boolean;
  /** The device is there, and has proved it over this way. */
  readonly sure: boolean;
  /** The endpoint that is connected, or was last. */
  readonly url: string | undefined;
  /** Starts connecting, or tries again at once when it is waiting. */
  open(): void;
  /** The network may be back. */
  hurry(): void;
  /** Sends one message; false when the way is not up. */
  send(text: string): boolean;
  close(): void;
}
