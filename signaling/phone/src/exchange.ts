import { randomId } from "./encoding.js";
import { CallboxError, type ErrorCode } from "./errors.js";
import { errorOf, linkError } from "./failures.js";
import type { PublicJwk } from "./jws.js";
import { Link, type LinkParts } from "./link.js";
import { Mail, lives } from "./mail.js";
import { malformed, unknownType } from "./message.js";
import { checkPairingMac, pairingMac, type PairingLink } from "./pairing.js";
import type { Verified } from "./verify.js";

export interface ExchangeParts extends LinkParts {
  readonly link: PairingLink;
  /** What this phone wants to be called. */
  readonly name: string;
  readonly endpoints: readonly string[];
}

/** What a pairing gives. */
export interface PairedDevice {
  readonly jwk: PublicJwk;
  readonly name: string;
  /** Where the device has proved itself. */
  readonly url: string;
}

/** Long enough for the last acknowledgement to get out. */
const linger = 200;

/** One pairing over a connection of its own: `pair` and `paired`, each with its MAC. @throws CallboxError */
export async function exchange(parts: ExchangeParts): Promise<PairedDevice> {
  const { key, link, name, clock } = parts;
  const roomId = randomId();
  const pairId = randomId();
  const mac = await pairingMac(link, "phone", key.jkt, name);
  let settle: { resolve(device: PairedDevice): void; reject(error: unknown): void } | undefined;
  const result = new Promise<PairedDevice>((resolve, reject) => {
    settle = { resolve, reject };
  });
  const fail = (code: ErrorCode, message: string): void => {
    settle?.reject(new CallboxError(code, message, roomId));
  };

  const take = async ({ envelope, body }: Verified, text: string): Promise<void> => {
    if (envelope.roomId !== roomId || !mail.arrive(envelope, text) || body === unknownType) return;
    if (body === malformed) {
      fail("badRequest", "the device's answer breaks the protocol");
      return;
    }
    if (envelope.ref !== pairId || (body.t !== "reject" && body.t !== "paired")) return;
    void mail.ack(envelope);
    if (body.t === "reject") {
      fail(body.cause === "forbidden" ? "pairRefused" : errorOf(body.cause), "the device refused the pairing");
      return;
    }
    const right = await checkPairingMac(link, "device", key.jkt, body.name, body.mac);
    if (right) settle?.resolve({ jwk: body.jwk, name: body.name, url: way.url ?? "" });
    else fail("badRequest", "the device does not know the secret");
  };

  const way: Link = new Link(parts, { sn: link.sn, dkt: link.dkt, endpoints: parts.endpoints }, {
    state: (state) => {
      const refusal = linkError(state);
      if (refusal) settle?.reject(refusal);
    },
    up: () => {
      mail.up();
    },
    down: () => {
      mail.down();
    },
    hello: () => undefined,
    message: (text, via) => {
      void way.verify(text, via).then(async (message) => {
        if (typeof message !== "string") await take(message, text);
      });
    },
  });
  const mail = new Mail(key, link, roomId, clock, way, { suspicious: false });
  const patience = clock.after(lives.first, () => {
    fail("unreachable", "the device did not answer");
  });
  try {
    mail.post("pair", { name, mac }, { id: pairId, withKey: true, life: lives.first }).catch((error: unknown) => settle?.reject(error));
    way.open();
    return await result;
  } finally {
    patience.cancel();
    mail.close();
    clock.after(linger, () => {
      way.close();
    });
  }
}
