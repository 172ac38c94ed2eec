// The inputs. Model, hardware and place have lists to search; every other field stands under its section.

import { CONFIG, split } from "./state.mjs";
import { $, draw, el } from "./dom.mjs";

const MOST_CONFIG_BYTES = 1_000_000;
const UP_FRONT = { region: "FRA, US-VA, aws:us-east-1, ...", tokens: "300B", hours: "79h" };
const SECTIONS = {
  "workload": "Workload", "known already": "What you know already", "place": "Place", "price": "Price",
  "method": "Method", "execution": "Execution and layout", "cluster": "Cluster", "repeats": "Repeats",
  "no model at hand": "No model at hand",
};

export function buildForm(form, catalogue, state, say) {
  const fields = Object.fromEntries(catalogue.fields.map((one) => [one.name, one]));
  const control = (name, id = `field-${name}`) => inputOf(fields[name], id, state);
  draw(form,
    el("datalist", { id: "models" }, catalogue.models.map((one) => el("option", { value: one.id }, one.name))),
    el("datalist", { id: "hardware" }, catalogue.hardware.map((one) => el("option", { value: shortest(one) }, one.name))),
    el("datalist", { id: "places" }, catalogue.places.map((one) => el("option", { value: one.id }, `${one.name}, ${Math.round(one.g_per_kwh)} g/kWh`))),
    el("div", { class: "field" },
      el("label", { for: "model" }, "Model"),
      el("input", { id: "model", list: "models", placeholder: "bert-base, llama2-7b, ...", spellcheck: "false", oninput: (event) => state.set({ model: event.target.value.trim() }, event.target) }),
      dropZone(state, say)),
    el("div", { class: "two" },
      el("div", { class: "field" },
        el("label", { for: "chip" }, "Accelerator"),
        el("input", { id: "chip", list: "hardware", placeholder: "h100", spellcheck: "false", oninput: (event) => state.set({ hw: joined() }, event.target) })),
      el("div", { class: "field count" },
        el("label", { for: "count" }, "How many"),
        el("input", { id: "count", inputmode: "numeric", oninput: (event) => state.set({ hw: joined() }, event.target) }))),
    labelled(fields.region, control("region"), "Place"),
    labelled(fields.tokens, control("tokens"), "Training tokens"),
    labelled(fields.hours, control("hours"), "Hours, if you know them"),
    el("details", { class: "more-inputs", open: matchMedia("(min-width: 46rem)").matches }, el("summary", {}, "Everything else that may be known"), Object.entries(SECTIONS).map(([key, title]) => el("details", { class: "more" },
      el("summary", {}, title, el("span", { class: "set", "data-section": key })),
      catalogue.fields.filter((one) => one.section === key && !(one.name in UP_FRONT))
        .map((one) => labelled(one, control(one.name), words(one.name)))))),
    el("button", { type: "button", class: "quiet wide", onclick: () => { state.fields = { model: state.fields.model, hw: state.fields.hw }; state.changed(null); } }, "Clear all but model and hardware"));
  form.addEventListener("submit", (event) => event.preventDefault());
  state.onChange((source) => fill(catalogue, state, source));
  fill(catalogue, state, null);
}

const joined = () => {
  const [chip, count] = [$("chip").value.trim(), $("count").value.trim()];
  return chip ? `${chip}:${count || "1"}` : "";
};

export const shortest = (one) => [one.id, ...one.also].reduce((best, name) => (name.length < best.length ? name : best));

export const words = (name) => {
  const text = name.replace(/_usd_per_/, " USD per ").replace(/_g_per_kwh$/, " (g/kWh)").replace(/_w$/, " (W)")
    .replace(/_s$/, " (s)").replaceAll("_", " ");
  const special = { tp: "Tensor parallel", pp: "Pipeline parallel", dp: "Data parallel", cp: "Context parallel", ep: "Expert parallel", zero: "ZeRO stage", mfu: "MFU", pue: "PUE", "seq len": "Sequence length", "tgt seq len": "Target sequence length", "lora rank": "LoRA rank", "lora targets": "LoRA targets" };
  return special[text] ?? text[0].toUpperCase() + text.slice(1);
};

