// The inputs: one map of fields to texts, and a pasted config. The link of the page holds all of it.

export const CONFIG = "config.json";
const MOST_LINK = 32_000;
const MOST_TEXT = 300;

export class State {
  constructor(names, first) {
    this.names = new Set(["model", "hw", ...names]);
    this.fields = { ...first };
    this.config = null;
    this.listeners = [];
  }

  onChange(listener) { this.listeners.push(listener); }

  set(changes, source = null) {
    for (const [name, text] of Object.entries(changes)) {
      if (!this.names.has(name)) continue;
      if (text) this.fields[name] = text;
      else delete this.fields[name];
    }
    if (this.fields.model !== CONFIG) this.config = null;
    this.changed(source);
  }

  paste(config) {
    this.config = config;
    this.fields.model = CONFIG;
    this.changed(null);
  }

  changed(source) { for (const listener of this.listeners) listener(source); }

  question(ask, more = {}) {
    const question = { ask, fields: { ...this.fields }, ...more };
    if (this.config !== null) question.config = this.config;
    return question;
  }

  link() {
    const parts = new URLSearchParams(this.fields);
    if (this.config !== null) parts.set("config", this.config);
    return `${location.origin}${location.pathname}#${parts}`;
  }

  // Reads a link; returns what is wrong with it, or nothing.
  restore(fragment) {
    if (!fragment || fragment.length < 2) return "";
    if (fragment.length > MOST_LINK) return "This link is too long to be one of this page: it was not read.";
    const fields = {}, unknown = [];
    let config = null;
    for (const [name, text] of new URLSearchParams(fragment.slice(1))) {
      if (name === "config") config = text;
      else if (!this.names.has(name)) unknown.push(name.slice(0, 40));
      else if (text.length <= MOST_TEXT) fields[name] = text;
      else return `This link is not read: its ${name} is longer than ${MOST_TEXT} characters.`;
    }
    if (!fields.hw && !fields.model) return "This link says neither a model nor hardware: it was not read.";
    this.fields = fields;
    this.config = config;
    return unknown.length ? `This link also holds what the page does not know: ${unknown.join(", ")}.` : "";
  }
}

export function split(hw) {
  const at = hw.lastIndexOf(":");
  return at < 0 ? [hw, "1"] : [hw.slice(0, at), hw.slice(at + 1)];
}
