/**
 * The call page's service worker. It is registered once for the page, whose files it
 * keeps so that the page opens without the device, and once for each device that wakes
 * this phone, with the scope `push/<dkt>/` (docs/push.md).
 */
import { deviceOfScope } from "../src/pushscope.js";
import { opensPage, type Woken } from "./click.js";
import { nameOf } from "./devices.js";
import { notice, readPush } from "./notice.js";
import { Shell, type ShellFiles } from "./shell.js";
import { wordsIn } from "./words.js";

declare const self: ServiceWorkerGlobalScope;
/** Put in by the build. */
declare const SHELL: ShellFiles;

const { registration } = self;
const words = wordsIn(self.navigator.language);
/** Where the page is: the folder of this script. */
const page = new URL("./", self.location.href);
const dkt = deviceOfScope(registration.scope);

if (dkt === undefined) keepPage(new Shell(page, SHELL, self.caches));
else wakeFor(dkt);

function keepPage(shell: Shell): void {
  self.addEventListener("install", (event) => {
    event.waitUntil(shell.install());
  });
  self.addEventListener("activate", (event) => {
    event.waitUntil(shell.clean());
  });
  self.addEventListener("fetch", (event) => {
    const file = shell.fileOf(event.request);
    if (file !== undefined) event.respondWith(shell.answer(file, event.request));
  });
  // The page says when it may be replaced by a newer one: never in a call.
  self.addEventListener("message", (event) => {
    if (event.data === "activate") event.waitUntil(self.skipWaiting());
  });
}

function wakeFor(dkt: string): void {
  self.addEventListener("install", (event) => {
    event.waitUntil(self.skipWaiting());
  });
  self.addEventListener("push", (event) => {
    event.waitUntil(pushed(dkt, event.data));
  });
  self.addEventListener("notificationclick", (event) => {
    event.notification.close();
    event.waitUntil(opensPage(self.clients, page, event.notification.data as Woken));
  });
  // The page leaves the new subscription with the device when it is opened next.
  self.addEventListener("pushsubscriptionchange", (event) => {
    const options = (event as { readonly oldSubscription?: PushSubscription }).oldSubscription?.options;
    if (options) (event as ExtendableEvent).waitUntil(registration.pushManager.subscribe(options));
  });
}

/** Shows a notification whatever came: browsers take the subscription away from who does not. */
async function pushed(dkt: string, data: PushMessageData | null): Promise<void> {
  const ring = readPush(data);
  const { title, options } = notice(words, { dkt, ring, name: ring && (await nameOf(self.indexedDB, dkt)) }, page);
  const shown = registration.showNotification(title, options);
  if (ring) {
    // A page that is open may sit on a connection that is dead.
    const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    for (const client of pages) client.postMessage({ callbox: "ring", dkt, roomId: ring.roomId });
  }
  await shown;
}
