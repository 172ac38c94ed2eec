// Puts the page together: inputs change, the newest question is asked, the answer is drawn.

import { inForm, showAnswer, showTrouble } from "./answer.mjs";
import { askBeside, buildPlan } from "./beside.mjs";
import { $, el } from "./dom.mjs";
import { Engine } from "./engine.mjs";
import { buildForm } from "./form.mjs";
import { showPublished } from "./published.mjs";
import { State } from "./state.mjs";
import { showTake } from "./take.mjs";

const json = async (name) => (await fetch(`data/${name}.json`)).json();

const status = (text, mood) => { $("status").textContent = text; $("status").dataset.mood = mood; };

function themes() {
  const button = $("theme");
  const dark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const set = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    button.textContent = dark() ? "Light" : "Dark";
    button.setAttribute("aria-label", dark() ? "Use light colours" : "Use dark colours");
  };
  let kept = null;
  try { kept = localStorage.getItem("theme"); } catch { /* storage is not allowed here */ }
  set(kept === "dark" || kept === "light" ? kept : null);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => set(null));
  button.addEventListener("click", () => {
    const theme = dark() ? "light" : "dark";
    set(theme);
    try { localStorage.setItem("theme", theme); } catch { /* the choice holds until the page closes */ }
  });
}

async function start() {
  themes();
  const [settings, catalogue, first] = await Promise.all(["settings", "catalogue", "first"].map(json));
  const state = new State(catalogue.fields.map((one) => one.name), first.fields);
  const problem = $(location.hash.slice(1)) ? "" : state.restore(location.hash); // a place on the page is no scenario
  const opened = JSON.stringify(state.fields) === JSON.stringify(first.fields);
  if (opened) { showAnswer(first.answer, catalogue, state); showPublished(first.answer, catalogue); }
  if (settings.docs) { $("docs").href = settings.docs; $("docs").hidden = false; }
  performance.mark("first-answer");
  let said = 0;
  const say = (message) => { said += 1; showTrouble({ error: message }, state); };
  buildForm($("form"), catalogue, state, say);
  if (problem) say(problem);
  $("version").textContent = `footprint ${catalogue.version}`;
  const engine = new Engine(settings, status, (text) => inForm(text, catalogue));
  buildPlan(engine, state);
  const ask = async () => {
    const before = said;
    delete document.body.dataset.answered;
    const reply = await engine.put("estimate", state.question("estimate"));
    if (reply === null) return;
    if (reply.error) { showTrouble(reply, state); return; }
    if (said === before) showTrouble(null, state); // a message about a file came later than the question
    showAnswer(reply.answer, catalogue, state);
    showPublished(reply.answer, catalogue);
    showTake(reply.answer, catalogue, engine, state);
    askBeside(engine, state);
    document.body.dataset.answered = reply.answer.command;
  };
  state.onChange(() => { history.replaceState(null, "", state.link()); ask(); });
  addEventListener("hashchange", () => { if ($(location.hash.slice(1))) return; const wrong = state.restore(location.hash); state.changed(null); if (wrong) say(wrong); });
  if (!problem || !opened) await ask();
  performance.mark("computed");
  window.footprint = { state, engine };
  if (settings.engine !== "local" && "serviceWorker" in navigator) navigator.serviceWorker.register("sw.js").catch(() => {});
  document.body.dataset.ready = "yes";
}

start().catch((error) => {
  status("Stopped", "bad");
  $("trouble").replaceChildren(el("p", { class: "trouble" }, `The page could not start: ${error.message}`));
});
