// JupyterLab gives all widgets of a kernel one thread there, a subshell. Around a reload of the page it can delete that
// subshell while widgets still write to it: then no message arrives any more, though the kernel is well.

/** @typedef {import("../types.js").Model} Model */

/** Milliseconds that a new subshell may take; the next attempt looks again. */
const PATIENCE = 3000;
const PAUSE = 50;

/** Connections whose way is being changed. @type {WeakSet<object>} */
const changing = new WeakSet();

/**
 * Let this widget's messages go another way than before, where the host knows several: through a subshell of its own, in
 * which it is heard while a cell runs; when they do not arrive there either, to the kernel's main thread.
 * @param {Model} model
 * @param {number} [patience]
 * @returns {Promise<boolean>} whether there is another way now
 */
export async function changeWay(model, patience = PATIENCE) {
  try {
    const widget = await model.widget_manager?.get_model(model.get("_own_id"));
    const comm = widget?.comm?.jsServicesComm;
    const lost = comm?.subshellId;
    if (!lost || changing.has(comm)) return false;
    changing.add(comm);
    try {
      // Given up, a shared subshell's name may stay behind ("disabled" alone would leave it); one of its own is forgotten.
      const own = comm.commsOverSubshells !== "perComm";
      comm.commsOverSubshells = own ? "perComm" : "disabled";
      const stays = () => comm.subshellId === lost || (own && !comm.subshellId);
      for (let waited = 0; stays() && waited < patience; waited += PAUSE) await new Promise((done) => setTimeout(done, PAUSE));
      return !stays();
    } finally {
      changing.delete(comm);
    }
  } catch (error) {
    // Another host than JupyterLab: its messages have one way only.
    console.debug("piximi: there is no other way to the kernel", error);
    return false;
  }
}