function labelled(field, input, title) {
  const help = `${input.id}-help`;
  input.setAttribute("aria-describedby", help);
  if (field.kind === "flag") {
    return el("div", { class: "field flag" }, input, el("label", { for: input.id }, title), el("p", { id: help, class: "help" }, field.help));
  }
  return el("div", { class: "field" }, el("label", { for: input.id }, title), input, el("p", { id: help, class: "help" }, field.help));
}

// A control of one field; the form and the list of assumptions both have one, and both follow the state.
export function inputOf(field, id, state) {
  const name = field.name;
  const common = { id, "data-field": name };
  const change = (event) => state.set({ [name]: event.target.value.trim() }, event.target);
  if (field.kind === "flag") {
    return el("input", { ...common, type: "checkbox", onchange: (event) => state.set({ [name]: event.target.checked ? "yes" : "" }, event.target) });
  }
  if (field.choices.length) {
    return el("select", { ...common, onchange: change }, el("option", { value: "" }, "as found"), field.choices.map((one) => el("option", { value: one }, one)));
  }
  return el("input", { ...common, list: name === "region" ? "places" : null, placeholder: UP_FRONT[name], spellcheck: "false", oninput: change });
}

function dropZone(state, say) {
  const picker = el("input", { id: "file", type: "file", accept: ".json,application/json", class: "unseen", onchange: (event) => read(event.target.files[0]) });
  const text = el("textarea", { id: "config", rows: "6", spellcheck: "false", "aria-label": "Content of a config.json", placeholder: '{"model_type": "llama", "hidden_size": 4096, ...}', oninput: (event) => take(event.target.value) });
  const zone = el("details", { id: "drop", class: "drop" },
    el("summary", {}, "or your own config.json"),
    el("p", {}, "Drop the file here, ", el("label", { for: "file", class: "link" }, "choose it"), ", or paste its text."), picker, text);
  const take = (config) => {
    if (!config.trim()) return;
    if (config.length > MOST_CONFIG_BYTES) { say(`A config.json of ${Math.round(config.length / 1e6)} MB is not read: it has some kilobytes.`); return; }
    let found = null;
    try { found = JSON.parse(config); } catch (error) { say(`This is no JSON: ${error.message}`); return; }
    if (found === null || typeof found !== "object" || Array.isArray(found)) { say("A config.json is a JSON object with a model_type."); return; }
    state.paste(config);
  };
  const read = async (file) => {
    if (!file) return;
    if (file.size > MOST_CONFIG_BYTES) { say(`${file.name} has ${Math.round(file.size / 1e6).toLocaleString("en")} MB and is not read: a config.json has some kilobytes.`); return; }
    const content = await file.text();
    if (!content.trim()) { say(`${file.name} is empty.`); return; }
    text.value = content;
    take(content);
  };
  const over = (event) => { event.preventDefault(); zone.classList.toggle("over", event.type === "dragover"); };
  for (const kind of ["dragover", "dragleave", "drop"]) document.addEventListener(kind, over);
  document.addEventListener("drop", (event) => { zone.open = true; read(event.dataTransfer?.files[0]); });
  return zone;
}

function fill(catalogue, state, source) {
  const put = (node, text) => { if (node && node !== source && node.value !== text) node.value = text; };
  put($("model"), state.fields.model ?? "");
  const [chip, count] = split(state.fields.hw ?? "");
  if (source?.id !== "chip" && source?.id !== "count") { put($("chip"), chip); put($("count"), state.fields.hw ? count : ""); }
  for (const node of document.querySelectorAll("[data-field]")) {
    const text = state.fields[node.dataset.field] ?? "";
    if (node.type === "checkbox") node.checked = Boolean(text);
    else put(node, text);
  }
  if (state.config !== null) { put($("config"), state.config); $("drop").open = true; }
  else if (state.fields.model !== CONFIG && source?.id !== "config") put($("config"), "");
  for (const mark of document.querySelectorAll("[data-section]")) {
    const names = catalogue.fields.filter((one) => one.section === mark.dataset.section && state.fields[one.name]);
    mark.textContent = names.length ? `${names.length} set` : "";
  }
}
