/**
 * The way to devices over an MQTT broker: a file of its own (`mqtt.js`), which the
 * SDK loads when a device has a broker, for most of it is MQTT.js.
 */
export { Brokers } from "./brokers.js";
export { dial } from "./mqttclient.js";
