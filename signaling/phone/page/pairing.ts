import { CallboxError, pair, type PairingLink } from "../src/sdk.js";
import { h, icon, setText } from "./dom.js";
import { here, installFirst } from "./install.js";
import { errorKey } from "./strings.js";
import { toast } from "./toast.js";
import { words } from "./words.js";

/** Asks the person, once, whether this phone shall be paired with the device of a link, which came by that address. */
export function pairingView(link: PairingLink, address: string, done: () => void): HTMLElement {
  const name = h("input", {
    id: "phone-name",
    type: "text",
    maxlength: "64",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    "aria-describedby": "phone-name-hint",
    "data-testid": "pair-name",
  });
  name.value = defaultName(navigator.userAgent);
  const confirm = h("button", { type: "submit", class: "button primary", "data-testid": "pair-confirm" }, words("pairConfirm"));
  const cancel = h("button", { type: "button", class: "button plain", "data-testid": "pair-cancel", onclick: done }, words("cancel"));

  const submit = async (): Promise<void> => {
    // Characters that no name may have are dropped rather than refused.
    const clean = Array.from(name.value.replaceAll(/[\p{Cc}\p{Cf}]/gu, "").trim()).slice(0, 64).join("");
    confirm.disabled = cancel.disabled = true;
    setText(confirm, words("pairing"));
    try {
      const device = await pair(link, clean === "" ? words("defaultPhone") : clean);
      toast(words("paired", { name: device.name }));
      done();
    } catch (error) {
      toast(words(error instanceof CallboxError ? errorKey(error.code) : "error_unknown", { name: link.sn }));
      confirm.disabled = cancel.disabled = false;
      setText(confirm, words("pairConfirm"));
    }
  };

  return h(
    "form",
    {
      class: "sheet",
      "data-testid": "pairing",
      onsubmit: (event) => {
        event.preventDefault();
        void submit();
      },
    },
    h("div", { class: "badge" }, icon("door")),
    h("h1", {}, words("pairTitle")),
    h("p", { class: "serial" }, link.sn),
    h("p", {}, words("pairText")),
    ...(installFirst(here()) ? [installHint(address)] : []),
    h("label", { for: "phone-name" }, words("pairName")),
    name,
    h("p", { class: "hint", id: "phone-name-hint" }, words("pairNameHint")),
    confirm,
    cancel,
  );
}

/** What has to come before the pairing, where the home screen has a store of its own. */
function installHint(address: string): HTMLElement {
  const copy = h("button", { type: "button", class: "button tonal", "data-testid": "copy-link" }, words("copyLink"));
  copy.addEventListener("click", () => {
    void navigator.clipboard.writeText(address).then(
      () => {
        toast(words("copied"));
      },
      () => undefined, // the person said no
    );
  });
  return h("div", { class: "install", "data-testid": "install-first" }, h("h2", {}, words("installTitle")), h("p", {}, words("installText")), copy);
}

/** A name for this phone that its owner recognises. */
function defaultName(agent: string): string {
  // In this order: Android calls itself Linux too.
  const known: readonly (readonly [string, string])[] = [
    ["iPhone", "iPhone"],
    ["iPad", "iPad"],
    ["Android", "Android"],
    ["CrOS", "Chromebook"],
    ["Windows", "Windows PC"],
    ["Macintosh", "Mac"],
    ["Linux", "Linux PC"],
  ];
  return known.find(([mark]) => agent.includes(mark))?.[1] ?? words("defaultPhone");
}
