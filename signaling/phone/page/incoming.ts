import { answer, reject, type CurrentCall } from "../src/sdk.js";
import { h, icon, setText } from "./dom.js";
import { initial } from "./home.js";
import { needsTouch } from "./sounds.js";
import { words } from "./words.js";

/** Keys that were meant for what the page showed before do nothing for so many milliseconds. */
const grace = 600;

/** A device calls: who it is, and yes or no. */
export class IncomingView {
  readonly element: HTMLElement;
  readonly #avatar = h("div", { class: "avatar", "aria-hidden": "true" });
  readonly #name = h("h1", { class: "call-name", id: "incoming-name", "data-testid": "device-name" });
  readonly #kind = h("p", { class: "call-state", id: "incoming-kind", "data-testid": "state", "data-state": "incoming" });
  readonly #notice = h("p", { class: "notice", role: "status", "data-testid": "notice" });
  readonly #answer = button("answer", "Enter", words("answer"));
  readonly #decline = button("decline", "Escape", words("decline"));
  #shownAt = 0;

  constructor() {
    this.element = h(
      "section",
      {
        class: "call waiting incoming",
        role: "alertdialog",
        "aria-modal": "true",
        "aria-labelledby": "incoming-name",
        "aria-describedby": "incoming-kind",
        "data-testid": "incoming",
      },
      h("div", { class: "centre" }, h("div", { class: "pulse" }, this.#avatar)),
      h("header", { class: "call-head" }, h("div", { class: "call-who" }, this.#name, h("div", { class: "call-line" }, this.#kind)), this.#notice),
      h("footer", { class: "call-foot" }, h("div", { class: "controls" }, this.#decline.element, this.#answer.element)),
    );
    this.#answer.press.addEventListener("click", () => {
      say(answer);
    });
    this.#decline.press.addEventListener("click", () => {
      say(reject);
    });
  }

  /** It has been put on the page. */
  opened(): void {
    this.#shownAt = performance.now();
    this.#answer.press.focus();
  }

  update(call: CurrentCall): void {
    const video = call.roomType === "video";
    setText(this.#name, call.deviceName);
    setText(this.#avatar, initial(call.deviceName));
    setText(this.#kind, kindOf(call));
    this.#answer.press.classList.toggle("video", video);
    setText(this.#notice, call.here ? (needsTouch() ? words("touchToRing") : "") : words("ringsElsewhere"));
  }

  /** Takes the keys of a call that comes in. Reports whether the key was one. */
  key(event: KeyboardEvent): boolean {
    const { key } = event;
    if (key !== "Enter" && key !== "Escape" && key !== " ") return false;
    if (event.repeat || performance.now() - this.#shownAt < grace) return true;
    if (key === "Escape") {
      say(reject);
      return true;
    }
    // On a button, the browser presses that button.
    if (key === " " || this.element.contains(document.activeElement)) return false;
    say(answer);
    return true;
  }
}

/** What comes in: for eyes, ears and the system's notice. */
export function kindOf({ roomType }: Pick<CurrentCall, "roomType">): string {
  return words(roomType === "video" ? "incomingVideo" : "incomingVoice");
}

function say(what: () => Promise<void>): void {
  void what().catch(() => undefined); // it has stopped ringing meanwhile
}

function button(id: "answer" | "decline", shortcut: string, label: string): { readonly element: HTMLElement; readonly press: HTMLButtonElement } {
  const icons = id === "answer" ? (["phone", "video"] as const) : (["phone"] as const);
  const press = h(
    "button",
    { type: "button", class: `round round-${id}`, "data-testid": id, "aria-keyshortcuts": shortcut, "aria-label": label, title: label },
    ...icons.map((name) => icon(name)),
  );
  return { press, element: h("div", { class: "control" }, press, h("span", { class: "caption", "aria-hidden": "true", onclick: () => { press.click(); } }, label)) };
}
