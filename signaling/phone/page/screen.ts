/** Picture in picture and full screen, where the browser has them. */
import { tool } from "./controls.js";
import { show } from "./dom.js";
import { words } from "./words.js";

export class Screen {
  readonly pip = tool("pip", "P", ["pip"]);
  readonly full = tool("full", "F", ["full"]);
  readonly #video: HTMLVideoElement;

  constructor(video: HTMLVideoElement) {
    this.#video = video;
    this.pip.onPress(() => {
      this.togglePip();
    });
    this.full.onPress(() => {
      this.toggleFull();
    });
    for (const name of ["enterpictureinpicture", "leavepictureinpicture"]) {
      video.addEventListener(name, () => {
        this.#label();
      });
    }
    document.addEventListener("fullscreenchange", () => {
      this.#label();
    });
    show(this.full.element, "fullscreenEnabled" in document && document.fullscreenEnabled); // not on an iPhone
    this.#label();
  }

  /** `picture`: there is one to be seen. */
  update(picture: boolean): void {
    show(this.pip.element, "pictureInPictureEnabled" in document && document.pictureInPictureEnabled && picture); // not in Firefox
  }

  togglePip(): void {
    if (this.pip.element.hidden) return;
    void (inPip() ? document.exitPictureInPicture() : this.#video.requestPictureInPicture()).catch(() => undefined);
  }

  toggleFull(): void {
    if (this.full.element.hidden) return;
    void (inFull() ? document.exitFullscreen() : document.documentElement.requestFullscreen()).catch(() => undefined);
  }

  /** The call is over. */
  leave(): void {
    if (inPip()) void document.exitPictureInPicture().catch(() => undefined);
    if (inFull()) void document.exitFullscreen().catch(() => undefined);
  }

  #label(): void {
    this.pip.label(words(inPip() ? "pipOff" : "pip"), inPip());
    this.full.label(words(inFull() ? "fullOff" : "full"), inFull());
  }
}

function inPip(): boolean {
  return Boolean(document.pictureInPictureElement);
}

function inFull(): boolean {
  return Boolean(document.fullscreenElement);
}
