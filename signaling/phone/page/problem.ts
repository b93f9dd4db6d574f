import { h, icon } from "./dom.js";
import { words } from "./words.js";

/** The page where calls are impossible: why, and what to do. */
export function problemView(kind: "insecureContext" | "unsupportedBrowser" | "framed", fragment: string): HTMLElement {
  if (kind === "unsupportedBrowser") {
    return h("section", { class: "sheet", "data-testid": "problem" }, badge(), h("h1", {}, words("browserTitle")), h("p", {}, words("browserText")));
  }
  const url = new URL(location.href);
  url.hash = fragment; // a pairing link goes along: it acts only after the person confirms it
  if (kind === "framed") {
    // A page around this one could lay the button that opens the door under something else.
    return h(
      "section",
      { class: "sheet", "data-testid": "problem" },
      badge(),
      h("h1", {}, words("framedTitle")),
      h("p", {}, words("framedText")),
      h("a", { class: "button primary", href: url.href, target: "_blank", rel: "noopener" }, words("framedOpen")),
    );
  }
  url.protocol = "https:";
  return h(
    "section",
    { class: "sheet", "data-testid": "problem" },
    badge(),
    h("h1", {}, words("insecureTitle")),
    h("p", {}, words("insecureText")),
    h("p", {}, words("insecureStep")),
    h("a", { class: "button primary", href: url.href }, words("insecureOpen")),
  );
}

function badge(): HTMLElement {
  return h("div", { class: "badge" }, icon("lock"));
}
