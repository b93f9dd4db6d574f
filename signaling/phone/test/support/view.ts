import type { CallView } from "../../src/view.js";

/** A call in its talk, as a tab sees it. */
export const talking: CallView = {
  phase: "talking",
  isCaller: true,
  roomId: "r1",
  dkt: "d",
  deviceName: "Front door",
  roomType: "video",
  elapsed: 3,
  remaining: 57,
  mic: true,
  camera: true,
  problems: [],
  remote: undefined,
  end: undefined,
  endedByDevice: false,
};
