/** The devices as the SDK said last, for what is drawn at once. */
import { devices, onDevices, type Device } from "../src/sdk.js";

const known = new Map<string, Device>();

/** A paired device by its key's thumbprint. */
export function device(dkt: string): Device | undefined {
  return known.get(dkt);
}

/** Follows the devices from now on; `changed` is called after each change. */
export async function follow(changed: () => void): Promise<void> {
  const look = async (): Promise<void> => {
    const list = await devices();
    known.clear();
    for (const one of list) known.set(one.dkt, one);
    changed();
  };
  onDevices(() => {
    void look();
  });
  await look();
}
