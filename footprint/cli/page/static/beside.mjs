// Hardware and places side by side, and what a budget buys: asked after the headline is drawn.

import { printed, spoken } from "./answer.mjs";
import { $, draw, el, table } from "./dom.mjs";
import { bars } from "./pictures.mjs";
import { split } from "./state.mjs";

const KEYS = [["duration_h", "Time"], ["energy_kwh", "Energy"], ["co2e_kg", "CO2e"], ["cost_usd", "Cost"]];
const OTHERS = { hw: ["v100", "a100", "h100", "h200", "b200", "mi300x"], region: ["FRA", "SWE", "US-VA", "DEU", "POL", "IND"] };
const TITLES = { hw: "Hardware side by side", region: "Places side by side" };
const HELP = {
  hw: "As many accelerators of other kinds. Ratios are to yours; errors that both share cancel in them.",
  region: "The same job elsewhere: other electricity, other prices.",
};
const lists = { hw: null, region: null };
let budget = "";

export function values(axis, state) {
  const own = axis === "hw" ? state.fields.hw : state.fields.region ?? "WLD";
  const count = split(state.fields.hw ?? "")[1];
  const others = (lists[axis] ?? OTHERS[axis]).map((name) => (axis === "hw" && !name.includes(":") ? `${name}:${count}` : name));
  return [own, ...others.filter((name) => name !== own)].slice(0, 12);
}

export async function askBeside(engine, state) {
  const node = $("compare");
  if (!node.firstChild) {
    draw(node, ["hw", "region"].map((axis) => el("div", { id: `beside-${axis}` })));
  }
  for (const [axis, kind] of [["hw", "hardware"], ["region", "places"]]) {
    engine.put(kind, state.question("beside", { axis, values: values(axis, state) })).then((reply) => {
      if (reply !== null) show(axis, reply, engine, state);
    });
  }
}

function show(axis, reply, engine, state) {
  const input = el("input", {
    id: `list-${axis}`, value: (lists[axis] ?? OTHERS[axis]).join(", "), spellcheck: "false",
    onchange: (event) => {
      const names = event.target.value.split(",").map((name) => name.trim()).filter(Boolean);
      lists[axis] = names.length ? names : null;
      askBeside(engine, state);
    },
  });
  const rows = reply.answer?.rows ?? [];
  const drawn = KEYS.map(([key]) => bars(rows, key));
  const cell = (row, key, index) => (row[key]?.text
    ? [el("span", { class: row.best.includes(key) ? "best" : "" }, row[key].text, row.best.includes(key) ? " \u2713" : ""),
      el("span", { class: "sub" }, printed(row[key].interval)),
      row !== known[0] && row.ratio[key] ? el("span", { class: "sub" }, printed(row.ratio[key].text), row.ratio[key].verdict === "not_clear" ? ", not clear" : "") : "",
      drawn[index]?.(row) ?? ""]
    : [el("span", { class: "sub" }, key === "duration_h" ? row.reason || "unknown" : "")]);
  const known = rows.map((row) => (row.feasible ? row : { ...row, duration_h: null, energy_kwh: null, co2e_kg: null, cost_usd: null }));
  draw($(`beside-${axis}`),
    el("h2", {}, TITLES[axis]),
    el("p", { class: "help" }, HELP[axis], " \u2713 marks what is clearly least."),
    reply.error ? el("p", { class: "trouble" }, reply.error) : table(TITLES[axis], ["", ...KEYS.map(([, title]) => spoken(title))],
      known.map((row, at) => [[row.name, at ? "" : el("span", { class: "base" }, " yours")], ...KEYS.map(([key], index) => cell(row, key, index))]), "sides"),
    el("div", { class: "field" }, el("label", { for: input.id }, "Compared with"), input));
}

export function buildPlan(engine, state) {
  const result = el("div", { id: "planned", "aria-live": "polite" });
  const ask = async () => {
    if (!budget) { result.replaceChildren(); return; }
    const reply = await engine.put("plan", state.question("plan", { budget }));
    if (reply === null) return;
    draw(result, reply.error ? el("p", { class: "trouble" }, reply.error) : [
      el("p", { class: "bought" }, el("strong", {}, reply.answer.title)),
      reply.answer.tables.map(([title, [head, ...rows]], index) => (index ? el("details", {}, el("summary", {}, title), table(title, head, rows)) : table("The plan", head, rows.map((row) => row.map(spoken).map(printed))))),
    ]);
  };
  draw($("plan"), el("h2", {}, "What a budget buys"),
    el("div", { class: "row" }, el("div", { class: "field" },
      el("label", { for: "budget" }, "Budget"),
      el("input", { id: "budget", placeholder: "$10k, 500kgCO2e, 2MWh, 7d or 1e22FLOP", spellcheck: "false", "aria-describedby": "budget-help", oninput: (event) => { budget = event.target.value.trim(); ask(); } }),
      el("p", { class: "help", id: "budget-help" }, "The size of model, and its tokens, that scaling laws choose for it on the hardware and at the place of the form."))),
    result);
  state.onChange(() => { if (budget) ask(); });
}
