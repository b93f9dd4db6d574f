import { forgetDevice, type Device, type Right } from "../src/sdk.js";
import { h, icon, setText, show, type IconName } from "./dom.js";
import { linkKey, type StringKey } from "./strings.js";
import { words } from "./words.js";

const shown: readonly Right[] = ["call", "beCalled", "auto", "unlock"];

/** What this phone may do at a device, and forgetting the device: behind one line on its card. */
export class RightsLine {
  readonly #why = h("p", { class: "why", role: "status", "data-testid": "device-why" });
  readonly #list = h("ul", { class: "rights", "data-testid": "rights" });
  readonly #forget = h("button", { type: "button", class: "button plain", "data-testid": "forget" }, words("forget"));
  readonly #summary = h("summary", {}, words("mayDo"));
  readonly #more = h("details", { class: "more", "data-testid": "more" }, this.#summary, this.#list, this.#forget);
  readonly element = h("div", { class: "rights-box" }, this.#why, this.#more);
  #drawn = "";
  #sure = false;

  constructor(device: Device) {
    this.#forget.addEventListener("click", () => {
      if (this.#sure) void forgetDevice(device.dkt).catch(() => undefined); // a call with it is running
      this.#sure = !this.#sure;
      setText(this.#forget, words(this.#sure ? "forgetSure" : "forget", { name: device.name }));
      this.#forget.classList.toggle("alarm", this.#sure);
    });
  }

  update(device: Device): void {
    const { rights, removed, state } = device;
    const trouble = removed || state === "keyChanged";
    const why = removed && state === "up" ? words("removed") : rights !== undefined && !rights.includes("call") && !trouble ? words("mayNotCall") : "";
    setText(this.#why, why);
    show(this.#list, rights !== undefined && !trouble);
    const drawn = JSON.stringify([rights, trouble]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    if (trouble) this.#more.open = true;
    setText(this.#summary, words(trouble ? "more" : "mayDo"));
    this.#list.replaceChildren(
      ...shown.map((right) => {
        const yes = rights?.includes(right) === true;
        const mark: IconName = yes ? "check" : "close";
        return h("li", { class: yes ? "yes" : "no" }, icon(mark), h("span", {}, words(`right_${right}`)), h("span", { class: "only-heard" }, words(yes ? "yes" : "no")));
      }),
    );
  }
}

/** What is shown of a device's connection: one that is there and does not answer this phone is not ready. */
export function linkStateOf({ removed, state }: Device): { readonly link: string; readonly text: StringKey } {
  return removed && state === "up" ? { link: "removed", text: "link_removed" } : { link: state, text: linkKey(state) };
}

/** Whether a person can call from this card: not when the device would refuse it, or is not the one that was paired. */
export function mayCall({ rights, removed, state }: Device): boolean {
  return !removed && state !== "keyChanged" && state !== "unsupported" && (rights?.includes("call") ?? true);
}
