/** What the press of a notification does. */

/** What a notification was shown for. */
export interface Woken {
  readonly dkt: string;
  /** The device's ring; undefined: the push could not be read. */
  readonly roomId: string | undefined;
}

/** The part of `Clients` that is used. */
export interface Pages {
  matchAll(options: { readonly type: "window"; readonly includeUncontrolled: true }): Promise<readonly Page[]>;
  openWindow(url: string): Promise<unknown>;
}

export interface Page {
  readonly url: string;
  focus(): Promise<unknown>;
}

/** Brings the open page to the front, or opens it. The page connects, and gets the ring. */
export async function opensPage(pages: Pages, page: URL, woken: Woken): Promise<void> {
  const open = await pages.matchAll({ type: "window", includeUncontrolled: true });
  for (const one of open.filter(({ url }) => isPage(url, page))) {
    try {
      await one.focus();
      return;
    } catch {
      // It is being closed, or the browser does not let it come forward.
    }
  }
  await pages.openWindow(entry(page, woken));
}

/** The address that the page is entered with for a ring. */
export function entry(page: URL, { dkt, roomId }: Woken): string {
  return roomId === undefined ? page.href : new URL(`?${new URLSearchParams({ roomId, wokenBy: dkt }).toString()}`, page).href;
}

function isPage(address: string, page: URL): boolean {
  const url = new URL(address);
  return url.origin === page.origin && (url.pathname === page.pathname || url.pathname === `${page.pathname}index.html`);
}
