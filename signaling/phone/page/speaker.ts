import { h, icon, show } from "./dom.js";
import { words } from "./words.js";

/** A phone's own earpiece, or what a person wears, as browsers call them. */
const close = /earpiece|headset|headphone|earbud|airpod|听筒|耳机/i;

/** The choice of the loudspeaker, where the browser leaves it to the page: the system's own list, behind an icon. */
export class Speaker {
  readonly #select = h("select", { "aria-label": words("speaker"), title: words("speaker"), "aria-keyshortcuts": "S", "data-testid": "speaker" });
  readonly element = h("div", { class: "tool tool-speaker" }, icon("sound"), this.#select);
  readonly #video: HTMLVideoElement;
  #handsFree = true;
  #chosen: string | undefined;
  #list = "";

  constructor(video: HTMLVideoElement) {
    this.#video = video;
    show(this.element, false);
    this.#select.addEventListener("change", () => {
      this.#chosen = this.#select.value;
      void this.#use(this.#chosen);
    });
    // Not there on a page that is no secure context, which says so instead.
    if (!("mediaDevices" in navigator)) return;
    navigator.mediaDevices.addEventListener("devicechange", () => {
      void this.look(this.#handsFree);
    });
  }

  /** What the app wants, which counts until the person has chosen. */
  prefer(handsFree: boolean): void {
    if (handsFree !== this.#handsFree) void this.look(handsFree);
  }

  /** Shows the loudspeakers that there are, and takes the one that the person or the app wants. */
  async look(handsFree: boolean): Promise<void> {
    this.#handsFree = handsFree;
    if (!("setSinkId" in HTMLMediaElement.prototype)) return;
    const all = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    const outputs = all.filter(({ kind, label }) => kind === "audiooutput" && label !== "");
    const wanted = outputs.find(({ deviceId }) => deviceId === this.#chosen) ?? outputs.find(({ label }) => !handsFree && close.test(label)) ?? outputs[0];
    show(this.element, outputs.length > 1);
    const list = JSON.stringify([outputs.map(({ deviceId, label }) => [deviceId, label]), wanted?.deviceId]);
    if (!wanted || list === this.#list) return;
    this.#list = list;
    this.#select.replaceChildren(...outputs.map(({ deviceId, label }) => h("option", { value: deviceId }, label)));
    this.#select.value = wanted.deviceId;
    await this.#use(wanted.deviceId);
  }

  /** Opens the list, for a key. */
  open(): void {
    if (this.element.hidden) return;
    this.#select.focus();
    try {
      this.#select.showPicker();
    } catch {
      // The list opens by the arrow keys, too.
    }
  }

  async #use(id: string): Promise<void> {
    if (this.#video.sinkId !== id) await this.#video.setSinkId(id).catch(() => undefined); // unplugged meanwhile
  }
}
