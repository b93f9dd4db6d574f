/** The SDK's functions for being woken (docs/push.md). */
import { CallboxError } from "./errors.js";
import type * as push from "./push.js";
import { start } from "./running.js";

/**
 * Whether a device wakes this phone when the page is closed, and what hinders it.
 * @throws CallboxError notPaired, unreachable, badRequest; otherTab: another tab has the connections; and,
 * where the device has to be given the subscription anew, pushService, pushFailed, pushDenied, noHandler
 */
export async function pushState(dkt: string): Promise<push.PushState> {
  return (await load()).state(await start(), dkt);
}

/**
 * Lets a device wake this phone by Web Push when it calls and the page is closed
 * (docs/push.md). Call it in the person's own click: the browser may have to ask. From
 * then on the SDK keeps it up: it subscribes anew when the device has forgotten the
 * subscription or has another key.
 *
 * `worker` is the script of a service worker that shows the notification, relative to
 * the page. Each device gets a registration of it, with the scope `push/<dkt>/`.
 * @throws CallboxError pushUnsupported, pushInstall, pushDenied, pushCertificate, pushOff, pushService, pushFailed,
 * notPaired, unreachable, otherTab, badRequest, noHandler
 */
export async function subscribePush(dkt: string, options?: { readonly worker?: string } | null): Promise<void> {
  // Before anything is waited for: only now is it the person's click.
  const asked = "Notification" in globalThis ? Notification.requestPermission() : undefined;
  await (await load()).subscribe(await start(), dkt, options?.worker ?? "sw.js", await asked);
}

/** Takes it back. A device that cannot be reached now learns it from the push service. @throws CallboxError pushFailed */
export async function unsubscribePush(dkt: string): Promise<void> {
  await (await load()).unsubscribe(await start(), dkt);
}

/** Without the person's leave nothing wakes this phone, and the browser's part is not needed. */
export function mayBeWoken(): boolean {
  return "Notification" in globalThis && Notification.permission === "granted";
}

export async function renewPush(dkt: string): Promise<void> {
  if (mayBeWoken()) await (await load()).renew(await start(), dkt);
}

/** The browser's part is a file of its own. */
async function load(): Promise<typeof push> {
  return import("./push.js").catch(() => {
    throw new CallboxError("pushFailed", "push.js cannot be loaded");
  });
}
