"""A person trains in a real JupyterLab: curves that move, Stop, reloads and restarts, and the way back to a wrong label."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

pytestmark = [pytest.mark.browser, pytest.mark.training]

SETUP = """
import piximi_widgets as pw
project = pw.samples.digits("digits")
"""
LONG = """
config = pw.TrainingConfig(epochs=5000, batch_size=16)
experiment = project.fit(config, name="long", if_exists="reuse")
monitor = pw.TrainingMonitor(experiment)
monitor
"""
TRAINED_SECONDS = 90_000


def run(notebook: Any, code: str) -> Any:
    """Evaluate an expression in the kernel."""
    return ast.literal_eval(notebook.execute(f"print(repr({code}))").strip())


def wait_for(notebook: Any, condition: Callable[[], bool], what: str, seconds: float = 90) -> None:
    for _ in range(int(seconds * 5)):
        if condition():
            return
        notebook.page.wait_for_timeout(200)
    raise AssertionError(f"waited in vain for {what}")


def epochs_drawn(view: Locator) -> int:
    """How many points the training line of the accuracy plot has, read from its SVG path."""
    paths = view.locator(".pxw-u-plots path.line").evaluate_all(
        "paths => paths.map(path => path.getAttribute('d') ?? '')"
    )
    return max((path.count("L") + 1 for path in paths if path), default=0)


def quiet(notebook: Any) -> None:
    """Nothing went wrong on the page, and nothing left the machine."""
    assert notebook.console_errors == []
    assert notebook.requests_outside == []


def test_train_watch_find_the_error_and_mend_the_label(lab):
    """The whole loop in the Studio, by mouse and keyboard."""
    notebook = lab.notebook([SETUP, "studio = pw.Studio(project)\nstudio"], viewport=(1400, 1000), timeout=60)
    notebook.run_all(timeout=60)
    page = notebook.page
    studio = notebook.output(1).locator(".pxw-studio")
    studio.locator(".pxw-tile img[src]").first.wait_for()

    studio.get_by_role("tab", name="Train").click()
    epochs = studio.locator(".pxw-u-field-epochs input")
    epochs.fill("0")
    epochs.press("Tab")
    expect(studio.get_by_text("Epochs must be a whole number from 1")).to_be_visible()
    expect(studio.get_by_role("button", name="Fit")).to_be_disabled()
    epochs.fill("12")
    epochs.press("Tab")
    studio.get_by_role("button", name="Fit").click()
    monitor = studio.locator(".pxw-training-monitor")
    wait_for(notebook, lambda: epochs_drawn(monitor) >= 3, "curves that move")
    expect(monitor.get_by_text("All 12 epochs done")).to_be_visible(timeout=TRAINED_SECONDS)

    studio.get_by_role("tab", name="Evaluate").click()
    view = studio.locator(".pxw-evaluation-view")
    expect(view.get_by_text("images of the validation partition").first).to_be_visible()
    matrix = "studio.experiment.evaluate(dataset='current').confusion_matrix.tolist()"
    before = run(notebook, matrix)
    digit = max(range(10), key=lambda k: before[k][k])
    cells = view.locator(".heatmapcell")
    cells.nth(digit * 10 + digit).click()
    gallery = view.locator(".pxw-labeler")
    gallery.locator(".pxw-tile img[src]").first.wait_for()
    other = (digit + 1) % 10
    gallery.locator(".pxw-tile").first.click()
    page.keyboard.press(str((other + 1) % 10))
    expect(gallery.locator(".pxw-saving")).to_have_text("Saved", timeout=10_000)
    wait_for(
        notebook,
        lambda: run(notebook, matrix)[other][digit] == before[other][digit] + 1,
        "the number to move",
    )
    wait_for(
        notebook,
        lambda: (
            run(notebook, "studio.evaluation.evaluation.confusion_matrix.tolist()") == run(notebook, matrix)
        ),
        "the view to follow",
    )
    expect(studio.get_by_role("button", name="Train again")).to_be_visible()
    quiet(notebook)


def test_set_up_a_training_with_presets_and_folds(lab):
    """By mouse and keyboard: what a choice brings into play appears, and what it makes of other settings is seen."""
    notebook = lab.notebook(
        [SETUP, "form = pw.TrainingForm(project)\nform", "import time; time.sleep(8)"],
        viewport=(1400, 1300),
        timeout=90,
    )
    notebook.run_cell(0, timeout=90)
    notebook.run_cell(1, timeout=90)
    form = notebook.output(1).locator(".pxw-training-form")
    fold = form.get_by_role("button", name="Augmentation: More settings")
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(form.get_by_label("Quarter turns")).to_be_hidden()

    preset = form.locator(".pxw-u-field-augmentation select")
    preset.select_option("Microscopy")
    expect(form.get_by_text("turned by quarters")).to_be_visible()
    fold.focus()
    notebook.page.keyboard.press("Enter")
    expect(fold).to_have_attribute("aria-expanded", "true")
    turns = form.get_by_label("Quarter turns")
    expect(turns).to_be_checked()
    turns.uncheck()
    expect(preset.locator("option:checked")).to_have_text("Custom")
    wait_for(
        notebook,
        lambda: run(
            notebook, "form.config == pw.TrainingConfig(augmentation='microscopy', quarter_turns=False)"
        ),
        "the settings in the kernel",
    )

    weights = form.locator(".pxw-u-field-base_weights select")
    expect(weights).to_be_hidden()
    form.locator(".pxw-u-field-architecture select").select_option("MobileNet")
    weights.select_option("A file …")
    path = form.get_by_placeholder("/data/mobilenet.weights.h5")
    path.fill("/nowhere/mobilenet.h5")
    expect(form.get_by_text("There is no file '/nowhere/mobilenet.h5'")).to_be_visible()
    expect(form.get_by_role("button", name="Fit")).to_be_disabled()

    form.get_by_role("button", name="Piximi's settings").click()
    expect(form.locator(".pxw-u-field-learning_rate input")).to_have_value("0.01")
    expect(form.get_by_text("settings of Piximi 1.1.4")).to_be_visible()
    expect(fold).to_have_attribute("aria-expanded", "false")
    form.get_by_role("button", name="Reset to defaults").click()
    expect(form.locator(".pxw-u-field-learning_rate input")).to_have_value("0.003")
    wait_for(notebook, lambda: run(notebook, "form.config == pw.TrainingConfig()"), "the defaults")

    notebook.run_cell(2, wait=False)
    more = form.get_by_role("button", name="Optimization: More settings")
    more.click()
    # The kernel is busy for seconds: a fold does not wait for it.
    expect(more).to_have_attribute("aria-expanded", "true", timeout=1500)
    expect(form.get_by_label("Weight decay")).to_be_visible(timeout=1500)
    notebook.wait_idle()
    quiet(notebook)


def test_stop_from_the_form(lab):
    notebook = lab.notebook([SETUP, "form = pw.TrainingForm(project)\nform"], timeout=60)
    notebook.run_all(timeout=60)
    form = notebook.output(1).locator(".pxw-training-form")
    epochs = form.locator(".pxw-u-field-epochs input")
    epochs.fill("5000")
    epochs.press("Tab")
    form.get_by_role("button", name="Fit").click()
    wait_for(
        notebook,
        lambda: run(notebook, "form.experiment is not None and len(form.experiment.history) > 1"),
        "epochs",
    )
    form.get_by_role("button", name="Stop").click()
    wait_for(
        notebook, lambda: run(notebook, "str(form.experiment.status)") == "CANCELED", "the end", seconds=10
    )
    expect(form.get_by_role("button", name="Fit")).to_be_enabled()
    assert run(notebook, "'model-latest' in form.experiment.artifacts")
    quiet(notebook)


def test_a_running_cell_holds_up_neither_the_form_nor_stop(lab):
    notebook = lab.notebook(
        [SETUP, "form = pw.TrainingForm(project)\nform", "import time; time.sleep(40)"], timeout=60
    )
    notebook.run_cell(0)
    notebook.run_cell(1)
    form = notebook.output(1).locator(".pxw-training-form")
    epochs = form.locator(".pxw-u-field-epochs input")
    # Heard once each while the kernel is idle, after which it may hear the next elsewhere.
    epochs.fill("4000")
    epochs.press("Tab")
    expect(form.get_by_role("button", name="Fit")).to_be_enabled()
    notebook.run_cell(2, wait=False)
    notebook.page.wait_for_timeout(1000)
    epochs.fill("5000")
    epochs.press("Tab")
    form.get_by_role("button", name="Fit").click()
    stop = form.get_by_role("button", name="Stop")
    expect(stop).to_be_enabled(timeout=15_000)
    stop.click()
    expect(form.get_by_role("button", name="Fit")).to_be_enabled(timeout=15_000)
    expect(notebook.cell(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    notebook.wait_idle(timeout=60)
    assert run(notebook, "str(form.experiment.status)") == "CANCELED"
    assert run(notebook, "form.experiment.config.epochs") == 5000
    quiet(notebook)


def test_reload_and_restart_during_training_and_the_curves_are_complete(lab):
    notebook = lab.notebook([SETUP, LONG], timeout=60)
    notebook.run_all(timeout=60)
    view = notebook.output(1).locator(".pxw-training-monitor")
    wait_for(notebook, lambda: epochs_drawn(view) >= 3, "curves that move")

    notebook.reload()
    view = notebook.output(1).locator(".pxw-training-monitor")
    wait_for(notebook, lambda: epochs_drawn(view) >= 3, "the curves after the reload")
    drawn = epochs_drawn(view)
    wait_for(notebook, lambda: epochs_drawn(view) > drawn, "curves that move after the reload")

    notebook.restart_kernel()
    notebook.run_all(timeout=60)
    view = notebook.output(1).locator(".pxw-training-monitor")
    assert run(notebook, "str(experiment.status)") == "RUNNING"
    assert run(notebook, "[e.name for e in project.experiments]") == ["long"]
    wait_for(notebook, lambda: epochs_drawn(view) > drawn, "the curves in the new kernel")
    view.get_by_role("button", name="Stop").click()
    expect(view.get_by_text("Stopped after")).to_be_visible(timeout=10_000)
    steps = run(notebook, "experiment.metrics_array('train/loss')[0].tolist()")
    assert steps == list(range(1, len(steps) + 1))
    wait_for(
        notebook,
        lambda: run(notebook, "monitor.reading.curves['train/loss'].steps.tolist()[-1]") == steps[-1],
        "the last epoch in the view",
    )
    quiet(notebook)


DRAWN = {"Label": ".pxw-tile img[src]", "Train": ".pxw-u-plots .axis text", "Evaluate": ".heatmapcell"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_can_be_read_in_both_themes(lab, theme):
    """Text and its ground differ enough, measured as WCAG does (4.5:1)."""
    notebook = lab.notebook(
        [SETUP, "experiment = project.fit(pw.TrainingConfig(epochs=2), wait=True)\npw.Studio(project)"],
        viewport=(1400, 1000),
        timeout=60,
    )
    notebook.theme(theme)
    notebook.run_all(timeout=120)
    studio = notebook.output(1).locator(".pxw-studio")
    weak = []
    for tab in ("Label", "Train", "Evaluate"):
        studio.get_by_role("tab", name=tab).click()
        # What is drawn while its tab is turned away from has no size, and bqplot says so on the console.
        studio.locator(DRAWN[tab]).first.wait_for()
        notebook.page.wait_for_timeout(500)
        weak += [f"{tab}: {words}" for words in studio.evaluate(WEAK_CONTRAST)]
    assert weak == []
    quiet(notebook)


# Canvas and SVG text is left out where its ground cannot be told from the page's elements.
WEAK_CONTRAST = """root => {
  const parse = text => { const p = text.match(/[\\d.]+/g).map(Number); return { rgb: p.slice(0, 3), a: p[3] ?? 1 }; };
  const over = (top, under) => top.rgb.map((value, i) => value * top.a + under[i] * (1 - top.a));
  const luminance = rgb => { const [r, g, b] = rgb.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = element => { const layers = [];
    for (let e = element; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (c.startsWith("rgb")) layers.push(parse(c)); }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]); };
  const weak = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, words = walker.currentNode.textContent.trim();
    if (!words || element.closest("svg, style, option, :disabled, .pxw-excluded") || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const color = getComputedStyle(element).color;
    if (!color.startsWith("rgb")) continue;
    const under = ground(element), ink = over(parse(color), under);
    const [light, dark] = [luminance(ink), luminance(under)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) weak.push(`${words.slice(0, 40)} (${ratio.toFixed(1)})`);
  }
  return [...new Set(weak)].slice(0, 20);
}"""
