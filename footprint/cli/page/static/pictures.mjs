// Pictures of the numbers that the answer holds. Their texts come with the numbers; nothing is computed
// here but places on the page.

import { el, svg } from "./dom.mjs";

const scale = (low, high) => {
  const [from, to] = [Math.log(low), Math.log(high)];
  const width = Math.max(to - from, 1e-9);
  return (value) => ((Math.log(value) - from) / width) * 100;
};

// The interval of one quantity, on a logarithmic scale around its median.
export function range(one) {
  if (!(one.low > 0)) return ""; // nothing has no place on a logarithmic scale
  const place = scale(Math.min(one.low, one.mid / 8), Math.max(one.high, one.mid * 8));
  const [low, mid, high] = [place(one.low), place(one.mid), place(one.high)];
  return svg("svg", { class: "range", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "track", x: 0, y: 3, width: 100, height: 2, rx: 1 }),
    svg("rect", { class: "bar", x: low, y: 2, width: Math.max(high - low, 0.6), height: 4, rx: 2 }),
    svg("rect", { class: "median", x: mid - 0.5, y: 0, width: 1, height: 8 }));
}

// How far each cause alone moves a quantity.
export function tornado(one, causes) {
  if (!causes?.length) return el("p", { class: "help" }, one.mid > 0 ? "Nothing: every factor was given." : "Nothing: it is zero.");
  const all = [one, ...causes];
  const place = scale(Math.min(...all.map((row) => row.low)), Math.max(...all.map((row) => row.high)));
  const mid = place(one.mid);
  const line = (name, row, low, high, whole) => el("li", { class: whole ? "whole" : "" },
    el("span", { class: "name" }, name),
    svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { class: "bar", x: place(row.low), y: 1.5, width: Math.max(place(row.high) - place(row.low), 0.5), height: 7 }),
      svg("rect", { class: "median", x: mid - 0.25, y: 0, width: 0.5, height: 10 })),
    el("span", { class: "ends" }, `${low} to ${high}`));
  return el("ul", { class: "tornado" },
    line("all together", one, ...one.interval.split(" - "), true),
    causes.slice(0, 7).map((row) => line(row.name, row, row.low_text, row.high_text, false)));
}

const KINDS = 12; // as many colours as the style has

// Parts of a whole: a bar, and the list that names its parts.
export function parts(title, all) {
  const sum = all.reduce((so, row) => so + row.value, 0);
  const tiny = all.filter((row) => !row.text && row.value < sum / 200); // 0 % each: one part together
  const rows = tiny.length < 2 ? all : [...all.filter((row) => !tiny.includes(row)),
    { name: tiny.map((row) => row.name).join(", "), value: tiny.reduce((so, row) => so + row.value, 0) }];
  let at = 0;
  const bars = rows.map((row, index) => {
    const width = (row.value / sum) * 100;
    const bar = svg("rect", { class: `part part-${index % KINDS}`, x: at, y: 0, width: Math.max(width - 0.3, 0.1), height: 10 });
    at += width;
    return bar;
  });
  return el("div", { class: "parts" }, el("h3", {}, title),
    svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, bars),
    el("ul", {}, rows.map((row, index) => el("li", {},
      svg("svg", { class: "key", viewBox: "0 0 10 10", "aria-hidden": "true" }, svg("rect", { class: `part part-${index % KINDS}`, width: 10, height: 10, rx: 2 })),
      `${row.name} `, el("span", { class: "number" }, row.text ?? `${Math.round((100 * row.value) / sum)} %`)))));
}

// Rows side by side: interval bars on one axis.
export function bars(rows, key) {
  const known = rows.filter((row) => row[key]?.low > 0);
  if (!known.length) return null;
  const place = scale(Math.min(...known.map((row) => row[key].low)) / 1.15, Math.max(...known.map((row) => row[key].high)) * 1.15);
  return (row) => (known.includes(row)
    ? svg("svg", { class: "beside", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { class: "bar", x: place(row[key].low), y: 3, width: Math.max(place(row[key].high) - place(row[key].low), 0.6), height: 4, rx: 2 }),
      svg("rect", { class: "median", x: place(row[key].mid) - 0.6, y: 0, width: 1.2, height: 10 }))
    : "");
}
