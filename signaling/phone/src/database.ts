/** The name of the IndexedDB database, which the page and its service worker share. */
export const database = "callbox";
