/** Whether a picture fills the page, which cuts its edges off, or is seen whole, with bars beside it. */
import { tool } from "./controls.js";
import { show } from "./dom.js";
import { cutOff, type Picture } from "./picture.js";
import { words } from "./words.js";

/** The share of a picture that may be cut off before it is shown whole by itself. */
const most = 1 / 3;

export class Fit {
  readonly tool = tool("fit", "W", ["whole"]);
  readonly #picture: Picture;
  /** What the person wants of the present call; undefined: they have not said. */
  #whole: boolean | undefined;
  #ours = true;

  constructor(picture: Picture) {
    this.#picture = picture;
    this.tool.onPress(() => {
      this.toggle();
    });
    picture.video.addEventListener("resize", () => {
      this.#draw();
    });
    new ResizeObserver(() => {
      this.#draw();
    }).observe(picture.element);
    this.#draw();
  }

  /** `seen`: there is a picture. `ours`: the app says nothing of how it fits. */
  update(seen: boolean, ours: boolean): void {
    this.#ours = ours;
    show(this.tool.element, seen && ours);
    this.#draw();
  }

  toggle(): void {
    if (this.tool.element.hidden) return;
    this.#whole = !this.#isWhole();
    this.#draw();
  }

  /** The call is over. */
  leave(): void {
    this.#whole = undefined;
  }

  #isWhole(): boolean {
    if (this.#whole !== undefined) return this.#whole;
    const { video, element } = this.#picture;
    const { videoWidth, videoHeight } = video;
    const sideways = element.classList.contains("sideways");
    const size = sideways ? { width: videoHeight, height: videoWidth } : { width: videoWidth, height: videoHeight };
    return cutOff(size, { width: element.clientWidth, height: element.clientHeight }) > most;
  }

  #draw(): void {
    const whole = this.#isWhole();
    this.#picture.element.classList.toggle("whole", whole && this.#ours);
    this.tool.label(words(whole ? "fill" : "whole"), false);
  }
}
