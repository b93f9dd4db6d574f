/** The login of this phone at a broker, which the maker's backend gives out. */
import { randomId } from "./encoding.js";
import { sign, type OwnKey } from "./jws.js";
import { phoneAddress, protocolVersion } from "./message.js";

/** What a login is asked for. */
export interface BrokerLoginRequest {
  /** The broker's WebSocket: a ws or wss URL. */
  readonly url: string;
  /** This phone's client id and user name there: `p.` and `jkt`. */
  readonly user: string;
  /** RFC 7638 thumbprint of this phone's key. */
  readonly jkt: string;
  /**
   * Proves to a backend that this phone holds its key: a JWS (`typ: callbox-login+jws`) of now, for the
   * audience alone, which is the backend's own URL. docs/mqtt.md says what the backend looks at.
   */
  readonly sign: (audience: string) => Promise<string>;
}

/** A login that was given. */
export interface BrokerLogin {
  /** Sent to the broker beside this phone's user name. */
  readonly password: string;
  /** Seconds since 1970 from which on a new one is asked for. Absent: when the broker refuses it. */
  readonly expires?: number;
}

/**
 * Gets a login. It is called before a connection, and again when the login has run out
 * or was refused. `undefined`: the phone connects with its user name alone. When it
 * rejects, the connection is tried again later.
 */
export type BrokerLoginProvider = (request: BrokerLoginRequest) => Promise<BrokerLogin | undefined>;

const loginType = "callbox-login+jws";

/** The request for a login at a broker, with this phone's key. */
export function loginRequest(key: OwnKey, url: string): BrokerLoginRequest {
  return {
    url,
    user: phoneAddress(key.jkt),
    jkt: key.jkt,
    sign: async (audience) => {
      const iat = Math.floor(Date.now() / 1000);
      const members = { v: protocolVersion, from: phoneAddress(key.jkt), aud: audience, iat, nonce: randomId(), broker: url, jwk: key.jwk };
      return sign(key, members, loginType);
    },
  };
}
