/** How the scope of the registration that is woken for a device ends: also the service worker knows it by that. */
export function pushScope(dkt: string): string {
  return `/push/${dkt}/`;
}

/** The device of a scope; undefined: it is another's, for example the page's own. */
export function deviceOfScope(scope: string): string | undefined {
  return /\/push\/([A-Za-z0-9_-]{43})\/$/.exec(scope)?.[1];
}
