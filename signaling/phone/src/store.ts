import { database } from "./database.js";
import { CallboxError } from "./errors.js";
import { generateKey, type OwnKey, type PublicJwk } from "./jws.js";
import type { Right } from "./rights.js";

/** What this phone keeps of a device it is paired with. Entries are keyed by `dkt`. */
export interface DeviceRecord {
  readonly sn: string;
  readonly dkt: string;
  readonly jwk: PublicJwk;
  readonly endpoints: readonly string[];
  readonly name: string;
  /** What this phone may do there, as the device said last. */
  readonly rights?: readonly Right[] | undefined;
}

/** Where the phone's key and its devices live. */
export interface Store {
  /** The phone's key; made at the first use. */
  key(): Promise<OwnKey>;
  devices(): Promise<DeviceRecord[]>;
  put(record: DeviceRecord): Promise<void>;
  remove(dkt: string): Promise<void>;
}

/** IndexedDB: the one store of a browser that can hold a key that nobody can read. */
export class BrowserStore implements Store {
  #db: Promise<IDBDatabase> | undefined;
  #key: Promise<OwnKey> | undefined;

  async key(): Promise<OwnKey> {
    this.#key ??= this.#loadKey();
    return this.#key;
  }

  async #loadKey(): Promise<OwnKey> {
    const stored = await this.#run<OwnKey | undefined>("keys", "readonly", (s) => s.get("self"));
    if (stored) return stored;
    const fresh = await generateKey();
    try {
      // add, not put: of two tabs that both made a key, the first wins.
      await this.#run("keys", "readwrite", (s) => s.add(fresh, "self"));
      return fresh;
    } catch (error) {
      const first = await this.#run<OwnKey | undefined>("keys", "readonly", (s) => s.get("self"));
      if (first) return first;
      throw error;
    }
  }

  async devices(): Promise<DeviceRecord[]> {
    return this.#run<DeviceRecord[]>("devices", "readonly", (s) => s.getAll());
  }

  async put(record: DeviceRecord): Promise<void> {
    await this.#run("devices", "readwrite", (s) => s.put(record));
  }

  async remove(dkt: string): Promise<void> {
    await this.#run("devices", "readwrite", (s) => s.delete(dkt));
  }

  async #open(): Promise<IDBDatabase> {
    this.#db ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(database, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("keys");
        request.result.createObjectStore("devices", { keyPath: "dkt" });
      };
      request.onsuccess = () => {
        resolve(request.result);
      };
      request.onerror = () => {
        reject(storageError(request.error));
      };
    });
    return this.#db;
  }

  async #run<T>(name: string, mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest): Promise<T> {
    const db = await this.#open();
    return new Promise<T>((resolve, reject) => {
      const transaction = db.transaction(name, mode);
      const request = work(transaction.objectStore(name));
      transaction.oncomplete = () => {
        resolve(request.result as T);
      };
      transaction.onabort = () => {
        reject(storageError(transaction.error));
      };
    });
  }
}

function storageError(cause: DOMException | null): CallboxError {
  return new CallboxError("storage", `the browser's storage failed: ${cause?.message ?? "no reason given"}`);
}
