import { CallboxError, pageSettings, sendData, type CurrentCall, type PageSettings } from "../src/sdk.js";
import { h, icon, setText, show } from "./dom.js";
import { device } from "./known.js";
import { errorKey, type StringKey } from "./strings.js";
import { toast } from "./toast.js";
import { words } from "./words.js";

/** How long the button says that it was done, in milliseconds. */
const stays = 3000;

type State = "idle" | "sending" | "done";

/** The app's own button: by default it opens the door, for a phone that may. The device says whether it was done. */
export class DoorButton {
  readonly #text = h("span");
  readonly #press = h("button", { type: "button", class: "button door", "data-testid": "door" }, icon("door", "check"), this.#text);
  readonly #said = h("p", { class: "only-heard", role: "status" });
  readonly element = h("div", { class: "door-box" }, this.#press, this.#said);
  #state: State = "idle";
  #roomId = "";
  #dkt = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#press.addEventListener("click", () => {
      this.press();
    });
  }

  update(call: CurrentCall): void {
    if (call.roomId !== this.#roomId) {
      this.#roomId = call.roomId;
      this.#become("idle");
    }
    const talking = call.phase === "talking" || call.phase === "reconnecting";
    show(this.element, call.here && talking && button(call.dkt) !== undefined);
    this.#draw(call.dkt);
  }

  press(): void {
    const wanted = button(this.#dkt);
    if (this.element.hidden || this.#state !== "idle" || !wanted) return;
    const roomId = this.#roomId;
    this.#become("sending");
    sendData({ payload: { button: wanted.text }, ...wanted.data }).then(
      () => {
        if (roomId !== this.#roomId) return;
        setText(this.#said, words("doorDone", { action: wanted.text }));
        this.#become("done");
        this.#timer = setTimeout(() => {
          setText(this.#said, "");
          this.#become("idle");
        }, stays);
      },
      (error: unknown) => {
        if (roomId !== this.#roomId) return;
        this.#become("idle");
        toast(words(doorKey(error), { action: wanted.text }));
      },
    );
  }

  #become(state: State): void {
    clearTimeout(this.#timer);
    this.#state = state;
    this.#draw(this.#dkt);
  }

  #draw(dkt: string): void {
    this.#dkt = dkt;
    this.#press.dataset["state"] = this.#state;
    this.#press.setAttribute("aria-busy", String(this.#state === "sending"));
    const text = button(dkt)?.text ?? "";
    setText(this.#text, this.#state === "sending" ? words("doorSending") : this.#state === "done" ? words("done") : text);
  }
}

/** The button for a device: the app's, or the door for a phone that has the right. */
function button(dkt: string): PageSettings["button"] {
  const { button: own } = pageSettings();
  if (own) return own.text === "" ? undefined : own;
  if (device(dkt)?.rights?.includes("unlock") !== true) return undefined;
  return { text: words("openDoor"), data: { payload: { button: "open" }, right: "unlock" } };
}

function doorKey(error: unknown): StringKey {
  const code = error instanceof CallboxError ? error.code : undefined;
  switch (code) {
    case undefined:
      return "error_unknown";
    case "forbidden":
    case "noHandler":
    case "unreachable":
      return `door_${code}`;
    default:
      return errorKey(code);
  }
}
