// The estimate among published trainings and rules of thumb, on one pair of axes.

import { spoken } from "./answer.mjs";
import { $, draw, el, svg, table } from "./dom.mjs";

const HEIGHT = 304, LEFT = 58, BOTTOM = 40;
const phone = matchMedia("(max-width: 46rem)"); // where the picture is drawn narrow, so that its letters keep their size
const NEAR = 1000; // times more or less work than the estimate's: what lies further away is not drawn

// Powers of ten between two numbers, at most about seven of them.
function decades(low, high) {
  const [from, to] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
  const step = Math.max(1, Math.ceil((to - from) / 7));
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

function axis(values, from, to) {
  const [low, high] = [Math.min(...values) / 3, Math.max(...values) * 3];
  const place = (value) => from + ((Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low))) * (to - from);
  return { low, high, place, ticks: decades(low, high) };
}

function picture(own, every, chip) {
  const WIDTH = phone.matches ? 340 : 640;
  const runs = every.filter((run) => run.flop < own.flop * NEAR && run.flop > own.flop / NEAR);
  const x = axis([own.flop, ...runs.map((run) => run.flop)], LEFT, WIDTH - 12);
  const y = axis([own.predicted.low, own.predicted.high, ...own.rules.map((one) => one.accelerator_h), ...runs.map((run) => run.accelerator_h)], HEIGHT - BOTTOM, 12);
  const at = x.place(own.flop);
  const name = (exponent) => svg("tspan", {}, "10", svg("tspan", { class: "raised", dy: -4 }, String(exponent)));
  const line = (rule) => {
    const hours = (flop) => (rule.accelerator_h * flop) / own.flop;
    return svg("line", { class: "rule", x1: x.place(x.low), y1: y.place(hours(x.low)), x2: x.place(x.high), y2: y.place(hours(x.high)) });
  };
  return svg("svg", { class: "plane", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Accelerator-hours over training FLOPs: this estimate, published trainings, and 6ND at constant MFU. The table below has the numbers." },
    svg("clipPath", { id: "plane-clip" }, svg("rect", { x: LEFT, y: 12, width: WIDTH - LEFT - 12, height: HEIGHT - BOTTOM - 12 })),
    x.ticks.map((tick) => [svg("line", { class: "grid", x1: x.place(10 ** tick), y1: 12, x2: x.place(10 ** tick), y2: HEIGHT - BOTTOM }),
      svg("text", { x: x.place(10 ** tick), y: HEIGHT - 23, "text-anchor": "middle" }, name(tick))]),
    y.ticks.map((tick) => [svg("line", { class: "grid", x1: LEFT, y1: y.place(10 ** tick), x2: WIDTH - 12, y2: y.place(10 ** tick) }),
      svg("text", { x: LEFT - 8, y: y.place(10 ** tick) + 4, "text-anchor": "end" }, name(tick))]),
    svg("text", { x: WIDTH - 12, y: HEIGHT - 5, "text-anchor": "end" }, "training FLOPs (6ND)"),
    svg("text", { x: 2, y: 9 }, "accelerator-hours"),
    svg("g", { "clip-path": "url(#plane-clip)" }, own.rules.map(line),
      runs.map((run) => svg("circle", { class: run.hw === chip ? "run same" : "run", cx: x.place(run.flop), cy: y.place(run.accelerator_h), r: 4 },
        svg("title", {}, `${run.name} (${run.year}) on ${run.hw}: ${run.text}`))),
      svg("line", { class: "own", x1: at, x2: at, y1: y.place(own.predicted.low), y2: y.place(own.predicted.high) }),
      svg("circle", { class: "own", cx: at, cy: y.place(own.predicted.mid), r: 4.5 })));
}

// The published trainings that are nearest in work, those on the same chip first.
function nearest(own, runs, chip) {
  const far = (run) => Math.abs(Math.log(run.flop / own.flop)) + (run.hw === chip ? 0 : 1.5);
  return [...runs].sort((a, b) => far(a) - far(b)).slice(0, 5).sort((a, b) => a.flop - b.flop);
}

let redraw = () => {};
phone.addEventListener("change", () => redraw());

export function showPublished(answer, catalogue) {
  redraw = () => showPublished(answer, catalogue);
  const own = answer.rules, runs = catalogue.published;
  if (!own) { draw($("published")); return; }
  const chip = answer.record.cluster.accelerator;
  draw($("published"),
    el("h2", {}, "Beside published trainings and rules of thumb"),
    el("p", { class: "help" }, "Large: this estimate with its 90 % interval. Small: trainings whose hours were published, filled if on the same accelerator, where their work is a thousandth to a thousand times as much. Lines: 6ND on this accelerator at an MFU of 0.3, 0.4 and 0.5, from the top."),
    picture(own, runs, chip),
    table("Predicted, and by rules", ["", "accelerator-hours", "time", "energy"], [
      [["predicted ", el("span", { class: "sub" }, own.predicted.interval)], ...own.predicted.cells],
      ...own.rules.map((rule) => [`6ND at MFU ${rule.mfu}`, ...rule.cells])], "rules"),
    el("details", {}, el("summary", {}, "Published trainings of about this work"),
      table("Published trainings", ["", "year", "on", "accelerator-hours"], nearest(own, runs, chip).map((run) => [spoken(run.name), String(run.year), run.hw, run.text]))));
}
