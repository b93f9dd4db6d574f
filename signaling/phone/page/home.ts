import { devices, onDevices, type Device, type RoomType } from "../src/sdk.js";
import { askForNotices, mayAskForNotices } from "./attention.js";
import { h, icon, setText, show } from "./dom.js";
import { letterKeys, setLetterKeys } from "./letters.js";
import { addDevice, pasteForm } from "./paste.js";
import { RightsLine, linkStateOf, mayCall } from "./rights.js";
import { needsTouch, onSounds } from "./sounds.js";
import { toast } from "./toast.js";
import { WakeSetting } from "./wake.js";
import { words } from "./words.js";

/** The devices and what can be done with them. */
export class HomeView {
  readonly element = h("section", { class: "home", "data-testid": "home" });
  readonly #call: (device: Device, roomType: RoomType) => void;
  readonly #states = new Map<string, HTMLElement>();
  readonly #follow = new Map<string, (device: Device) => void>();
  readonly #wakes = new Map<string, WakeSetting>();
  readonly #notices = notices();
  readonly #touch = h("p", { class: "touch", role: "status", "data-testid": "touch" });
  #shown = "";
  #off: (() => void) | undefined;

  constructor(call: (device: Device, roomType: RoomType) => void) {
    this.#call = call;
    onSounds(() => {
      setText(this.#touch, needsTouch() ? words("touchToRing") : "");
    });
  }

  /** Shows the present devices and follows their changes until `close`. */
  async open(): Promise<void> {
    this.#off ??= onDevices(() => {
      void this.#update();
    });
    await this.#update();
  }

  close(): void {
    this.#off?.();
    this.#off = undefined;
  }

  async #update(): Promise<void> {
    const list = await devices();
    const identity = JSON.stringify(list.map(({ dkt, name }) => [dkt, name]));
    // A change of state alone must not take the focus off a button.
    if (identity !== this.#shown) {
      this.#shown = identity;
      this.#states.clear();
      this.#follow.clear();
      this.#wakes.clear();
      this.element.replaceChildren(...this.#content(list));
    }
    for (const device of list) {
      const { dkt } = device;
      this.#wakes.get(dkt)?.update(device);
      const element = this.#states.get(dkt);
      if (!element) continue;
      const { link, text } = linkStateOf(device);
      element.dataset["link"] = link;
      setText(element, words(text));
      this.#follow.get(dkt)?.(device);
    }
  }

  /** Who is woken is also notified: there is one thing to ask for. */
  #offerNotices(): void {
    const woken = [...this.#wakes.values()].some(({ offered }) => offered);
    void mayAskForNotices().then((may) => {
      show(this.#notices, may && !woken);
    });
  }

  #content(list: readonly Device[]): HTMLElement[] {
    if (list.length === 0) {
      return [
        h(
          "div",
          { class: "sheet", "data-testid": "no-device" },
          h("div", { class: "badge" }, icon("door")),
          h("h1", {}, words("homeNoneTitle")),
          h("p", {}, words("homeNoneText")),
          pasteForm(),
        ),
      ];
    }
    const many = list.length > 1;
    const cards = list.map((device) => this.#card(device, many));
    const title = many ? [h("h1", { class: "home-title" }, words("homeMany"))] : [];
    const add = addDevice();
    return [...title, h("div", { class: many ? "cards" : "card-alone" }, ...cards), this.#touch, this.#notices, ...(add ? [add] : []), keysLine()];
  }

  #card(device: Device, many: boolean): HTMLElement {
    const state = h("p", { class: "link-state", role: "status", "data-testid": "device-state" });
    this.#states.set(device.dkt, state);
    const wake = new WakeSetting(device, () => {
      this.#offerNotices();
    });
    this.#wakes.set(device.dkt, wake);
    const button = (roomType: RoomType): HTMLElement =>
      h(
        "button",
        {
          type: "button",
          class: `button ${roomType === "video" ? "primary" : "tonal"}`,
          "data-testid": `call-${roomType}`,
          "data-dkt": device.dkt,
          ...(many ? { "aria-label": `${words(roomType === "video" ? "videoCall" : "voiceCall")}: ${device.name}` } : {}),
          onclick: () => {
            this.#call(device, roomType);
          },
        },
        icon(roomType === "video" ? "video" : "phone"),
        h("span", {}, words(roomType === "video" ? "videoCall" : "voiceCall")),
      );
    const rights = new RightsLine(device);
    const actions = h("div", { class: "actions" }, button("video"), button("voice"));
    this.#follow.set(device.dkt, (now) => {
      rights.update(now);
      show(actions, mayCall(now));
    });
    return h(
      "article",
      { class: "card" },
      h("div", { class: "avatar", "aria-hidden": "true" }, initial(device.name)),
      h(many ? "h2" : "h1", { "data-testid": "device-name" }, device.name),
      state,
      actions,
      rights.element,
      wake.element,
    );
  }
}

/** The button that asks for notices of calls, while neither yes nor no was said. */
function notices(): HTMLElement {
  const button = h("button", { type: "button", class: "button plain notify", "data-testid": "notify" }, icon("bell"), h("span", {}, words("notifyMe")));
  button.addEventListener("click", () => {
    void askForNotices().then((yes) => {
      show(button, false);
      toast(words(yes ? "notifyYes" : "notifyNo"));
    });
  });
  show(button, false);
  void mayAskForNotices().then((may) => {
    show(button, may);
  });
  return button;
}

/** The keys of a call, and the switch of those that are letters. */
function keysLine(): HTMLElement {
  const list = h("span", { "data-testid": "keys" });
  const button = h("button", { type: "button", class: "inline", "data-testid": "letter-keys" });
  const draw = (): void => {
    setText(list, words(letterKeys() ? "keys" : "keysFew"));
    setText(button, words(letterKeys() ? "keysOff" : "keysOn"));
  };
  button.addEventListener("click", () => {
    setLetterKeys(!letterKeys());
    draw();
  });
  draw();
  return h("p", { class: "keys" }, list, " ", button);
}

/** The first character of a name, for its round picture. */
export function initial(name: string): string {
  return Array.from(name.trim())[0]?.toUpperCase() ?? "";
}
