import pytest, time
from tests.browser.test_labeler_journey import SETUP, ready, tile
def test_loop(lab):
    notebook = lab.notebook([SETUP, "labeler = Labeler(project)\nlabeler"])
    notebook.page.on("console", lambda m: print("CONSOLE", m.type, m.text[:200]) )
    notebook.run_all()
    view = notebook.output(1).locator(".pxw-labeler"); ready(view)
    notebook.execute("""
import time as _t
_log=[]
_old=labeler._conversation.hear
def _hear(c,b):
    import threading
    _log.append((_t.time(), threading.current_thread().name, c.get('kind'), c.get('id','')[-6:])); return _old(c,b)
labeler._conversation.hear=_hear
_os=labeler.send
def _send(c,buffers=None):
    _log.append((_t.time(),'SEND',c.get('kind'),str(c.get('id',''))[-6:])); return _os(c,buffers=buffers)
labeler.send=_send
""")
    for i in range(24):
        notebook.reload()
        notebook.page.evaluate("""() => { window.__errs = []; const k = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            k.anyMessage.connect((_, {msg, direction}) => { const h = msg.header; 
              if (/subshell/.test(h.msg_type) || msg.content?.status === 'error' || (direction === 'send' && h.msg_type.startsWith('comm'))) window.__errs.push([direction, h.msg_type, h.subshell_id ?? msg.parent_header?.subshell_id, msg.content?.evalue ?? msg.content?.subshell_id ?? msg.content?.data?.content?.kind ?? msg.content?.data?.method]); }); }""")
        view = notebook.output(1).locator(".pxw-labeler")
        try:
            view.locator(".pxw-tile img[src]").first.wait_for(timeout=15000)
            tile(view,(i%5)+1).click(); notebook.page.keyboard.press('12'[i%2]); notebook.page.keyboard.press('Control+z'); notebook.execute('print(labeler.selection)')
            for _ in range(i % 4): notebook.execute('print(labeler.selection)')
        except Exception as e:
            print("FAILED at", i)
            print("FRONT", notebook.page.evaluate("""() => { const k = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
               const comms = [...(k._comms?.values() ?? [])].map((c) => [c.commId.slice(0,8), c.targetName, c.subshellId ?? c._subshellId ?? null, Object.keys(c).join()]);
               return JSON.stringify({comms, keys: Object.keys(k).filter((x) => /ubshell/.test(x)), status: k.status, reasons: window.__errs}); }"""))
            print(notebook.execute("""
for l in _log[-14:]: print(l)
import threading; print('THREADS', [t.name for t in threading.enumerate()]); import time; print('NOW', time.time())
"""))
            raise SystemExit
        print("ok", i)
