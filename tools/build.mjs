// Bundles each widget's `js/index.js` and style sheet into its committed `static` folder.
//
// `node tools/build.mjs` writes the files; `node tools/build.mjs --out FOLDER` writes them elsewhere, with which a test
// proves that what is committed equals a rebuild.
import { readdir } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const widgets = join(root, "piximi_widgets", "widgets");
const flag = process.argv.indexOf("--out");
const elsewhere = flag > 0 ? resolve(process.argv[flag + 1] ?? ".") : null;

for (const entry of await readdir(widgets, { withFileTypes: true })) {
  const folder = join(widgets, entry.name);
  if (!entry.isDirectory() || !existsSync(join(folder, "js", "index.js"))) continue;
  const target = elsewhere ? join(elsewhere, entry.name) : join(folder, "static");
  const shared = { bundle: true, minify: true, charset: "utf8", legalComments: "none", logLevel: "warning", absWorkingDir: root };
  await build({
    ...shared,
    entryPoints: [join(folder, "js", "index.js")],
    outfile: join(target, `${entry.name}.js`),
    format: "esm",
    target: "es2022",
  });
  const style = join(folder, `${entry.name}.css`);
  if (existsSync(style)) {
    await build({ ...shared, entryPoints: [style], outfile: join(target, `${entry.name}.css`), target: ["chrome110", "firefox110", "safari16"] });
  }
}
