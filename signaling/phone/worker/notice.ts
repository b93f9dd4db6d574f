/** The notification of a push. */
import type { Woken } from "./click.js";
import type { Words } from "./words.js";

/** What a device says by a push: `{"v":1,"t":"ring","roomId":"…"}`. */
export interface Ring {
  readonly roomId: string;
}

export interface Notice {
  readonly title: string;
  readonly options: NotificationOptions & { readonly renotify: true; readonly vibrate: readonly number[]; readonly data: Woken };
}

/** Reads a push. undefined: it says nothing that this page knows. */
export function readPush(data: { text(): string } | null): Ring | undefined {
  try {
    const said = JSON.parse(data?.text() ?? "") as { readonly v?: unknown; readonly t?: unknown; readonly roomId?: unknown } | null;
    if (said?.v !== 1 || said.t !== "ring" || typeof said.roomId !== "string") return undefined;
    return /^[A-Za-z0-9._-]{1,128}$/.test(said.roomId) ? { roomId: said.roomId } : undefined;
  } catch {
    return undefined;
  }
}

/** Each device has one notification: a new ring takes the place of an old one. */
export function notice(words: Words, woken: { readonly dkt: string; readonly ring: Ring | undefined; readonly name: string | undefined }, page: URL): Notice {
  const { dkt, ring, name } = woken;
  const title = !ring ? words.unknown : name === undefined ? words.someDevice : words.calls.replace("{name}", () => name);
  return {
    title,
    options: {
      body: ring ? words.press : words.look,
      tag: `callbox ${dkt}`,
      renotify: true,
      requireInteraction: true,
      vibrate: [600, 300, 600, 300, 600],
      icon: new URL("icon-192.png", page).href,
      data: { dkt, roomId: ring?.roomId },
    },
  };
}
