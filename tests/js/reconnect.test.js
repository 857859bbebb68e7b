// Another way to a kernel whose subshell is gone, against connections that behave as JupyterLab 4.6's do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { changeWay } from "../../piximi_widgets/widgets/labeler/js/kernel/reconnect.js";

/** What JupyterLab's `CommHandler` does when its mode is set. */
class Comm {
  /** @param {{ shared?: boolean, creates?: boolean }} [host]   whether the shared subshell is still counted; whether new ones come */
  constructor({ shared = true, creates = true } = {}) {
    this.shared = shared;
    this.creates = creates;
    /** @type {string | null} */
    this.subshellId = "lost";
    this.mode = "perCommTarget";
    /** @type {string[]} */
    this.deleted = [];
    this.made = 0;
  }

  get commsOverSubshells() {
    return this.mode;
  }

  set commsOverSubshells(mode) {
    if (mode === this.mode) return;
    if (this.mode === "perCommTarget" && this.shared) this.subshellId = null;
    if (this.mode === "perComm" && this.subshellId) {
      this.deleted.push(this.subshellId);
      this.subshellId = null;
    }
    this.mode = mode;
    if (mode === "perComm" && this.creates) setTimeout(() => (this.subshellId = `own ${++this.made}`), 20);
  }
}

const modelOf = (/** @type {any} */ comm) => /** @type {any} */ ({
  get: () => "an id",
  widget_manager: { get_model: async () => ({ comm: { jsServicesComm: comm } }) },
});

for (const shared of [true, false]) {
  test(`a lost subshell is left for one of its own, ${shared ? "still" : "no longer"} counted by the host`, async () => {
    const comm = new Comm({ shared });
    assert.equal(await changeWay(modelOf(comm)), true);
    assert.equal(comm.subshellId, "own 1");
  });
}

test("where that is lost, too, the main thread is asked, and the subshell is given back", async () => {
  const comm = new Comm({ shared: false });
  await changeWay(modelOf(comm));
  assert.equal(await changeWay(modelOf(comm)), true);
  assert.deepEqual([comm.subshellId, comm.mode, comm.deleted], [null, "disabled", ["own 1"]]);
});

test("a host that makes no subshell is not waited for beyond patience, and the main thread comes next", async () => {
  const comm = new Comm({ shared: false, creates: false });
  assert.equal(await changeWay(modelOf(comm), 120), false);
  assert.equal(await changeWay(modelOf(comm), 120), true);
  assert.deepEqual([comm.subshellId, comm.mode], [null, "disabled"]);
});

test("two that ask at once change the way once", async () => {
  const comm = new Comm();
  assert.deepEqual(await Promise.all([changeWay(modelOf(comm)), changeWay(modelOf(comm))]), [true, false]);
  assert.deepEqual([comm.subshellId, comm.deleted], ["own 1", []]);
});

test("hosts without subshells, or with another kind of connection, have no other way", async () => {
  assert.equal(await changeWay(modelOf({ subshellId: null })), false);
  assert.equal(await changeWay(modelOf(undefined)), false);
  assert.equal(await changeWay(/** @type {any} */ ({ get: () => "" })), false);
  assert.equal(await changeWay(/** @type {any} */ ({ get: () => "", widget_manager: { get_model: async () => Promise.reject(new Error("gone")) } })), false);
});
