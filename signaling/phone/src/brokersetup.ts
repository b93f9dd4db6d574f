/** How the SDK speaks to brokers in a browser. */
import type { Brokers } from "./brokers.js";
import { realClock } from "./clock.js";
import type { OwnKey } from "./jws.js";
import type { BrokerLoginProvider } from "./login.js";

let provider: BrokerLoginProvider | undefined;

/**
 * Says how this phone gets its login at an MQTT broker, which the maker's backend gives
 * out (docs/mqtt.md). Call it before any other function; without it the phone connects
 * with its user name alone, as far as the broker allows.
 *
 * ```ts
 * setBrokerLogin(async ({ sign }) => {
 *   const body = await sign("https://maker.example/broker-login");
 *   const response = await fetch("https://maker.example/broker-login", { method: "POST", body });
 *   if (!response.ok) throw new Error(`no login: ${response.status}`);
 *   return response.json(); // { password, expires? }
 * });
 * ```
 */
export function setBrokerLogin(login: BrokerLoginProvider | undefined): void {
  provider = login;
}

/** Loads what is needed for brokers: a file of its own. */
export async function openBrokers(key: OwnKey): Promise<Brokers> {
  const { Brokers, dial } = await import("./mqtt.js");
  return new Brokers({ key, clock: realClock, dial, login: () => provider });
}
