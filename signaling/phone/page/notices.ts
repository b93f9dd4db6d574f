/** The notifications that the service worker has shown for calls: what they lead to, and when they have to go. */
import { currentCall, devices, onCall, onDevices, type Device } from "../src/sdk.js";

/** A device that is connected has said by then that it rings, in milliseconds. */
const patience = 3000;
/** And by then it is connected, if it can be reached. */
const connects = 15_000;
const pause = 200;

/** Takes the notifications of a device away when its call is answered or over, or was over before the page was opened. */
export function tidyNotices(): void {
  if (!("serviceWorker" in navigator)) return;
  const up = new Set<string>();
  let last = "";
  onCall(() => {
    const call = currentCall();
    if (!call || call.isCaller || call.phase === "incoming" || call.roomId === last) return;
    last = call.roomId;
    void close(call.dkt);
  });
  const look = async (): Promise<void> => {
    for (const { dkt, state } of await devices()) {
      if (state !== "up") up.delete(dkt);
      else if (!up.has(dkt)) {
        up.add(dkt);
        setTimeout(() => {
          if (up.has(dkt) && !rings(dkt)) void close(dkt);
        }, patience);
      }
    }
  };
  onDevices(() => {
    void look();
  });
  void look();
}

/**
 * What became of the call that the page was opened for: here, or in another tab.
 * @param by whose call it is: the thumbprint of the device's key or its serial number; undefined: any
 */
export async function ringOf(roomId: string, by?: string): Promise<"rings" | "over" | "unreachable"> {
  const begun = performance.now();
  let all: number | undefined;
  for (;;) {
    const now = performance.now();
    if (currentCall()?.roomId === roomId) return "rings";
    const asked = (await devices()).filter((device) => by === undefined || isCalled(device, by));
    // Closed: another tab has the connections, and has told of its call by then.
    all = asked.every(({ state }) => state === "up" || state === "closed") ? (all ?? now) : undefined;
    if (asked.length === 0 || (all !== undefined && now - all > patience)) return "over";
    if (all === undefined && now - begun > connects) return "unreachable";
    await new Promise((next) => setTimeout(next, pause));
  }
}

/** Whether a device has this name in an address: the thumbprint of its key, its serial number or `d.` and that. */
export function isCalled({ dkt, sn }: Device, name: string): boolean {
  return [dkt, sn, `d.${sn}`].includes(name);
}

function rings(dkt: string): boolean {
  const call = currentCall();
  return call?.phase === "incoming" && call.dkt === dkt;
}

async function close(dkt: string): Promise<void> {
  const registrations = await navigator.serviceWorker.getRegistrations().catch(() => []);
  for (const registration of registrations) {
    for (const notice of await registration.getNotifications()) {
      if ((notice.data as { readonly dkt?: unknown } | null)?.dkt === dkt) notice.close();
    }
  }
}
