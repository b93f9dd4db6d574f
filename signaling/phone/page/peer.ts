import type { CurrentCall } from "../src/sdk.js";
import { h, icon, show } from "./dom.js";
import type { StringKey } from "./strings.js";
import { words } from "./words.js";

const grades: readonly StringKey[] = ["quality0", "quality1", "quality2", "quality3", "quality4"];

/** What the other side says of itself: how well the connection is, and whether its microphone is off. */
export class Peer {
  readonly #bars = h("span", { class: "bars", role: "img", "data-testid": "quality" }, ...[1, 2, 3, 4].map(() => h("i")));
  readonly #muted = h("span", { class: "peer-muted", role: "img", "data-testid": "peer-muted" }, icon("mic", "slash"));
  readonly element = h("span", { class: "peer" }, this.#bars, this.#muted);

  update({ remote, phase, deviceName }: CurrentCall): void {
    show(this.element, remote !== undefined && (phase === "talking" || phase === "reconnecting"));
    if (!remote) return;
    const quality = phase === "reconnecting" ? 0 : Math.min(4, Math.max(0, Math.round(remote.quality)));
    this.#bars.dataset["quality"] = String(quality);
    label(this.#bars, words(grades[quality] ?? "quality0"));
    show(this.#muted, !remote.mic);
    label(this.#muted, words("remoteMuted", { name: deviceName }));
  }

  /** What is worth a line of its own. */
  lines({ remote, phase, deviceName }: CurrentCall): string[] {
    if (!remote || phase !== "talking") return [];
    return [
      ...(remote.mic ? [] : [words("remoteMuted", { name: deviceName })]),
      ...(remote.speaker ? [] : [words("remoteDeaf", { name: deviceName })]),
      ...(remote.quality <= 1 ? [words("weak")] : []),
    ];
  }
}

function label(element: HTMLElement, text: string): void {
  if (element.title === text) return;
  element.title = text;
  element.setAttribute("aria-label", text);
}
