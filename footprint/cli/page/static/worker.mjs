// Python beside the page: loads the runtime and the package, then answers one question after another.

import { loadPyodide } from "./python/pyodide.mjs";

const START = `
import importlib, io, lzma, os, sysconfig, zipfile
with lzma.open("/tmp/packages.zip.xz") as packed:
    zipfile.ZipFile(io.BytesIO(packed.read())).extractall(sysconfig.get_path("purelib"))
os.remove("/tmp/packages.zip.xz")
importlib.invalidate_caches()
os.environ["FOOTPRINT_DATA"] = "/nobody"  # there is no folder of the user's own data here
os.makedirs("/home/pyodide/model", exist_ok=True)
os.chdir("/home/pyodide/model")
from footprint.cli.page.answers import answer
`;

let started = null;

async function packages() {
  const reply = await fetch("python/packages.zip.xz");
  if (!reply.ok) throw new Error(`packages.zip.xz: ${reply.status}`);
  return new Uint8Array(await reply.arrayBuffer());
}

async function start() {
  const fetched = packages();
  const python = await loadPyodide({ indexURL: new URL("python/", self.location.href).href });
  postMessage({ status: ["Loading footprint", "wait"] });
  python.FS.writeFile("/tmp/packages.zip.xz", await fetched);
  python.runPython(START);
  postMessage({ status: ["Computed in this page", "good"] });
  return python.globals.get("answer");
}

self.onmessage = async ({ data }) => {
  try {
    if (data.start) {
      started = start();
      await started;
      return;
    }
    const answer = await started;
    postMessage({ id: data.id, answer: JSON.parse(answer(data.question)) });
  } catch (error) {
    const last = String(error.message ?? error).trim().split("\n").pop();
    if (data.start) postMessage({ broken: `Python could not be started here: ${last}` });
    else postMessage({ id: data.id, answer: { error: `Our own fault: ${last}` } });
  }
};
