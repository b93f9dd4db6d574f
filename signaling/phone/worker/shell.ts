/** The page's own files, kept so that it opens without the device. Nothing else is ever kept. */

/** What the build has made. */
export interface ShellFiles {
  /** Changes with any of the files. */
  readonly version: string;
  /** The files by their path below the page (`./`: the page itself), each with its `integrity`. */
  readonly files: Readonly<Record<string, string>>;
}

export class Shell {
  readonly #page: URL;
  readonly #shell: ShellFiles;
  readonly #caches: CacheStorage;
  /** Several pages of one origin share one storage: each has its folder in the name. */
  readonly #prefix: string;

  constructor(page: URL, shell: ShellFiles, caches: CacheStorage) {
    this.#page = page;
    this.#shell = shell;
    this.#caches = caches;
    this.#prefix = `callbox ${page.pathname} `;
  }

  get #name(): string {
    return this.#prefix + this.#shell.version;
  }

  /** Keeps all files of this build, or none: a server that is being updated may have others. */
  async install(): Promise<void> {
    const cache = await this.#caches.open(this.#name);
    const files = Object.entries(this.#shell.files);
    await cache.addAll(files.map(([path, integrity]) => new Request(new URL(path, this.#page), { integrity, cache: "no-cache" })));
  }

  /** Removes what older builds have kept. */
  async clean(): Promise<void> {
    const names = await this.#caches.keys();
    await Promise.all(names.filter((name) => name.startsWith(this.#prefix) && name !== this.#name).map(async (name) => this.#caches.delete(name)));
  }

  /** The address under which a file of the page is kept; undefined: the request is not for one. */
  fileOf({ method, url }: Pick<Request, "method" | "url">): string | undefined {
    const asked = new URL(url);
    if (method !== "GET" || !url.startsWith(this.#page.href)) return undefined;
    const path = asked.pathname.slice(this.#page.pathname.length);
    const file = path === "" || path === "index.html" ? "./" : path;
    return Object.hasOwn(this.#shell.files, file) ? new URL(file, this.#page).href : undefined;
  }

  /** The file as it was kept: a page that was woken opens at once. Browsers may have deleted it. */
  async answer(file: string, request: Request): Promise<Response> {
    const cache = await this.#caches.open(this.#name);
    return (await cache.match(file)) ?? fetch(request);
  }
}
