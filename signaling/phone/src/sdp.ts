/**
 * The SDP rules of docs/protocol.md section 7, for the answers that reach the
 * browser. Browsers accept more than is safe here (several fingerprints for one).
 */
import { byteLength } from "./encoding.js";

const maxSdp = 16 * 1024;
const maxCandidates = 40;

/** What an SDP must satisfy besides the fixed rules. */
export interface SdpRules {
  readonly roomType: "voice" | "video";
  /** The fingerprint of this call, once one is known: it must not change. */
  readonly fingerprint?: string | undefined;
  /** Loopback addresses are taken: only when the device itself is reached over loopback. */
  readonly allowLoopback: boolean;
}

/** A checked answer, with the candidates left out that may not be used. */
export interface CheckedSdp {
  readonly sdp: string;
  readonly fingerprint: string;
  readonly candidates: number;
}

/** Checks an answer. @throws Error that says which rule is broken. */
export function checkAnswer(sdp: string, rules: SdpRules): CheckedSdp {
  if (byteLength(sdp) > maxSdp) throw new Error("more than 16 KiB");
  const lines = sdp.split(/\r?\n/).filter((line) => line !== "");
  if (lines[0] !== "v=0") throw new Error("not an SDP");
  const [session, ...media] = sections(lines);
  const live = media.filter((section) => !isRejected(section));
  if (live.length === 0) throw new Error("no media");

  const fingerprint = oneFingerprint(lines);
  if (rules.fingerprint !== undefined && fingerprint !== rules.fingerprint) throw new Error("the fingerprint changed");

  const bundle = attributes(session ?? [], "group").find((g) => g.startsWith("BUNDLE"))?.split(" ") ?? [];
  for (const section of live) {
    const kind = /^m=(\S+)/.exec(section[0] ?? "")?.[1];
    if (kind !== "audio" && kind !== "video" && kind !== "application") throw new Error("media of another kind");
    if (kind === "video" && rules.roomType === "voice") throw new Error("video in a voice room");
    const [mid] = attributes(section, "mid");
    if (mid === undefined || !bundle.includes(mid)) throw new Error("media outside of BUNDLE");
    if (kind !== "application" && !section.includes("a=rtcp-mux")) throw new Error("media without rtcp-mux");
    const setup = [...attributes(section, "setup"), ...attributes(session ?? [], "setup")];
    if (setup.length === 0 || setup.some((s) => s !== "active" && s !== "passive")) throw new Error("no a=setup of an answer");
  }

  const kept = lines.filter((line) => !line.startsWith("a=candidate:") || isUsable(line.slice(2), rules.allowLoopback));
  const candidates = lines.filter((line) => line.startsWith("a=candidate:")).length;
  if (candidates > maxCandidates) throw new Error("more than 40 candidates");
  return { sdp: `${kept.join("\r\n")}\r\n`, fingerprint, candidates };
}

/**
 * Reports whether a candidate line may be handed to the browser: UDP, and no
 * loopback, unspecified, multicast or broadcast address. `""` (end of a
 * fragment's list) may. Names (`*.local`) are the browser's to resolve.
 */
export function isUsable(candidate: string, allowLoopback: boolean): boolean {
  if (candidate === "") return true;
  const [foundation, component, transport, priority, address, port, typ] = candidate.trim().split(/\s+/);
  if (!/^(a=)?candidate:/.test(foundation ?? "") || typ !== "typ") return false;
  if (component !== "1" || !/^\d+$/.test(priority ?? "") || !/^\d+$/.test(port ?? "")) return false;
  if (transport?.toLowerCase() !== "udp" || address === undefined) return false;
  return address.includes(":") ? isUsable6(address.toLowerCase(), allowLoopback) : isUsable4(address, allowLoopback);
}

function isUsable4(address: string, allowLoopback: boolean): boolean {
  const octets = address.split(".");
  if (octets.length !== 4 || !octets.every((o) => /^\d{1,3}$/.test(o) && Number(o) < 256)) {
    return /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.local$/i.test(address);
  }
  const first = Number(octets[0]);
  if (first === 127) return allowLoopback;
  return first !== 0 && first < 224;
}

function isUsable6(address: string, allowLoopback: boolean): boolean {
  if (!/^[0-9a-f:.]+$/.test(address)) return false;
  const mapped = /^(?:::|(?:0+:){5})ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (mapped !== undefined) return isUsable4(mapped, allowLoopback);
  const digits = address.replaceAll(/[0:]/g, "");
  if (digits === "") return false; // ::, however it is written
  if (digits === "1" && /:0*1$/.test(address)) return allowLoopback; // ::1
  return !address.startsWith("ff");
}

function sections(lines: readonly string[]): string[][] {
  const all: string[][] = [[]];
  for (const line of lines) {
    if (line.startsWith("m=")) all.push([]);
    all.at(-1)?.push(line);
  }
  return all;
}

function isRejected(section: readonly string[]): boolean {
  return /^m=\S+ 0 /.test(section[0] ?? "");
}

function attributes(section: readonly string[], name: string): string[] {
  const prefix = `a=${name}:`;
  return section.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length).trim());
}

function oneFingerprint(lines: readonly string[]): string {
  const distinct = new Set(attributes(lines, "fingerprint").map((f) => f.toLowerCase()));
  const [only, ...more] = distinct;
  if (only === undefined || more.length > 0) throw new Error("not one fingerprint");
  if (!/^sha-256 ([0-9a-f]{2}:){31}[0-9a-f]{2}$/.test(only)) throw new Error("no sha-256 fingerprint");
  return only;
}
