/** A few lines instead of a framework. */

type Child = Node | string | undefined;
type Attributes = Readonly<Record<string, string | boolean | ((event: Event) => void) | undefined>>;

/** Makes an element: strings become attributes, `true` an empty one, functions listeners (`onclick`). */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** Sets text only when it differs: a screen reader would say it again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows or hides an element. */
export function show(element: HTMLElement, visible: boolean): void {
  if (element.hidden === visible) element.hidden = !visible;
}

const svg = "http://www.w3.org/2000/svg";

const paths = {
  video: "M4 6.5h9.5a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2ZM15.5 10.6l4.9-3a1 1 0 0 1 1.6.8v7.2a1 1 0 0 1-1.6.8l-4.9-3",
  phone:
    "M6.6 3.5h2.2a1.5 1.5 0 0 1 1.4 1.1l.8 2.9a1.5 1.5 0 0 1-.5 1.5L9 10.3a12 12 0 0 0 4.8 4.8l1.3-1.5a1.5 1.5 0 0 1 1.5-.5l2.9.8a1.5 1.5 0 0 1 1.1 1.4v2.2a2 2 0 0 1-2.1 2A16.5 16.5 0 0 1 4.6 5.6a2 2 0 0 1 2-2.1Z",
  mic: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3ZM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21M9 21h6",
  slash: "M4 3.5l16 17",
  flip: "M20 11a8 8 0 0 0-14.2-4.2L4 9M4 4.5V9h4.5M4 13a8 8 0 0 0 14.2 4.2L20 15M20 19.5V15h-4.5",
  sound: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5ZM15.5 9a4.5 4.5 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  check: "M5 12.5l4.5 4.5L19 7.5",
  pip: "M4.5 5h15A1.5 1.5 0 0 1 21 6.5v11a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5v-11A1.5 1.5 0 0 1 4.5 5ZM12.5 12h5v3.5h-5Z",
  full: "M9 4.5H4.5V9M15 4.5h4.5V9M9 19.5H4.5V15M15 19.5h4.5V15",
  whole: "M3.5 6.5h17v11h-17ZM8 12H5.5M7 10.5L5.5 12 7 13.5M16 12h2.5M17 10.5l1.5 1.5-1.5 1.5",
  bell: "M6.5 16.5V11a5.5 5.5 0 0 1 11 0v5.5l1.5 2H5ZM10 18.5a2 2 0 0 0 4 0",
  close: "M6 6l12 12M18 6L6 18",
  lock: "M6.5 10.5h11a1.5 1.5 0 0 1 1.5 1.5v7a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 5 19v-7a1.5 1.5 0 0 1 1.5-1.5ZM8 10.5V7.5a4 4 0 0 1 8 0v3",
  door: "M7 21V4.5A1.5 1.5 0 0 1 8.5 3h7A1.5 1.5 0 0 1 17 4.5V21M4.5 21h15M13.8 12h.1",
} as const;

/** The names of the icons. */
export type IconName = keyof typeof paths;

/** A line icon of 24 x 24, drawn in the text's colour. */
export function icon(...names: readonly IconName[]): SVGSVGElement {
  const root = document.createElementNS(svg, "svg");
  root.setAttribute("viewBox", "0 0 24 24");
  root.setAttribute("aria-hidden", "true");
  root.classList.add("icon");
  for (const name of names) {
    const path = document.createElementNS(svg, "path");
    path.setAttribute("d", paths[name]);
    path.classList.add(`icon-${name}`);
    root.append(path);
  }
  return root;
}
