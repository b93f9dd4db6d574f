import { database } from "../src/database.js";

/** The name under which the page knows a device; undefined: it does not, or the storage fails. */
export async function nameOf(storage: IDBFactory, dkt: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const none = (): void => {
      resolve(undefined);
    };
    const opening = storage.open(database);
    opening.onerror = none;
    opening.onupgradeneeded = () => {
      opening.transaction?.abort(); // it is not there: the page makes it
    };
    opening.onsuccess = () => {
      const db = opening.result;
      try {
        const reading = db.transaction("devices").objectStore("devices").get(dkt) as IDBRequest<{ readonly name?: unknown } | undefined>;
        reading.onerror = none;
        reading.onsuccess = () => {
          const name = reading.result?.name;
          resolve(typeof name === "string" ? name : undefined);
        };
      } catch {
        none();
      } finally {
        db.close(); // once the reading is done
      }
    };
  });
}
