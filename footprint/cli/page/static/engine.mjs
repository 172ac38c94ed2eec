// Who answers: Python in a worker thread, or the local server of `footprint app`. One question at a time;
// a newer question of a kind replaces an older one that waits, and estimates go before all others.

const ORDER = ["estimate", "export", "hardware", "places", "plan"];

export class Engine {
  constructor(settings, onStatus, worded = (text) => text) {
    this.worded = worded; // a message of the command in the page's words
    this.waiting = new Map();
    this.busy = false;
    this.onStatus = onStatus;
    this.ask = settings.engine === "local" ? (question) => askServer(question, onStatus) : this.startWorker();
  }

  startWorker() {
    if (typeof WebAssembly !== "object") {
      this.broken = "This browser has no WebAssembly, which runs Python in the page. Any browser since 2020 "
        + "has it; the command footprint estimate works without one.";
      this.onStatus("Stopped", "bad");
      return null;
    }
    this.onStatus("Loading Python", "wait");
    const worker = new Worker("worker.mjs", { type: "module" });
    const open = new Map();
    let count = 0;
    const fail = (message) => {
      this.broken = message;
      for (const answer of open.values()) answer({ error: message });
      this.onStatus("Stopped", "bad");
    };
    worker.onerror = (event) => fail(`Python could not be started here: ${event.message || "its files are missing"}`);
    worker.onmessage = ({ data }) => {
      if (data.status) this.onStatus(...data.status);
      else if (data.broken) fail(data.broken);
      else { open.get(data.id)?.(data.answer); open.delete(data.id); }
    };
    worker.postMessage({ start: true });
    return (question) => new Promise((resolve) => {
      open.set(++count, resolve);
      worker.postMessage({ id: count, question: JSON.stringify(question) });
    });
  }

  // The answer, or null if a newer question of the same kind took its place.
  put(kind, question) {
    if (this.broken) return Promise.resolve({ error: this.broken });
    this.waiting.get(kind)?.resolve(null);
    return new Promise((resolve) => {
      this.waiting.set(kind, { question, resolve });
      this.next();
    });
  }

  async next() {
    const kind = ORDER.find((one) => this.waiting.has(one));
    if (this.busy || kind === undefined) return;
    this.busy = true;
    const { question, resolve } = this.waiting.get(kind);
    this.waiting.delete(kind);
    const from = performance.now();
    const answer = await this.ask(question);
    if (answer.error && kind !== "export") answer.error = this.worded(answer.error);
    this.busy = false;
    performance.measure(`answer:${kind}`, { start: from });
    // A newer question of this kind waits: this answer would only flicker.
    resolve(this.waiting.has(kind) ? null : answer);
    this.next();
  }
}

async function askServer(question, onStatus) {
  try {
    const reply = await fetch("answer", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(question),
    });
    const answer = await reply.json();
    onStatus("Computed on this machine", "good");
    return answer;
  } catch {
    onStatus("No answer", "bad");
    return { error: "footprint app does not answer: is it still running?" };
  }
}
