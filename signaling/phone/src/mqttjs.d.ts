/** The part of MQTT.js 5 that is used, in its build for browsers. Its own types need Node's. */
declare module "mqtt/dist/mqtt.esm" {
  export interface Packet {
    readonly retain: boolean;
  }
  export interface SubAck {
    readonly granted: readonly number[];
  }
  export interface MqttClient {
    readonly stream: { readonly writableCorked: number; uncork(): void };
    on(event: "connect" | "close" | "packetreceive", listener: () => void): this;
    on(event: "error", listener: (error: Error & { readonly code?: unknown }) => void): this;
    on(event: "disconnect", listener: (packet: { readonly reasonCode?: number }) => void): this;
    on(event: "message", listener: (topic: string, payload: Uint8Array, packet: Packet) => void): this;
    subscribe(
      topics: readonly string[],
      options: { readonly qos: 1 },
      done: (error: Error | null, granted?: unknown, packet?: SubAck) => void,
    ): this;
    publish(
      topic: string,
      text: string,
      options: { readonly qos: 1; readonly retain: false; readonly properties: { readonly messageExpiryInterval: number } },
      done: (error?: Error & { readonly code?: unknown }) => void,
    ): this;
    sendPing(): void;
    end(force: boolean): this;
  }
  const mqtt: { connect(url: string, options: Readonly<Record<string, unknown>>): MqttClient };
  export default mqtt;
}
