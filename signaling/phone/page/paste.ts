import { h } from "./dom.js";
import { toast } from "./toast.js";
import { words } from "./words.js";

/**
 * A field for a pairing link: a page on the home screen has no address bar, and links
 * are opened in the browser, which on iOS has another storage.
 */
export function pasteForm(): HTMLFormElement {
  const input = h("input", {
    id: "paste-link",
    type: "text",
    inputmode: "url",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    required: true,
    "data-testid": "paste-link",
  });
  return h(
    "form",
    {
      class: "paste",
      onsubmit: (event) => {
        event.preventDefault();
        const fragment = /#pair=\S+/.exec(input.value)?.[0];
        if (fragment === undefined) toast(words("error_pairLinkInvalid"));
        else location.hash = fragment; // from here on it is as if the link had been opened
        input.value = "";
      },
    },
    h("label", { for: "paste-link" }, words("pasteLabel")),
    input,
    h("button", { type: "submit", class: "button tonal", "data-testid": "paste-confirm" }, words("pasteConfirm")),
  );
}

/** The same behind a button, for a page that has devices already: only where no link can be opened. */
export function addDevice(): HTMLElement | undefined {
  if (!matchMedia("(display-mode: standalone)").matches) return undefined;
  return h("details", { class: "add" }, h("summary", { class: "button plain" }, words("addDevice")), h("div", { class: "sheet" }, pasteForm()));
}
