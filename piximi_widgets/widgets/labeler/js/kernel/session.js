// One labeler's conversation with its kernel: opens the project, sends edits, follows changes.
import { Asking } from "./asking.js";
import { columnsFrom, idsTo } from "./bytes.js";
import { Channel, newClient } from "./channel.js";
import { Handover } from "./handover.js";
import { Keep } from "./keep.js";
import { OperationQueue } from "./operations.js";
import { PreferenceKeep } from "../state/preferences.js";
import { changeWay } from "./reconnect.js";
import { Sharing } from "./sharing.js";
import { Store } from "../state/store.js";
import { Thumbnails } from "./thumbnails.js";

/** @typedef {import("../types.js").Model} Model */
/** @typedef {import("../types.js").Operation} Operation */
/** @typedef {import("../types.js").Description} Description */

const CATCH_UP = 400;
const SCROLL_PAUSE = 300;

export class Session {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.client = newClient();
    this.project = model.get("project_uid");
    /** Edits of one person are never saved as another's. */
    this.author = model.get("_author") ?? "";
    this.store = new Store();
    this.preferenceKeep = new PreferenceKeep(this.project, () => model.get("_own_id") ?? "");
    this.store.preferences = this.preferenceKeep.load();
    this.unsubscribe = this.store.subscribe((change) => {
      if (change === "preferences") this.preferenceKeep.save(this.store.preferences);
    });
    this.keep = new Keep({ failed: () => this.storageFailed() });
    this.keep.announce(this.client);
    this.channel = new Channel(model, this.client, {
      received: (content, buffers) => this.receive(content, buffers),
      quiet: (silent) => this.setSilent(silent),
    });
    this.queue = new OperationQueue({
      project: this.project,
      client: this.client,
      author: this.author,
      keep: this.keep,
      transmit: (operation) => this.transmit(operation),
      changed: () => this.queueChanged(),
      refused: (_, message) => this.store.setNotice({ tone: "error", text: message }),
    });
    this.thumbnails = new Thumbnails({
      ask: (ids, size) => {
        const id = this.channel.nextId();
        this.channel.post({ id, kind: "thumbnails", size }, [idsTo(Float64Array.from(ids))]);
        return id;
      },
      cancel: (question) => this.channel.post({ kind: "cancel", id: question }),
      arrived: () => this.store.emit("pictures"),
    });
    this.handover = new Handover({
      project: `${this.project}:${this.author}`,
      healthy: () => this.store.ready && !this.store.silent && this.queue.state !== "offline",
      stranded: () => this.queue.state === "offline",
      leave: () => this.leaveEdits(),
      collect: () => this.offerLeftovers(),
    });
    /** @type {Map<number, Promise<Description>>} */
    this.descriptions = new Map();
    /** @type {any} */
    this.catchUpTimer = null;
    /** @type {any} */
    this.scrollTimer = null;
    /** @type {string | undefined} */
    this.pictures = undefined;
    this.opening = false;
    this.stale = false;
    this.catching = false;
    this.closed = false;
    this.asking = new Asking(this.channel, this.store);
    this.sharing = new Sharing(model, this.channel, this.store);
    this.open();
  }

  /** Ask for everything; the page's first question, and again when images were added or removed. */
  async open() {
    this.stale = this.opening;
    if (this.opening) return;
    this.opening = true;
    try {
      const { content, buffers } = await this.channel.ask("open");
      const first = !this.store.ready;
      this.notePictures(content.pictures);
      this.queue.settle(content.revision);
      this.store.pending = this.queue.pending;
      this.store.load(content, columnsFrom(buffers));
      if (first) {
        this.sharing.restore();
        this.handover.say("ready");
        this.offerLeftovers();
      }
    } catch (error) {
      this.store.setNotice({ tone: "error", text: /** @type {Error} */ (error).message });
    } finally {
      this.opening = false;
    }
    // Something came while the answer was on its way.
    if (this.stale) this.open();
  }

  /**
   * What the kernel says without having been asked, and the answers to edits.
   * @param {any} content
   * @param {DataView[]} buffers
   */
  receive(content, buffers) {
    if (content?.kind === "delta") this.advance(content, buffers);
    else if (content?.kind === "thumbnails") this.receiveThumbnails(content, buffers);
    else if (content?.kind === "operation") this.operationAnswered(content);
    else if (content?.kind === "reload") this.open();
    else if (content?.error !== undefined) this.failed(content);
    this.queue.retry();
  }

  /**
   * What this page has said without waiting for an answer could not be done; other pages hear it, too.
   * @param {{ id?: string, error: string }} content
   */
  failed({ id, error }) {
    if (id?.startsWith(`${this.client}:`)) this.store.setNotice({ tone: "error", text: error });
  }

  /** @param {any} content @param {DataView[]} buffers */
  advance(content, buffers) {
    if (!this.store.ready) return;
    this.notePictures(content.pictures);
    const outcome = this.store.advance(content, columnsFrom(buffers));
    if (outcome === "gap") this.catchUp();
    else if (outcome === "new images") this.open();
    else this.queueChanged();
  }

  /** @param {string} version   another one when channels or contrast were changed */
  notePictures(version) {
    if (this.pictures !== undefined && this.pictures !== version) this.thumbnails.renew();
    this.pictures = version;
  }

  /** Ask for what was missed. */
  async catchUp() {
    if (this.catching) return;
    this.catching = true;
    try {
      const { content, buffers } = await this.channel.ask("changes", { since: this.store.revision });
      if (content.reload) await this.open();
      else this.advance(content, buffers);
    } catch (error) {
      this.store.setNotice({ tone: "error", text: /** @type {Error} */ (error).message });
    } finally {
      this.catching = false;
    }
  }

  /** @param {any} content @param {DataView[]} buffers */
  receiveThumbnails(content, buffers) {
    for (const [id, name] of Object.entries(content.names ?? {})) this.store.names.set(Number(id), name);
    this.thumbnails.receive(content, buffers);
  }

  /**
   * @param {string} action
   * @param {Float64Array | null} ids
   * @param {Record<string, any>} [argument]
   */
  operate(action, ids, argument = {}) {
    this.queue.add(action, ids, argument, this.store.revision);
  }

  /** @param {Operation} operation */
  transmit({ client, sequence, action, ids, argument, base }) {
    const content = { id: this.channel.nextId(), kind: "operation", client, sequence, action, argument, base };
    this.channel.post({ ...content, images: ids !== null }, ids ? [idsTo(ids)] : []);
  }

  /** @param {any} content */
  operationAnswered(content) {
    const operation = this.queue.answered(content);
    if (!operation || content.error !== undefined) return;
    if (operation.action === "undo" || operation.action === "redo" || content.skipped) this.store.announce(content.message);
    if (this.queue.unsettled) {
      clearTimeout(this.catchUpTimer);
      this.catchUpTimer = setTimeout(() => this.queue.unsettled && this.catchUp(), CATCH_UP);
    }
  }

  queueChanged() {
    this.queue.settle(this.store.revision);
    this.store.pending = this.queue.pending;
    if (this.queue.state === "offline") {
      if (this.store.saving !== "offline") this.handover.say("stranded");
      // An edit that the kernel could not store has been heard. On a new way, what waits is sent at once.
      if (!this.queue.reason) changeWay(this.model).then((changed) => changed && this.queue.retry());
    }
    this.store.saving = this.queue.state;
    this.store.waiting = this.queue.waiting;
    this.store.reason = this.queue.reason;
    if (this.store.ready) this.store.refresh();
    this.store.emit("status");
  }

  /** Another view of this project has a kernel, and this one has not. */
  async leaveEdits() {
    await this.keep.leave();
    this.queue.clear();
    this.store.setNotice({ tone: "info", text: "This view has lost its kernel. Another view of this project offers its edits." });
  }

  async offerLeftovers() {
    // A project that can only be read would refuse them for good; they wait for one that can be written.
    if (this.store.readOnly) return;
    const all = await this.keep.leftovers(this.project, this.client);
    const kept = all.filter((each) => (each.author ?? this.author) === this.author);
    if (!kept.length || this.closed) return;
    const edits = kept.length === 1 ? "1 edit from before was" : `${kept.length} edits from before were`;
    const answer = (/** @type {() => void} */ run) => () => {
      this.store.setNotice(null);
      run();
    };
    this.store.setNotice({
      tone: "question",
      text: `${edits} not confirmed as saved.`,
      actions: [
        { label: "Save", run: answer(() => this.saveLeftovers(kept)) },
        { label: "Discard", run: answer(() => kept.forEach((operation) => this.keep.remove(operation))) },
      ],
    });
  }

  /**
   * An undo is saved with the edits that it came after. Alone it would take back what was done since.
   * @param {Operation[]} kept
   */
  saveLeftovers(kept) {
    const reverts = (/** @type {Operation} */ each) => each.action === "undo" || each.action === "redo";
    const first = kept.findIndex((each) => !reverts(each));
    const late = first < 0 ? kept : kept.slice(0, first);
    for (const operation of late) this.keep.remove(operation);
    if (late.length) this.store.announce("An undo from before was left out: it would take back newer edits.");
    this.queue.take(kept.slice(late.length));
  }

  /** @param {number} id @returns {Promise<Description>} */
  describe(id) {
    let description = this.descriptions.get(id);
    if (!description) {
      description = this.channel.ask("describe", { image: id }).then(({ content }) => content.description);
      this.descriptions.set(id, description);
      if (this.descriptions.size > 500) this.descriptions.delete(/** @type {number} */ (this.descriptions.keys().next().value));
    }
    return description;
  }

  /** A field that images can be filtered and sorted by. @param {string} name */
  needField(name) {
    return this.asking.field(name);
  }

  /** Remember which image is at the upper edge, for the next time that this page is loaded. @param {number} id */
  noteScroll(id) {
    clearTimeout(this.scrollTimer);
    this.scrollTimer = setTimeout(() => (this.preferenceKeep.top = id), SCROLL_PAUSE);
  }

  storageFailed() {
    this.store.storage = false;
    this.store.emit("status");
  }

  /** @param {boolean} silent */
  setSilent(silent) {
    if (this.store.silent === silent) return;
    this.store.silent = silent;
    if (silent) changeWay(this.model);
    this.store.emit("status");
  }

  close() {
    this.closed = true;
    this.unsubscribe();
    this.sharing.close();
    this.asking.close();
    clearTimeout(this.catchUpTimer);
    clearTimeout(this.scrollTimer);
    this.queue.close();
    this.handover.close();
    this.channel.close();
    this.thumbnails.close();
    this.keep.close();
  }
}
