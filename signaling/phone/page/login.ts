import type { BrokerLogin, BrokerLoginRequest } from "../src/sdk.js";

/** What `callbox.json` beside the page says of the maker's backend. */
interface Backend {
  /** Where logins are given. */
  readonly url: string;
  /** The brokers for which it gives them. */
  readonly brokers: readonly string[];
}

let backend: Promise<Backend | undefined> | undefined;

/**
 * Gets this phone's login at a broker from the maker's backend, which `callbox.json`
 * beside the page names (docs/mqtt.md); without that file there is no login. Nor is
 * there one for a broker that the file does not name: a pairing code can name any.
 */
export async function brokerLogin({ url: broker, sign }: BrokerLoginRequest): Promise<BrokerLogin | undefined> {
  backend ??= findBackend();
  let found: Backend | undefined;
  try {
    found = await backend;
  } catch (error) {
    backend = undefined; // the file is looked for again
    throw error;
  }
  if (!found?.brokers.includes(broker)) return undefined;
  const { url } = found;
  // A string is sent as text/plain, which other origins may send without being asked before.
  const response = await fetch(url, { method: "POST", body: await sign(url) });
  if (!response.ok) throw new Error(`${url} gives no login: ${String(response.status)}`);
  const login: unknown = await response.json();
  if (typeof login !== "object" || login === null || !("password" in login) || typeof login.password !== "string") throw new Error(`${url} answers without a password`);
  const expires = "expires" in login && typeof login.expires === "number" ? { expires: login.expires } : {};
  return { password: login.password, ...expires };
}

async function findBackend(): Promise<Backend | undefined> {
  const response = await fetch(new URL("callbox.json", document.baseURI));
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`callbox.json: ${String(response.status)}`);
  const settings: unknown = await response.json();
  if (typeof settings !== "object" || settings === null || !("brokerLogin" in settings)) return undefined;
  const url = new URL(String(settings.brokerLogin), document.baseURI);
  // Where the page itself is on this machine, in a test, its backend may be, too.
  if (url.protocol !== "https:" && url.hostname !== location.hostname) throw new Error("callbox.json: brokerLogin must be an https URL");
  const brokers: unknown = "brokers" in settings ? settings.brokers : undefined;
  if (!Array.isArray(brokers) || brokers.length === 0) throw new Error("callbox.json: brokers must list the brokers' wss URLs for which brokerLogin gives logins");
  return { url: url.href, brokers: brokers.map((broker) => new URL(String(broker)).href) };
}
