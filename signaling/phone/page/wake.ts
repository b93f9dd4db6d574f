import { CallboxError, pushState, subscribePush, unsubscribePush, type Device, type PushHindrance } from "../src/sdk.js";
import { h, setText, show } from "./dom.js";
import { keepShell } from "./shell.js";
import { errorKey } from "./strings.js";
import { toast } from "./toast.js";
import { words } from "./words.js";

/** The setting of one device: whether it rings this phone when the page is closed. */
export class WakeSetting {
  readonly element: HTMLElement;
  readonly #device: Device;
  readonly #input: HTMLInputElement;
  readonly #row: HTMLElement;
  readonly #why = h("p", { class: "hint", "data-testid": "wake-why" });
  readonly #changed: () => void;
  #up = false;

  /** `changed`: `offered` has changed. */
  constructor(device: Device, changed: () => void) {
    this.#device = device;
    this.#changed = changed;
    this.#input = h("input", { type: "checkbox", role: "switch", "data-testid": "wake", onchange: () => void this.#switch() });
    this.#row = h("label", { class: "switch" }, h("span", {}, words("wake")), this.#input);
    this.element = h("div", { class: "wake" }, this.#row, this.#why);
    this.#say(undefined, false);
  }

  /** The person can switch it. */
  get offered(): boolean {
    return !this.#row.hidden;
  }

  /** The device's connection is in another state. */
  update({ state }: Device): void {
    const up = state === "up";
    if (up && !this.#up) void this.#look();
    this.#up = up;
    // Off is also possible while the device is away.
    this.#input.disabled = !up && !this.#input.checked;
  }

  async #look(): Promise<void> {
    try {
      const { on, hindrance } = await pushState(this.#device.dkt);
      // The page's own worker has tried already what this one would need.
      const why = hindrance ?? (!on && (await keepShell()) === "untrusted" ? "pushCertificate" : undefined);
      this.#input.checked = on;
      this.#say(why, why === undefined);
    } catch {
      // It is asked again with the next connection.
    }
    this.#changed();
  }

  async #switch(): Promise<void> {
    const { dkt, name } = this.#device;
    const on = this.#input.checked;
    this.#input.disabled = true;
    try {
      await (on ? subscribePush(dkt) : unsubscribePush(dkt));
      toast(words(on ? "wakeOn" : "wakeOff", { name }));
    } catch (error) {
      this.#input.checked = !on;
      const code = error instanceof CallboxError ? error.code : "pushFailed";
      if (isHindrance(code)) {
        this.#say(code, false);
      } else {
        toast(words(errorKey(code), { name }));
      }
    }
    this.#input.disabled = !this.#up && !this.#input.checked;
    this.#changed();
  }

  #say(why: PushHindrance | undefined, offered: boolean): void {
    show(this.element, offered || why !== undefined);
    show(this.#row, offered);
    show(this.#why, why !== undefined);
    setText(this.#why, why === undefined ? "" : words(errorKey(why)));
  }
}

function isHindrance(code: CallboxError["code"]): code is PushHindrance {
  const all: Readonly<Record<PushHindrance, true>> = { pushUnsupported: true, pushInstall: true, pushDenied: true, pushCertificate: true, pushOff: true };
  return code in all;
}
