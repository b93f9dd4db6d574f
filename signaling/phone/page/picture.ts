import type { PictureUI } from "../src/sdk.js";
import { h } from "./dom.js";

/** A video in its frame: turned, mirrored and shaped as the app wants it (`setUIConfig`). */
export class Picture {
  readonly video: HTMLVideoElement;
  readonly element: HTMLElement;

  constructor(kind: "remote" | "local") {
    this.video = h("video", { autoplay: true, playsinline: true, "data-testid": `${kind}-video` });
    this.element = h("div", { class: `frame ${kind}` }, this.video);
  }

  /** `mirrored` is what counts when the app says nothing. */
  shape(ui: PictureUI = {}, mirrored = false): void {
    const { cameraRotation = 0, aspectRatio, horMirror = mirrored, vertMirror = false, objectFit } = ui;
    const { classList, style } = this.element;
    classList.toggle("sideways", cameraRotation % 180 !== 0);
    classList.toggle("shaped", aspectRatio !== undefined);
    put(style, "--turn", `${String(cameraRotation)}deg`);
    put(style, "--x", horMirror ? "-1" : "1");
    put(style, "--y", vertMirror ? "-1" : "1");
    put(style, "--ratio", aspectRatio === undefined ? "" : String(aspectRatio));
    put(style, "--fit", objectFit ?? "");
  }
}

function put(style: CSSStyleDeclaration, name: string, value: string): void {
  if (style.getPropertyValue(name) !== value) style.setProperty(name, value);
}

/** A width and a height, in the same unit each. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The share of a picture that is cut off where it fills a box; 0 for what has no size. */
export function cutOff(picture: Size, box: Size): number {
  const ratio = (picture.width * box.height) / (picture.height * box.width);
  return Number.isFinite(ratio) && ratio > 0 ? 1 - Math.min(ratio, 1 / ratio) : 0;
}
