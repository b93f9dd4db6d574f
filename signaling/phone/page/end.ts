import { pageSettings, type CurrentCall, type Device, type RoomType } from "../src/sdk.js";
import { endAddress } from "./address.js";
import { h, icon, setText, show } from "./dom.js";
import { initial } from "./home.js";
import { device } from "./known.js";
import { linkStateOf, mayCall } from "./rights.js";
import { clockTime, type StringKey } from "./strings.js";
import { words } from "./words.js";

/** How a call has ended, and what may come next. */
export interface EndParts {
  readonly call: Pick<CurrentCall, "dkt" | "deviceName" | "elapsed" | "end">;
  readonly why: StringKey;
  readonly again: (device: Device, roomType: RoomType) => void;
  readonly done: () => void;
}

/** The end of a call: why, how long it was, whether the device can be reached, and calling again. */
export class EndView {
  readonly element: HTMLElement;
  readonly #parts: EndParts;
  readonly #state = h("p", { class: "link-state", role: "status", "data-testid": "device-state" });
  readonly #again: HTMLElement;
  /** Why, in words. */
  readonly why: string;

  constructor(parts: EndParts) {
    this.#parts = parts;
    const { call } = parts;
    this.why = words(parts.why, { name: call.deviceName });
    this.#again = h("div", { class: "actions" }, this.#button("video"), this.#button("voice"));
    this.element = h(
      "section",
      { class: "card end", "data-testid": "end" },
      h("div", { class: "avatar", "aria-hidden": "true" }, initial(call.deviceName)),
      h("p", { class: "end-name", "data-testid": "device-name" }, call.deviceName),
      h("h1", { tabindex: "-1", "data-testid": "end-why" }, this.why),
      call.elapsed > 0 ? h("p", { class: "end-time", "data-testid": "end-time" }, words("talked", { time: clockTime(call.elapsed) })) : undefined,
      this.#state,
      this.#again,
      h("button", { type: "button", class: "button plain", "data-testid": "done", onclick: () => { this.#leave(); } }, words("done")),
    );
    this.update();
  }

  /** The devices may have changed. */
  update(): void {
    const { dkt, end } = this.#parts.call;
    const known = device(dkt);
    const forbidden = end?.cause === "forbidden" || end?.detail === "revoked";
    const may = known !== undefined && mayCall(known) && !forbidden;
    show(this.#again, may);
    const { link, text } = known ? linkStateOf(known) : { link: "", text: undefined };
    // That it cannot be reached stands above already.
    show(this.#state, may && !(this.#parts.why === "end_unreachable" && link !== "up"));
    if (!text) return;
    this.#state.dataset["link"] = link;
    setText(this.#state, words(text));
  }

  #button(roomType: RoomType): HTMLElement {
    const again = (): void => {
      const known = device(this.#parts.call.dkt);
      if (known) this.#parts.again(known, roomType);
    };
    return h(
      "button",
      { type: "button", class: `button ${roomType === "video" ? "primary" : "tonal"}`, "data-testid": `call-${roomType}`, onclick: again },
      icon(roomType === "video" ? "video" : "phone"),
      h("span", {}, words(roomType === "video" ? "videoCall" : "voiceCall")),
    );
  }

  #leave(): void {
    const { end } = pageSettings();
    if (!end) {
      this.#parts.done();
      return;
    }
    const url = endAddress(end);
    if ((end.routeType ?? "redirectTo") === "redirectTo") location.replace(url);
    else location.assign(url);
  }
}
