/** The keys of a call that are single letters: whoever speaks to their computer, or rests a hand on it, can switch them off (WCAG 2.1.4). */

const entry = "callbox.letterKeys";

export function letterKeys(): boolean {
  try {
    return localStorage.getItem(entry) !== "off";
  } catch {
    return true; // nothing can be stored here
  }
}

export function setLetterKeys(on: boolean): void {
  try {
    if (on) localStorage.removeItem(entry);
    else localStorage.setItem(entry, "off");
  } catch {
    // as above
  }
}
