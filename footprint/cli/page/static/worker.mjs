// Python beside the page: loads the runtime and the package, then answers one question after another.

import { loadPyodide } from "./python/pyodide.mjs";

const START = `
import os
os.environ["FOOTPRINT_DATA"] = "/nobody"  # there is no folder of the user's own data here
os.makedirs("/home/pyodide/model", exist_ok=True)
os.chdir("/home/pyodide/model")
from footprint.cli.page.answers import answer
`;

let started = null;

const fetched = (name) => fetch(`python/${name}`).then((reply) => {
  if (!reply.ok) throw new Error(`${name}: ${reply.status}`);
  return reply.arrayBuffer();
});

async function start({ wheels, later }) {
  const files = wheels.map(fetched);
  const python = await loadPyodide({ indexURL: new URL("python/", self.location.href).href });
  postMessage({ status: ["Loading footprint", "wait"] });
  const extractDir = python.runPython("import sysconfig; sysconfig.get_path('purelib')");
  for (const file of files) python.unpackArchive(await file, "wheel", { extractDir });
  python.runPython(START);
  const answer = python.globals.get("answer");
  postMessage({ status: ["Computed in this page", "good"] });
  const here = new Set(); // what only some files need is fetched with the first of them
  return async (question) => {
    const { ask, format } = JSON.parse(question);
    const names = (ask === "export" && Object.hasOwn(later ?? {}, format) && later[format]) || [];
    for (const name of names.filter((one) => !here.has(one))) {
      python.unpackArchive(await fetched(name), "wheel", { extractDir });
      here.add(name);
    }
    return answer(question);
  };
}

self.onmessage = async ({ data }) => {
  try {
    if (data.settings) {
      started = start(data.settings);
      await started;
      return;
    }
    const answer = await started;
    postMessage({ id: data.id, answer: JSON.parse(await answer(data.question)) });
  } catch (error) {
    const last = String(error.message ?? error).trim().split("\n").pop();
    if (data.settings) postMessage({ broken: `Python could not be started here: ${last}` });
    else postMessage({ id: data.id, answer: { error: `Our own fault: ${last}` } });
  }
};
