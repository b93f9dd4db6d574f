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

/** Lets a newer version of the page in as soon as no call is in its way. */
function follow(registration: ServiceWorkerRegistration): void {
  const { serviceWorker } = navigator;
  const { controller } = serviceWorker;
  if (!controller) return; // this page came from the device just now
  const letIn = (): void => {
    const call = currentCall();
    if (!call || call.phase === "ended") registration.waiting?.postMessage("activate");
  };
  onCall(letIn);
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", letIn);
  });
  serviceWorker.addEventListener("controllerchange", () => {
    location.reload();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") registration.update().catch(() => undefined); // the device is not there
  });
  letIn();
}
