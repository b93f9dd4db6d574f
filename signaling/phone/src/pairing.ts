import { base64url, fromBase64url, fromUtf8, utf8 } from "./encoding.js";
import { isObject, parseIJSON } from "./ijson.js";
import { isSn, isThumbprint } from "./message.js";

/** What a pairing link carries behind `#pair=`. */
export interface PairingLink {
  /** The device's serial number. */
  readonly sn: string;
  /** Thumbprint of the device's key. */
  readonly dkt: string;
  /** At least 16 random bytes, base64url. It is spent by one pairing. */
  readonly secret: string;
  /** Ways to the device: its http(s) or ws(s) URLs, and brokers as `mqtt+wss://` URLs. */
  readonly endpoints: readonly string[];
}

/** Reads the base64url text behind `#pair=`, or undefined when it is no pairing link. */
export function parsePairingLink(text: string): PairingLink | undefined {
  const bytes = text.length <= 8192 ? fromBase64url(text) : undefined;
  if (!bytes) return undefined;
  try {
    const value = parseIJSON(fromUtf8(bytes));
    if (!isObject(value)) return undefined;
    const { sn, dkt, secret, endpoints } = value;
    if (typeof sn !== "string" || !isSn(sn) || typeof dkt !== "string" || !isThumbprint(dkt)) return undefined;
    if (typeof secret !== "string" || (fromBase64url(secret)?.length ?? 0) < 16) return undefined;
    if (!Array.isArray(endpoints) || endpoints.length > 16) return undefined;
    const urls = endpoints.filter((e): e is string => typeof e === "string" && (socketUrl(e) ?? brokerEndpoint(e)) !== undefined);
    return { sn, dkt, secret, endpoints: urls };
  } catch {
    return undefined;
  }
}

/** The text behind `#pair=` of a link; what `callboxctl pair` prints. */
export function formatPairingLink(link: PairingLink): string {
  return base64url(utf8(JSON.stringify(link)));
}

/**
 * The WebSocket address of an endpoint. A bare origin gets the path `/signal`.
 * @returns undefined when it is no http(s) or ws(s) URL.
 */
export function socketUrl(endpoint: string): string | undefined {
  let url: URL;
  try {
    url = new URL(endpoint);
  } catch {
    return undefined;
  }
  if (url.protocol === "http:") url.protocol = "ws:";
  if (url.protocol === "https:") url.protocol = "wss:";
  if ((url.protocol !== "ws:" && url.protocol !== "wss:") || url.username !== "" || url.password !== "") return undefined;
  if (!url.pathname.endsWith("/signal")) url.pathname = `${url.pathname.replace(/\/+$/, "")}/signal`;
  url.hash = "";
  url.search = "";
  return url.href;
}

/** An MQTT broker at which a device can be met. */
export interface BrokerEndpoint {
  /** As the device writes it. */
  readonly endpoint: string;
  /** Of its WebSocket: ws or wss. */
  readonly url: string;
  /** What its topics begin with. */
  readonly prefix: string;
}

/**
 * Reads an endpoint of the form `mqtt+wss://host:port/path?prefix=callbox/1` (docs/mqtt.md).
 * @returns undefined when it is none.
 */
export function brokerEndpoint(endpoint: string): BrokerEndpoint | undefined {
  if (!/^mqtt\+wss?:/.test(endpoint)) return undefined;
  let url: URL;
  try {
    url = new URL(endpoint.slice("mqtt+".length));
  } catch {
    return undefined;
  }
  const prefix = url.searchParams.get("prefix") ?? "callbox/1";
  if (url.username !== "" || url.password !== "" || !/^[\w.-]+(\/[\w.-]+){0,4}$/.test(prefix)) return undefined;
  url.searchParams.delete("prefix");
  url.hash = "";
  return { endpoint, url: url.href, prefix };
}

/** Reports whether a URL leads to this very machine. */
export function isLoopback(url = ""): boolean {
  try {
    const { hostname } = new URL(url);
    return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
  } catch {
    return false;
  }
}

/** Who made a pairing MAC. */
export type MacSide = "phone" | "device";

/** The MAC of a pairing message (docs/protocol.md section 2), base64url. */
export async function pairingMac(link: PairingLink, side: MacSide, jkt: string, name: string): Promise<string> {
  const mac = await crypto.subtle.sign("HMAC", await macKey(link), macText(link, side, jkt, name));
  return base64url(new Uint8Array(mac));
}

/** Checks the other side's MAC, in constant time. */
export async function checkPairingMac(
  link: PairingLink,
  side: MacSide,
  jkt: string,
  name: string,
  mac: string,
): Promise<boolean> {
  const bytes = fromBase64url(mac);
  return bytes !== undefined && crypto.subtle.verify("HMAC", await macKey(link), bytes, macText(link, side, jkt, name));
}

async function macKey(link: PairingLink): Promise<CryptoKey> {
  const secret = fromBase64url(link.secret) ?? new Uint8Array();
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

function macText(link: PairingLink, side: MacSide, jkt: string, name: string): Uint8Array<ArrayBuffer> {
  return utf8([`callbox/1 pair ${side}`, jkt, link.dkt, name].join("\0"));
}
