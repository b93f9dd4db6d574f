/** The plug-in's question for contacts, answered by the devices themselves. */
import { CallboxError } from "./errors.js";
import type { Device } from "./phoneparts.js";
import { start } from "./running.js";

/** A device as a contact of this phone. */
export interface BoundContact extends Device {
  /** The plug-in's word: 1, the device may call this phone (its right `beCalled`); 0, it may not. */
  readonly status: 0 | 1;
}

/** The plug-in's answer. */
export interface BoundContacts {
  /** One for each paired device. */
  readonly contact_list: readonly BoundContact[];
}

/**
 * The paired devices, and what this phone may do at each of them now: the connected
 * ones are asked, the others have what they said last.
 * @throws CallboxError badArgument, notPaired
 */
export async function getIotBindContactList(wanted?: { readonly sn?: string } | null): Promise<BoundContacts> {
  const sn = wanted?.sn;
  if (sn !== undefined && typeof sn !== "string") throw new CallboxError("badArgument", "sn must be a string");
  const { phone, rights } = await start();
  await rights.refresh();
  const list = phone.devices().filter((device) => sn === undefined || device.sn === sn);
  if (sn !== undefined && list.length === 0) throw new CallboxError("notPaired", "this phone is not paired with that device");
  return { contact_list: list.map((device) => ({ ...device, status: device.rights?.includes("beCalled") === true && !device.removed ? 1 : 0 })) };
}
