import type { Clock } from "./clock.js";
import { DirectLink, type OpenSocket } from "./direct.js";
import { randomId } from "./encoding.js";
import { CallboxError, type ErrorCode } from "./errors.js";
import { errorOf, linkError } from "./failures.js";
import type { OwnKey, PublicJwk } from "./jws.js";
import { Mail, lives } from "./mail.js";
import { malformed, unknownType } from "./message.js";
import { checkPairingMac, pairingMac, type PairingLink } from "./pairing.js";
import { verify, type Verified } from "./verify.js";

export interface ExchangeParts {
  readonly key: OwnKey;
  readonly link: PairingLink;
  /** What this phone wants to be called. */
  readonly name: string;
  readonly endpoints: readonly string[];
  readonly openSocket: OpenSocket;
  readonly clock: Clock;
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
  const { key, link, name, openSocket, clock } = parts;
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
      fail(body.cause === "forbidden" ? "pairRefused" : (errorOf(body.cause) ?? "aborted"), "the device refused the pairing");
      return;
    }
    const right = await checkPairingMac(link, "device", key.jkt, body.name, body.mac);
    if (right) settle?.resolve({ jwk: body.jwk, name: body.name, url: direct.provenUrl ?? "" });
    else fail("badRequest", "the device's answer does not prove that it knows the secret");
  };

  const direct = new DirectLink(key, { ...link, endpoints: parts.endpoints }, openSocket, clock, {
    state: (state) => {
      const refusal = linkError(state);
      if (refusal) settle?.reject(refusal);
      if (state === "up") mail.up();
      else mail.down();
    },
    hello: () => undefined,
    message: (text) => {
      void verify(text, direct.peer, link.sn, key.jkt).then(async (message) => {
        if (typeof message !== "string") await take(message, text);
      });
    },
  });
  const mail = new Mail(key, link, roomId, clock, direct, { suspicious: false });
  const patience = clock.after(lives.first, () => {
    fail("unreachable", "the device did not answer");
  });
  try {
    mail.post("pair", { name, mac }, { id: pairId, withKey: true, life: lives.first }).catch((error: unknown) => settle?.reject(error));
    direct.open();
    return await result;
  } finally {
    patience.cancel();
    mail.close();
    clock.after(linger, () => {
      direct.close();
    });
  }
}
