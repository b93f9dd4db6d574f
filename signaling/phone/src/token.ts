import { fromBase64url, fromUtf8 } from "./encoding.js";

const maxToken = 4096; // bytes: the device refuses more before it looks

/** The room that a call token is for; undefined when it is no token. Nothing in it is verified here: that is the device's to do. */
export function tokenRoom(token: string): string | undefined {
  const [, payload = "", ...rest] = token.split(".");
  const bytes = rest.length === 1 && token.length <= maxToken ? fromBase64url(payload) : undefined;
  if (!bytes) return undefined;
  try {
    const claims: unknown = JSON.parse(fromUtf8(bytes));
    if (typeof claims !== "object" || claims === null) return undefined;
    const room = ("roomId" in claims ? claims.roomId : undefined) ?? ("groupId" in claims ? claims.groupId : undefined);
    return typeof room === "string" && /^[A-Za-z0-9._-]{1,128}$/.test(room) ? room : undefined;
  } catch {
    return undefined;
  }
}
