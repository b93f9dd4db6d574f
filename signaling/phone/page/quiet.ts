/** Controls that hide when nothing is done for a while: the picture is what a call is about. */

/** Milliseconds without a touch, a move or a key. */
const patience = 4000;

export class Quiet {
  readonly #element: HTMLElement;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #may = false;

  constructor(element: HTMLElement) {
    this.#element = element;
    // A finger's touch ends in a press, which knows whether they were hidden.
    element.addEventListener("pointermove", ({ pointerType }) => {
      if (pointerType !== "touch") this.wake();
    });
    for (const name of ["keydown", "focusin"]) {
      element.addEventListener(name, () => {
        this.wake();
      });
    }
  }

  get hidden(): boolean {
    return this.#element.classList.contains("quiet");
  }

  /** Whether they may hide: only over a picture. */
  allow(may: boolean): void {
    if (may === this.#may) return;
    this.#may = may;
    this.wake();
  }

  /** Shows them, and hides them later. */
  wake(): void {
    this.#element.classList.remove("quiet");
    clearTimeout(this.#timer);
    if (!this.#may) return;
    this.#timer = setTimeout(() => {
      this.hide();
    }, patience);
  }

  /** Hides them, unless somebody works them by keys. */
  hide(): void {
    if (this.#element.querySelector(":focus-visible, select:focus")) this.wake();
    else if (this.#may) this.#element.classList.add("quiet");
  }
}
