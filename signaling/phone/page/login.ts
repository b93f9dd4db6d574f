import type { BrokerLogin, BrokerLoginRequest } from "../src/sdk.js";

let backend: Promise<string | undefined> | undefined;

/**
 * Gets this phone's login at a broker from the maker's backend, which `callbox.json`
 * beside the page names (docs/mqtt.md); without that file there is no login.
 */
export async function brokerLogin({ sign }: BrokerLoginRequest): Promise<BrokerLogin | undefined> {
  backend ??= findBackend();
  let url: string | undefined;
  try {
    url = await backend;
  } catch (error) {
    backend = undefined; // the file is looked for again
    throw error;
  }
  if (url === undefined) return undefined;
  // A string is sent as text/plain, which other origins may send without being asked before.
  const response = await fetch(url, { method: "POST", body: await sign(url) });
  if (!response.ok) throw new Error(`${url} gives no login: ${String(response.status)}`);
  const login: unknown = await response.json();
  if (typeof login !== "object" || login === null || !("password" in login) || typeof login.password !== "string") throw new Error(`${url} answers without a password`);
  const expires = "expires" in login && typeof login.expires === "number" ? { expires: login.expires } : {};
  return { password: login.password, ...expires };
}

async function findBackend(): Promise<string | undefined> {
  const response = await fetch(new URL("callbox.json", document.baseURI));
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`callbox.json: ${String(response.status)}`);
  const settings: unknown = await response.json();
  if (typeof settings !== "object" || settings === null || !("brokerLogin" in settings)) return undefined;
  const url = new URL(String(settings.brokerLogin), document.baseURI);
  // Where the page itself is on this machine, in a test, its backend may be, too.
  if (url.protocol !== "https:" && url.hostname !== location.hostname) throw new Error("callbox.json: brokerLogin must be an https URL");
  return url.href;
}
