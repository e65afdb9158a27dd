const VERSION = "2025-06-01";
const encoder = new TextEncoder();

/** What the service answered instead of what was asked for. */
export class Refused extends Error {
  constructor(status, code, message) {
    super(message || code || `status ${status}`);
    this.status = status;
    this.code = code;
  }
}

/** A reader of the Batch service. The key becomes something that can sign and can not be read again. */
export class Batch {
  static async open(account, key) {
    const bytes = Uint8Array.from(atob(key.trim()), (c) => c.charCodeAt(0));
    const secret = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return new Batch(account, secret);
  }

  constructor(account, secret) {
    this.account = account;
    this.secret = secret;
  }

  /** One request. `parts` of the path are encoded here. */
  async ask(method, parts, query = {}, headers = {}) {
    const path = "/" + parts.map((part) => encodeURIComponent(part)).join("/");
    return this.send(method, path, { ...query, "api-version": VERSION }, headers);
  }

  async send(method, path, query, headers) {
    const signed = { ...headers, "ocp-date": new Date().toUTCString() };
    const names = Object.keys(query).sort();
    const text = [
      method, ...Array(11).fill(""),
      ...Object.keys(signed).sort().map((name) => `${name}:${signed[name]}`),
      `/${this.account}${path}`,
      ...names.map((name) => `${name}:${query[name]}`),
    ].join("\n");
    const mac = await crypto.subtle.sign("HMAC", this.secret, encoder.encode(text));
    const signature = btoa(String.fromCharCode(...new Uint8Array(mac)));
    const search = names.map((name) => `${encodeURIComponent(name)}=${encodeURIComponent(query[name])}`).join("&");
    const response = await fetch(`${path}?${search}`, {
      method,
      headers: { ...signed, authorization: `SharedKey ${this.account}:${signature}` },
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
    if (response.ok) return response;
    const body = await response.json().catch(() => ({}));
    throw new Refused(response.status, body.code, body.message?.value);
  }

  /** Every element of a list, however many pages it has. */
  async list(parts, query = {}) {
    const all = [];
    let response = await this.ask("GET", parts, query);
    for (;;) {
      const page = await response.json();
      all.push(...page.value);
      if (!page["odata.nextLink"]) return all;
      const next = new URL(page["odata.nextLink"]);
      response = await this.send("GET", next.pathname, Object.fromEntries(next.searchParams), {});
    }
  }

  async get(parts, query = {}) {
    return (await this.ask("GET", parts, query)).json();
  }

  /** The last bytes of a file of a task as text, and how long the whole is; null when it is not there. */
  async tail(job, task, file, most) {
    const parts = ["jobs", job, "tasks", task, "files", file];
    try {
      const head = await this.ask("HEAD", parts);
      const length = Number(head.headers.get("content-length"));
      if (length === 0) return { text: "", length };
      const from = Math.max(0, length - most);
      const body = await this.ask("GET", parts, {}, { "ocp-range": `bytes=${from}-${length - 1}` });
      return { text: await body.text(), length };
    } catch (error) {
      if (error instanceof Refused && [404, 409].includes(error.status)) return null;
      throw error;
    }
  }
}
