// What stands for the maker's cloud: it serves the page and carries strings between
// phones and one device. It reads none of them. Node 18 or newer, no dependency.
//
//   DEVICE_SECRET=… PORT=8090 node cloud.mjs
//
// A phone: GET /phone/ADDRESS (server-sent events), POST /phone/ADDRESS with a message.
// The device: GET /device, POST /device with {to, message}; both with the secret.
// A cloud of yours knows its users: let a phone use only the address that is its own.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { timingSafeEqual } from "node:crypto";

const port = Number(process.env.PORT ?? 8090);
const secret = process.env.DEVICE_SECRET;
if (!secret) throw new Error("set DEVICE_SECRET to what the bridge on the device shows");
const maxMessage = 32 * 1024; // of callbox/1
const address = /^p\.[A-Za-z0-9_-]{43}$/;
const files = { "/": ["index.html", "text/html"], "/phone.mjs": ["phone.mjs", "text/javascript"], "/call.mjs": ["call.mjs", "text/javascript"] };

const devices = new Set(); // open streams
const phones = new Map(); // address → open streams

function stream(req, res, set) {
  res.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  res.write(": hello\n\n");
  set.add(res);
  const alive = setInterval(() => res.write(": alive\n\n"), 20_000);
  req.on("close", () => { clearInterval(alive); set.delete(res); });
}

const tell = (set, data) => { for (const res of set ?? []) res.write(`data: ${JSON.stringify(data)}\n\n`); };

async function body(req) {
  let text = "";
  for await (const chunk of req.setEncoding("utf8")) {
    text += chunk;
    if (text.length > 2 * maxMessage) throw new Error("too large");
  }
  return text;
}

function isDevice(req) {
  const given = Buffer.from(req.headers.authorization ?? ""), want = Buffer.from(`Bearer ${secret}`);
  return given.length === want.length && timingSafeEqual(given, want);
}

async function serve(req, res) {
  const { pathname } = new URL(req.url, "http://cloud");
  const file = files[pathname];
  if (req.method === "GET" && file) {
    res.writeHead(200, { "content-type": `${file[1]}; charset=utf-8`, "cache-control": "no-cache" });
    return res.end(await readFile(new URL(file[0], import.meta.url)));
  }
  const [, who, phone] = pathname.split("/");
  if (who === "device" && !isDevice(req)) return res.writeHead(401).end();
  if (who === "phone" && !address.test(phone ?? "")) return res.writeHead(400).end();
  switch (`${req.method} ${who}`) {
    case "GET device": return stream(req, res, devices);
    case "GET phone":
      if (!phones.has(phone)) phones.set(phone, new Set());
      req.on("close", () => { if (phones.get(phone)?.size === 0) phones.delete(phone); });
      return stream(req, res, phones.get(phone));
    case "POST device": {
      const { to, message } = JSON.parse(await body(req));
      tell(phones.get(to), message);
      return res.writeHead(204).end();
    }
    case "POST phone":
      tell(devices, { from: phone, message: await body(req) });
      return res.writeHead(204).end();
  }
  res.writeHead(404).end();
}

createServer((req, res) => {
  serve(req, res).catch(() => { if (!res.headersSent) res.writeHead(400); res.end(); });
}).listen(port, "127.0.0.1", function () {
  console.log(`http://127.0.0.1:${this.address().port}/`); // put your HTTPS server in front
});
