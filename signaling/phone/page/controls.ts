import { h, icon, setText, type IconName } from "./dom.js";

/** A button of the call page. */
export interface Control {
  readonly element: HTMLElement;
  onPress(press: () => void): void;
  /** What the button does; `off`: what it stands for is off; `short` stands below it. */
  label(text: string, off: boolean, short?: string): void;
  enable(enabled: boolean): void;
}

/** A round button with its word below. */
export function control(id: string, shortcut: string | undefined, icons: readonly IconName[]): Control {
  const button = press("round", id, shortcut, icons);
  // Whoever presses the word means the button.
  const caption = h("span", { class: "caption", "aria-hidden": "true", onclick: () => { button.click(); } });
  return {
    element: h("div", { class: "control" }, button, caption),
    ...of(button),
    label: (text, off, short = text) => {
      setText(caption, short);
      name(button, text);
      button.classList.toggle("off", off);
    },
  };
}

/** A small button at the edge, whose word only shows when it is pointed at. */
export function tool(id: string, shortcut: string, icons: readonly IconName[]): Control {
  const button = press("tool", id, shortcut, icons);
  return {
    element: button,
    ...of(button),
    label: (text, off) => {
      name(button, text);
      button.classList.toggle("off", off);
    },
  };
}

function press(kind: string, id: string, shortcut: string | undefined, icons: readonly IconName[]): HTMLButtonElement {
  return h(
    "button",
    { type: "button", class: `${kind} ${kind}-${id}`, "data-testid": id, ...(shortcut === undefined ? {} : { "aria-keyshortcuts": shortcut }) },
    icon(...icons),
  );
}

function of(button: HTMLButtonElement): Pick<Control, "onPress" | "enable"> {
  return {
    onPress: (pressed) => {
      button.addEventListener("click", pressed);
    },
    enable: (enabled) => {
      button.disabled = !enabled;
    },
  };
}

function name(button: HTMLButtonElement, text: string): void {
  if (button.title === text) return;
  button.setAttribute("aria-label", text);
  button.title = text;
}
