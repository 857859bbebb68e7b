// The labeler's entry: the model owns the session, each view draws it.
import { Session } from "./kernel/session.js";
import { mount } from "./view.js";

export default () => {
  /** @type {Session | null} */
  let session = null;
  return {
    /** @param {{ model: import("./types.js").Model }} context */
    initialize({ model }) {
      session = new Session(model);
      const opened = session;
      return () => opened.close();
    },
    /** @param {{ model: import("./types.js").Model, el: HTMLElement }} context */
    render({ model, el }) {
      session ??= new Session(model);
      return mount(session, el);
    },
  };
};
