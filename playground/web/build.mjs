// Writes ../static from src: one script, one stylesheet, one page. The same source gives the same bytes.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";

const out = new URL("../static/", import.meta.url).pathname;
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await build({
  entryPoints: { app: "src/main.jsx", style: "src/style.css" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "eof",
  charset: "utf8",
});
await copyFile("src/index.html", out + "index.html");
await copyFile("src/icon.svg", out + "icon.svg");

// What it was built from: a test holds the page to its source without Node.
const sources = ["build.mjs", "package-lock.json", ...(await readdir("src")).map((name) => `src/${name}`)];
const lines = await Promise.all(
  sources.sort().map(async (name) => `${createHash("sha256").update(await readFile(name)).digest("hex")}  ${name}\n`),
);
await writeFile(out + "built-from.sha256", lines.join(""));
