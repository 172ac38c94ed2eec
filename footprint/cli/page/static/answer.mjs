// The answer on the page: headline, what moves it, where it goes, what was assumed, how it comes about.

import { $, draw, el, table } from "./dom.mjs";
import { inputOf, words } from "./form.mjs";
import { parts, range, tornado } from "./pictures.mjs";

const SHORT = { duration_h: "Time", energy_kwh: "Energy", co2e_kg: "CO\u2082e", cost_usd: "Cost" };
let chosen = "energy_kwh";

export const spoken = (text) => text.replace("CO2e", "CO\u2082e");

// An interval or a ratio as it is set in print.
export const printed = (text) => text.replace(/(\d[kM]?) - (?=\$?\d)/, "$1 \u2013 ").replace(/^x (?=\d)/, "\u00d7 ");

// A message of the command in the words of the form: its options are the names of controls here.
export function inForm(text, catalogue) {
  const names = Object.fromEntries(catalogue.fields.map((one) => [one.flag, words(one.name)]));
  names["--region"] = "Place"; names["--hw"] = "Accelerator"; names["--model"] = "Model";
  return text.replace(/--[a-z][a-z-]*/g, (flag) => (names[flag] ? `\u201c${names[flag]}\u201d` : `${flag} (in a terminal)`));
}

export function showAnswer(answer, catalogue, state) {
  showShort(answer);
  showHeadline(answer, catalogue);
  showMoves(answer);
  showGoes(answer);
  showAssumed(answer, catalogue, state);
  draw($("behind"), el("details", {}, el("summary", {}, el("h2", {}, "How it comes about")),
    table("The links of the chain", ["", "median", "90 % interval", ""], answer.behind.map((row) => row.map(spoken).map(printed)), "links")));
}

// The same four numbers in one line, which stays in sight on a phone, where the answer lies below the form.
function showShort(answer) {
  $("short").hidden = false;
  draw($("short"), el("a", { href: "#answer", class: answer.misfit ? "bad" : null },
    el("ul", {}, answer.headline.map((one) => el("li", {},
      el("span", { class: "title" }, SHORT[one.key] ?? spoken(one.title), " "),
      el("strong", { id: `short-${one.key}` }, one.text ?? "unknown"),
      one.text ? el("span", { class: "interval" }, " ", printed(one.interval)) : null))),
    answer.misfit ? el("span", { class: "misfit" }, "The step does not fit into memory") : null));
}

function showHeadline(answer, catalogue) {
  draw($("headline"),
    el("h2", { id: "headline-title" }, answer.title),
    el("p", { class: "trained" }, answer.trained),
    el("ul", { class: "cards" }, answer.headline.map((one) => el("li", { class: `card ${one.key}` },
      el("span", { class: "title" }, spoken(one.title)),
      el("strong", { id: `mid-${one.key}` }, one.text ?? "unknown"),
      one.text ? el("span", { class: "interval" }, printed(one.interval)) : el("span", { class: "interval" }, "no price is known: give one"),
      one.text ? range(one) : ""))),
    answer.warnings.length ? el("ul", { class: answer.misfit ? "warnings bad" : "warnings" }, answer.warnings.map((text) => el("li", {}, inForm(text, catalogue)))) : null);
}

function showMoves(answer) {
  const known = answer.headline.filter((one) => one.text);
  const one = known.find((row) => row.key === chosen) ?? known[0];
  const choice = (row) => el("button", {
    type: "button", id: `move-${row.key}`, "aria-pressed": String(row === one),
    onclick: () => { chosen = row.key; showMoves(answer); },
  }, spoken(row.title));
  draw($("moves"),
    el("h2", {}, "What moves the number"),
    el("div", { class: "choices", role: "group", "aria-label": "Which number" }, known.map(choice)),
    tornado(one, answer.causes[one.key]),
    el("p", { class: "help" }, "Each cause alone, over its own 90 %. Say what you know of the first, and the interval narrows most."));
}

function showGoes(answer) {
  draw($("goes"),
    el("h2", {}, "Where it goes"),
    answer.energy.length ? parts("Energy", answer.energy) : null,
    answer.step.length ? parts("Time of a step", answer.step.map(([name, value]) => ({ name, value }))) : null);
}

function showAssumed(answer, catalogue, state) {
  const fields = Object.fromEntries(catalogue.fields.map((one) => [one.name, one]));
  const open = $("assumed").querySelector("details")?.open ?? true;
  const seen = new Set();
  const row = (one, index) => {
    const field = fields[one.field];
    const first = field && !seen.has(one.field);
    seen.add(one.field);
    const id = first ? `assumed-${one.field}` : `assumed-${index}`;
    const input = first ? inputOf(field, id, state) : null;
    if (input) { input.setAttribute("placeholder", "replace"); input.setAttribute("aria-label", `Replace: ${one.name}`); }
    return el("li", {},
      el("span", { class: "what" }, one.name, el("small", {}, `${one.basis}${one.source ? ` \u00b7 ${one.source}` : ""}`)),
      el("span", { class: "value" }, one.value),
      input ?? el("span", { class: "help" }, one.option ? inForm(one.option, catalogue) : ""));
  };
  const rows = answer.assumptions.map(row);
  for (const input of rows.map((one) => one.querySelector("[data-field]")).filter(Boolean)) {
    const text = state.fields[input.dataset.field] ?? "";
    if (input.type === "checkbox") input.checked = Boolean(text);
    else input.value = text;
  }
  draw($("assumed"), el("details", { open },
    el("summary", {}, el("h2", {}, "What was assumed"), el("span", { class: "help" }, `${rows.length}, each with what replaces it`)),
    el("ul", { class: "assumptions" }, rows)));
}

export function showTrouble(reply, state) {
  const text = reply?.nearest?.length ? reply.error.replace(/; did you mean [^?]*\?/, "") : reply?.error; // they are buttons here
  $("trouble").replaceChildren(...(reply ? [el("div", { class: "trouble" }, el("p", {}, text),
    reply.nearest?.length ? el("p", {}, "Did you mean ", reply.nearest.map((name) => el("button", {
      type: "button", class: "name", onclick: () => { state.set(nearer(reply.kind, name, state)); $(TYPED[reply.kind])?.focus(); },
    }, name))) : "")] : []));
  document.body.classList.toggle("stale", Boolean(reply));
}

const TYPED = { model: "model", place: "field-region", accelerator: "chip" };

function nearer(kind, name, state) {
  if (kind === "model") return { model: name };
  if (kind === "place") return { region: name };
  if (kind === "accelerator") return { hw: `${name}:${(state.fields.hw ?? "").split(":").pop() || 1}` };
  return {};
}
