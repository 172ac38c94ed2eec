// What can be taken away: the link, the command, and files, written by the command itself.

import { $, copied, draw, el } from "./dom.mjs";

let format = "json";

export function showTake(answer, catalogue, engine, state) {
  const groups = [...new Set(catalogue.exports.map((one) => one.group))];
  const left = el("div", { id: "left", "aria-live": "polite" });
  const save = async () => {
    const reply = await engine.put("export", state.question("export", { format }));
    if (reply === null) return;
    if (reply.error) { left.replaceChildren(el("p", { class: "trouble" }, reply.error)); return; }
    const file = reply.answer;
    const url = URL.createObjectURL(new Blob([file.text], { type: "text/plain" }));
    el("a", { href: url, download: file.name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    left.replaceChildren(
      el("p", { class: "help" }, `${file.name} is what this writes: `, el("code", {}, file.command)),
      ...(file.left.length ? [el("ul", { class: "help" }, file.left.map((line) => el("li", {}, line)))] : []));
  };
  draw($("take"), el("h2", {}, "Take it with you"),
    el("div", { class: "row" }, el("code", { class: "command", id: "command" }, answer.command),
      el("button", { type: "button", class: "quiet", onclick: (event) => copied(event.target, answer.command) }, "Copy the command"),
      el("button", { type: "button", class: "quiet", id: "copy-link", onclick: (event) => copied(event.target, state.link()) }, "Copy the link")),
    el("div", { class: "row" },
      el("div", { class: "field" }, el("label", { for: "format" }, "File"),
        el("select", { id: "format", onchange: (event) => { format = event.target.value; } }, groups.map((group) =>
          el("optgroup", { label: group }, catalogue.exports.filter((one) => one.group === group)
            .map((one) => el("option", { value: one.name, selected: one.name === format }, one.title)))))),
      el("button", { type: "button", id: "save", onclick: save }, "Save the file")),
    left);
}
