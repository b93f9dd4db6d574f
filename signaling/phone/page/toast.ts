import { h, icon } from "./dom.js";
import { words } from "./words.js";

const stays = 7000;

/** Says something at the edge of the page for 7 s; a new one takes the place of the old. */
export function toast(text: string): void {
  const area = document.getElementById("toasts");
  if (!area) return;
  const close = (): void => {
    box.remove();
  };
  const box = h(
    "div",
    { class: "toast", "data-testid": "toast" },
    h("span", {}, text),
    h("button", { type: "button", class: "toast-close", "aria-label": words("dismiss"), onclick: close }, icon("close")),
  );
  area.replaceChildren(box);
  setTimeout(close, stays);
}

/** Takes away what is said: something new has begun. */
export function clearToast(): void {
  document.getElementById("toasts")?.replaceChildren();
}
