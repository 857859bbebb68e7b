// Edits in IndexedDB until they are acknowledged, and the question which of them another page left behind.

/** @typedef {import("../types.js").Operation} Operation */

const DATABASE = "piximi-widgets";
const STORE = "operations";

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @returns {Promise<IDBDatabase>} */
function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      const store = request.result.createObjectStore(STORE, { keyPath: ["project", "client", "sequence"] });
      store.createIndex("project", "project");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
}

/** The clients whose pages are alive hold a lock of this name. @param {string} client */
const lockName = (client) => `piximi-widgets:${client}`;

export class Keep {
  /** @param {{ failed: () => void }} wiring   failed: edits cannot be kept here */
  constructor(wiring) {
    this.wiring = wiring;
    this.works = true;
    /** @type {Promise<IDBDatabase | null>} */
    this.database = Promise.resolve()
      .then(openDatabase)
      .catch((error) => this.fail(error));
    /** @type {(() => void) | null} */
    this.release = null;
    /** @type {Promise<any>} */
    this.held = Promise.resolve();
    /** The last change of the storage. @type {Promise<any>} */
    this.written = Promise.resolve();
  }

  /** @param {unknown} error @returns {null} */
  fail(error) {
    console.debug("piximi: edits cannot be kept in this browser", error);
    if (this.works) {
      this.works = false;
      this.wiring.failed();
    }
    return null;
  }

  /**
   * Tell other pages that this client is alive, so that they leave its edits alone.
   * @param {string} client
   */
  announce(client) {
    if (!globalThis.navigator?.locks) return;
    const held = new Promise((resolve) => (this.release = () => resolve(undefined)));
    this.held = navigator.locks.request(lockName(client), () => held).catch((error) => this.fail(error));
  }

  /** Let other pages have what is kept here, once it is written. */
  async leave() {
    await this.database;
    await this.written;
    this.release?.();
    await this.held;
  }

  /** @param {Operation} operation */
  put(operation) {
    return this.write((store) => store.put({ ...operation, time: Date.now() }));
  }

  /** @param {Operation} operation */
  remove(operation) {
    return this.write((store) => store.delete([operation.project, operation.client, operation.sequence]));
  }

  /** @param {(store: IDBObjectStore) => IDBRequest} change */
  write(change) {
    this.written = this.writeNow(change);
    return this.written;
  }

  /** @param {(store: IDBObjectStore) => IDBRequest} change */
  async writeNow(change) {
    try {
      const database = await this.database;
      if (database) await done(change(database.transaction(STORE, "readwrite").objectStore(STORE)));
    } catch (error) {
      this.fail(error);
    }
  }

  /**
   * Edits of this project that a page which is gone did not see acknowledged, in the order in which they were made.
   * @param {string} project
   * @param {string} self
   * @returns {Promise<Operation[]>}
   */
  async leftovers(project, self) {
    try {
      const database = await this.database;
      if (!database) return [];
      const index = database.transaction(STORE).objectStore(STORE).index("project");
      /** @type {(Operation & { time: number })[]} */
      const kept = await done(index.getAll(project));
      const alive = await this.alive();
      // Where pages cannot be told apart by locks, an edit that is older than this is nobody's any more.
      const stale = Date.now() - 15_000;
      return kept
        .filter((each) => each.client !== self && (alive ? !alive.has(lockName(each.client)) : each.time < stale))
        .sort((a, b) => a.time - b.time || a.sequence - b.sequence)
        .map((each) => ({ ...each, revision: null }));
    } catch (error) {
      this.fail(error);
      return [];
    }
  }

  /** @returns {Promise<Set<string> | null>} */
  async alive() {
    if (!globalThis.navigator?.locks) return null;
    const state = await navigator.locks.query();
    return new Set((state.held ?? []).map((lock) => lock.name ?? ""));
  }

  close() {
    this.release?.();
    this.database.then((database) => database?.close());
  }
}
