// The phone's key and its messages, as docs/protocol.md says: signed ones out, verified
// ones in. It knows no channel: bring a function that sends a string to the device, and
// hand each string from it to receive. Runs in browsers and Node.

export const newId = () => encode(crypto.getRandomValues(new Uint8Array(16)));
export const encode = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const utf8 = (text) => new TextEncoder().encode(text);
const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

function deferred() {
  let resolve;
  return { promise: new Promise((done) => { resolve = done; }), resolve };
}

// thumbprint is RFC 7638.
export async function thumbprint({ crv, kty, x, y }) {
  return encode(await crypto.subtle.digest("SHA-256", utf8(JSON.stringify({ crv, kty, x, y }))));
}

// ownKey makes a key whose private half cannot be taken out. Keep it in IndexedDB: a
// page that has lost it is another phone.
export async function ownKey() {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(ecdsa, false, ["sign", "verify"]);
  return withNames({ privateKey, publicKey });
}

export async function withNames({ privateKey, publicKey }) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  const jwk = { kty, crv, x, y };
  return { privateKey, publicKey, jwk, jkt: await thumbprint(jwk) };
}

// Phone speaks with one device: {sn, dkt}, as callboxctl status shows them.
export class Phone {
  #key; #device; #send; #peer; #waiting = new Map(); #answered = new Map();
  onMessage = () => {}; // each verified message of the device, once

  constructor(key, device, send) { this.#key = key; this.#device = device; this.#send = send; }

  get address() { return `p.${this.#key.jkt}`; }

  // say signs a message and returns it, with a promise of its answer. seconds is for how
  // long it is sent again until it is answered; 0: once.
  async say(t, roomId, members, seconds = 30) {
    const early = ["invite", "offer", "cancel", "reject", "ack"].includes(t) ? { jwk: this.#key.jwk } : {};
    const body = { v: 1, t, id: newId(), from: this.address, to: `d.${this.#device.sn}`, tkt: this.#device.dkt, roomId, ...early, ...members };
    const input = [{ alg: "ES256", typ: "callbox-msg+jws", kid: this.#key.jkt }, body].map((part) => encode(utf8(JSON.stringify(part)))).join(".");
    const text = `${input}.${encode(await crypto.subtle.sign(ecdsa, this.#key.privateKey, utf8(input)))}`;
    this.#send(text);
    const { promise: answered, resolve } = deferred();
    if (seconds > 0) this.#again(body.id, text, Date.now() + seconds * 1000, 500, resolve);
    return { id: body.id, text, answered };
  }

  #again(id, text, until, pause, resolve) {
    const timer = setTimeout(() => {
      if (Date.now() > until) return this.stop(id);
      this.#send(text);
      this.#again(id, text, until, Math.min(2 * pause, 4000), resolve);
    }, pause);
    this.#waiting.set(id, { timer, resolve });
  }

  // stop sends a message no more: it was answered, or need not be.
  stop(id) {
    const waiting = this.#waiting.get(id);
    clearTimeout(waiting?.timer);
    waiting?.resolve();
    this.#waiting.delete(id);
  }

  // receive takes a string of the channel. What is not the device's word to this phone
  // is dropped.
  async receive(text) {
    const message = await this.#verify(text).catch(() => undefined);
    if (!message) return false;
    if (message.ref) this.stop(message.ref);
    if (message.t === "ack") return true;
    if (this.#answered.has(message.id)) { // sent again: our answer was lost
      this.#answered.get(message.id).then((answer) => this.#send(answer.text));
      return true;
    }
    if (this.#answered.size >= 512) this.#answered.delete(this.#answered.keys().next().value);
    if (message.t !== "challenge") this.#answered.set(message.id, this.say("ack", message.roomId, { ref: message.id }, 0));
    this.onMessage(message);
    return true;
  }

  async #verify(text) {
    const [head, payload, signature, ...more] = text.split(".");
    const header = JSON.parse(new TextDecoder().decode(decode(head)));
    const message = JSON.parse(new TextDecoder().decode(decode(payload)));
    if (more.length > 0 || Object.keys(header).length !== 3 || header.alg !== "ES256" || header.typ !== "callbox-msg+jws" || header.kid !== this.#device.dkt) return undefined;
    if (!this.#peer && message.jwk) { // its first message shows its key; the thumbprint is what we trust
      if ((await thumbprint(message.jwk)) !== this.#device.dkt) return undefined;
      const { kty, crv, x, y } = message.jwk;
      this.#peer = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, ecdsa, false, ["verify"]);
    }
    if (!this.#peer || !(await crypto.subtle.verify(ecdsa, this.#peer, decode(signature), utf8(`${head}.${payload}`)))) return undefined;
    const forUs = message.from === `d.${this.#device.sn}` && message.to === this.address && message.tkt === this.#key.jkt;
    return forUs && message.v === 1 ? message : undefined;
  }
}
