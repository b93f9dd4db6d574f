/** The service worker that keeps the page's files: the page opens without the device, and a newer one takes over between calls. */
import { currentCall, onCall } from "../src/sdk.js";

/** Whether the browser runs service workers here. `untrusted`: not with this certificate. */
export type ShellState = "kept" | "untrusted" | "none";

let state: Promise<ShellState> | undefined;

/** Registers it once. Without it the page works all the same, as long as the device is there. */
export async function keepShell(): Promise<ShellState> {
  return (state ??= register());
}

async function register(): Promise<ShellState> {
  if (!("serviceWorker" in navigator)) return "none";
  try {
    const registration = await navigator.serviceWorker.register("sw.js", { scope: "./", updateViaCache: "none" });
    follow(registration);
    return "kept";
  } catch (error) {
    return error instanceof DOMException && error.name === "SecurityError" ? "untrusted" : "none";
  }
}

/** Lets a newer version of the page in as soon as neither a call nor a pairing is in its way. */
function follow(registration: ServiceWorkerRegistration): void {
  const { serviceWorker } = navigator;
  if (!serviceWorker.controller) return; // this page came from the device just now
  let replaced = false;
  const letIn = (): void => {
    const call = currentCall();
    if ((call && call.phase !== "ended") || document.documentElement.dataset["view"] !== "home") return;
    if (replaced) location.reload();
    else registration.waiting?.postMessage("activate");
  };
  onCall(letIn);
  // Home is shown again when the person has seen the end of a call, or has answered to a pairing.
  new MutationObserver(letIn).observe(document.documentElement, { attributeFilter: ["data-view"] });
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", letIn);
  });
  serviceWorker.addEventListener("controllerchange", () => {
    replaced = true;
    letIn();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") registration.update().catch(() => undefined); // the device is not there
  });
  letIn();
}
