/** The MQTT client: MQTT.js over the browser's WebSocket, behind broker.ts's small interface. */
import mqtt from "mqtt/dist/mqtt.esm";
import type { Client, Dial } from "./broker.js";

/** Reason codes of MQTT 5 (2.4) with which a broker refuses a login: name or password, not authorised. */
const refusals: readonly unknown[] = [0x86, 0x87];
const errorsFrom = 0x80;
/** Seconds. A hidden page's timers run once a minute: the ping goes out after two of them, and the broker waits for three. */
const keepAlive = 120;
/** Milliseconds that the broker has to acknowledge a packet, or to answer a check. */
const patience = 10_000;
/** Milliseconds until CONNACK. */
const connectTime = 15_000;
const messageExpiry = 20; // seconds that a broker may hold a message back
const maxPacket = 64 * 1024; // bytes, as the broker is told
/** Bytes that may come without making a whole packet: MQTT.js by itself would collect 256 MiB. */
const maxRest = 4 * maxPacket;

export const dial: Dial = (to, events): Client => {
  let over = false;
  let rest = 0;
  const close = (problem: string, refused = false): void => {
    if (over) return;
    end();
    events.closed(problem, refused);
  };
  const end = (): void => {
    over = true;
    for (const timer of timers) clearTimeout(timer);
    // MQTT.js writes in its next turn, which a page that is being closed does not have.
    while (client.stream.writableCorked > 0) client.stream.uncork();
    client.end(true);
  };
  const timers = new Set<ReturnType<typeof setTimeout>>();
  /** Holds the broker for dead if done is not called in time. */
  const expect = (what: string): (() => void) => {
    const timer = setTimeout(() => {
      close(`the broker does not ${what}`);
    }, patience);
    timers.add(timer);
    return () => {
      timers.delete(timer);
      clearTimeout(timer);
    };
  };
  const openSocket = (): WebSocket => {
    const socket = new WebSocket(to.url, ["mqtt"]);
    socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      rest += data instanceof ArrayBuffer ? data.byteLength : maxRest;
      if (rest > maxRest) close("the broker sends what is too large");
    });
    return socket;
  };
  const client = mqtt.connect("wss://broker.invalid", {
    createWebsocket: openSocket, // so that nothing is read out of the URL
    protocolVersion: 5,
    clientId: to.user,
    username: to.user,
    ...(to.password === undefined ? {} : { password: to.password }),
    clean: true,
    keepalive: keepAlive,
    connectTimeout: connectTime,
    reconnectPeriod: 0, // the pauses are broker.ts's
    reconnectOnConnackError: false,
    resubscribe: false,
    queueQoSZero: false,
    timerVariant: "native", // the other one makes a worker out of a blob, which the page's policy forbids
    properties: { sessionExpiryInterval: 0, receiveMaximum: 64, maximumPacketSize: maxPacket, topicAliasMaximum: 0 },
  });
  let answered: (() => void) | undefined;
  client
    .on("packetreceive", () => {
      rest = 0;
      answered?.();
      answered = undefined;
    })
    .on("connect", () => {
      if (!over) events.up();
    })
    .on("message", (topic, payload, { retain }) => {
      if (!over) events.message(topic, new TextDecoder().decode(payload), retain);
    })
    .on("error", ({ message, code }) => {
      close(message, refusals.includes(code));
    })
    .on("disconnect", ({ reasonCode = 0 }) => {
      close(`the broker has ended the connection: reason code ${String(reasonCode)}`, refusals.includes(reasonCode));
    })
    .on("close", () => {
      close("the connection to the broker was lost");
    });

  return {
    subscribe: async (topics) =>
      new Promise((resolve, reject) => {
        const done = expect("acknowledge a subscription");
        client.subscribe(topics, { qos: 1 }, (error, _, ack) => {
          done();
          // A refusal is an error, too; what the broker has said stands beside it.
          if (ack) resolve(ack.granted);
          else reject(error ?? new Error("no answer to a subscription"));
        });
      }),
    publish: (topic, text) => {
      const done = expect("acknowledge a message");
      client.publish(topic, text, { qos: 1, retain: false, properties: { messageExpiryInterval: messageExpiry } }, (error) => {
        done();
        if (typeof error?.code === "number" && error.code >= errorsFrom) events.problem(`the broker does not take messages on ${topic}: ${error.message}`);
      });
    },
    check: () => {
      if (answered) return;
      answered = expect("answer");
      client.sendPing();
    },
    end,
  };
};
