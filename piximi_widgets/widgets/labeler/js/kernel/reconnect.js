// JupyterLab gives the widgets of a kernel a thread of their own there, a subshell. Around a reload of the page it can give
// them one that it has just deleted: then no message arrives any more, though the kernel is well. Without a subshell
// messages go to the kernel's main thread, and arrive.

/** @typedef {import("../types.js").Model} Model */

/**
 * Let this widget's messages go to the kernel's main thread, where the host knows such a thing.
 * @param {Model} model
 * @returns {Promise<boolean>} whether that was something new
 */
export async function leaveSubshell(model) {
  try {
    const widget = await model.widget_manager?.get_model(model.get("_own_id"));
    const comm = widget?.comm?.jsServicesComm;
    if (!comm?.subshellId) return false;
    comm.commsOverSubshells = "disabled";
    return true;
  } catch (error) {
    // Another host than JupyterLab: its messages have one way only.
    console.debug("piximi: there is no subshell to leave", error);
    return false;
  }
}
