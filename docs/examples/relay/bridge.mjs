// The bridge on the device: between callboxd's local API and the maker's cloud. It runs
// as a member of the group callbox. Node 18 or newer, no dependency.
//
//   DEVICE_SECRET=… CLOUD=https://cloud.example node bridge.mjs
//
// CALLBOX_CONTROL_SOCKET is the daemon's socket when it is another than usual.
//
// It keeps nothing and repeats nothing: what is lost is said again by the ends.
import { request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

const cloud = process.env.CLOUD ?? "http://127.0.0.1:8090";
const socketPath = process.env.CALLBOX_CONTROL_SOCKET ?? "/run/callbox/control.sock";
const login = { authorization: `Bearer ${process.env.DEVICE_SECRET ?? ""}` };

// api asks the daemon and returns its answer, whose body is a stream.
function api(method, path, json) {
  return new Promise((resolve, reject) => {
    const req = request({ socketPath, method, path, headers: json ? { "content-type": "application/json" } : {} }, resolve);
    req.on("error", reject);
    req.end(json);
  });
}

// events yields the data of server-sent events; it ends with the stream.
async function* events(chunks) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.startsWith("data: ")) yield JSON.parse(line.slice(6));
  }
}

async function toPhones() {
  const out = await api("GET", "/v1/relay");
  if (out.statusCode !== 200) throw new Error(`callboxd answers ${out.statusCode}: is signaling.relay.enabled true?`);
  console.log("callboxd: connected");
  for await (const message of events(out)) { // {to, message}
    await fetch(`${cloud}/device`, { method: "POST", headers: login, body: JSON.stringify(message) });
  }
  throw new Error("callboxd has ended the stream");
}

async function toDevice() {
  const inbound = await fetch(`${cloud}/device`, { headers: login });
  if (!inbound.ok) throw new Error(`the cloud answers ${inbound.status}`);
  console.log("cloud: connected");
  for await (const message of events(inbound.body)) { // {from, message}
    const answer = await api("POST", "/v1/relay", JSON.stringify(message));
    answer.resume();
    if (answer.statusCode !== 200) console.error(`callboxd refuses a message: ${answer.statusCode}`);
  }
  throw new Error("the cloud has ended the stream");
}

async function forEver(carry) {
  for (;;) {
    await carry().catch((error) => console.error(error.syscall === "connect" && error.address === socketPath
      ? `cannot reach callboxd at ${socketPath} (${error.code}); set CALLBOX_CONTROL_SOCKET` : error.message));
    await pause(500 + Math.random() * 1500); // not all devices at once
  }
}

await Promise.all([forEver(toPhones), forEver(toDevice)]);
