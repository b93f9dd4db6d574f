// Draws the page's PNG icons from page/static/icon.svg: rectangles and circles, one
// plain colour or gradient each. So they are made with the page, and nothing but the
// drawing is kept. A shape of another kind is an error, not a wrong picture.
import { deflateSync } from "node:zlib";

/** What the page has: `full` goes to the edges, for systems that cut the shape themselves. */
export const icons = [
  { name: "icon-192.png", size: 192, full: false },
  { name: "icon-512.png", size: 512, full: false },
  { name: "maskable-512.png", size: 512, full: true },
  { name: "apple-touch-icon.png", size: 180, full: true },
];

const samples = 4; // each way in a pixel

/** A PNG of size x size pixels. */
export function draw(svg, size, full) {
  const { box, shapes } = read(svg);
  const pixels = Buffer.alloc(size * size * 4);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const sum = [0, 0, 0, 0]; // with the colours times alpha
      for (let s = 0; s < samples * samples; s++) {
        const at = (n, i) => ((n + (i + 0.5) / samples) / size) * box;
        const point = [at(x, s % samples), at(y, Math.floor(s / samples))];
        let colour = [0, 0, 0, 0];
        shapes.forEach((shape, i) => {
          if (!(full && i === 0) && !shape.has(...point)) return;
          const [r, g, b, a] = shape.paint(...point);
          colour = [r, g, b, 1].map((c, k) => c * a + colour[k] * (1 - a));
        });
        colour.forEach((c, k) => (sum[k] += c));
      }
      const alpha = sum[3] / samples ** 2;
      const bytes = [...sum.slice(0, 3).map((c) => (sum[3] > 0 ? c / sum[3] : 0)), alpha * 255];
      pixels.set(bytes.map(Math.round), (y * size + x) * 4);
    }
  }
  return png(pixels, size);
}

/** Reads the drawing: its square, and its shapes from back to front. */
function read(svg) {
  const tags = [...svg.matchAll(/<(\w+)\s([^<>]*?)\/?>/g)].map(([, name, rest]) => ({
    name,
    a: Object.fromEntries([...rest.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])),
  }));
  const box = Number(/^0 0 (\d+) \1$/.exec(tags[0]?.a.viewBox ?? "")?.[1]);
  const gradients = new Map();
  let stops;
  const shapes = [];
  for (const { name, a } of tags.slice(1)) {
    const n = (key) => Number(a[key] ?? 0);
    if (name === "linearGradient") gradients.set(`url(#${a.id})`, { a, stops: (stops = []) });
    else if (name === "stop") stops.push(hex(a["stop-color"]));
    else if (name === "rect") shapes.push(shape(a, [n("x"), n("y"), n("width"), n("height")], inRect(n)));
    else if (name === "circle") shapes.push(shape(a, [n("cx") - n("r"), n("cy") - n("r"), 2 * n("r"), 2 * n("r")], inCircle(n)));
    else throw new Error(`icon.svg: cannot draw <${name}>`);
  }
  if (!(box > 0) || shapes.length === 0) throw new Error("icon.svg: no square viewBox, or nothing in it");
  return { box, shapes };

  function shape(a, [left, top, width, height], has) {
    const alpha = Number(a["fill-opacity"] ?? 1);
    const gradient = gradients.get(a.fill);
    if (!gradient) {
      const colour = [...hex(a.fill), alpha];
      return { has, paint: () => colour };
    }
    const [x1, y1, x2, y2] = ["x1", "y1", "x2", "y2"].map((key) => Number(gradient.a[key]));
    const [dx, dy] = [x2 - x1, y2 - y1];
    return {
      has,
      paint: (x, y) => {
        const along = (((x - left) / width - x1) * dx + ((y - top) / height - y1) * dy) / (dx * dx + dy * dy);
        const t = Math.min(1, Math.max(0, along));
        return [...gradient.stops[0].map((c, k) => c * (1 - t) + gradient.stops[1][k] * t), alpha];
      },
    };
  }
}

function inRect(n) {
  const [x, y, width, height, r] = ["x", "y", "width", "height", "rx"].map(n);
  return (px, py) => {
    if (px < x || py < y || px > x + width || py > y + height) return false;
    // The nearest point of the rectangle of the corners' centres.
    const dx = px - Math.min(Math.max(px, x + r), x + width - r);
    const dy = py - Math.min(Math.max(py, y + r), y + height - r);
    return dx * dx + dy * dy <= r * r || (dx === 0 && dy === 0);
  };
}

function inCircle(n) {
  return (px, py) => (px - n("cx")) ** 2 + (py - n("cy")) ** 2 <= n("r") ** 2;
}

/** #rgb or #rrggbb as 0 to 255 each. */
function hex(text = "") {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text)?.[1];
  if (digits === undefined) throw new Error(`icon.svg: cannot read the colour "${text}"`);
  const full = digits.length === 3 ? digits.replaceAll(/./g, "$&$&") : digits;
  return [0, 2, 4].map((at) => parseInt(full.slice(at, at + 2), 16));
}

/** 8 bits of red, green, blue and alpha (PNG, third edition). */
function png(pixels, size) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const rows = Buffer.alloc(size * (size * 4 + 1)); // each begins with its filter: none
  for (let y = 0; y < size; y++) pixels.copy(rows, y * (size * 4 + 1) + 1, y * size * 4, (y + 1) * size * 4);
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", header), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([size, body, sum]);
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
