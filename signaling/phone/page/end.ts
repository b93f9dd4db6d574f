import { pageSettings, type CurrentCall, type Device, type RoomType } from "../src/sdk.js";
import { h, icon } from "./dom.js";
import { initial } from "./home.js";
import { device } from "./known.js";
import { mayCall } from "./rights.js";
import { clockTime } from "./strings.js";
import { words } from "./words.js";

/** How a call has ended, and what may come next. */
export interface EndParts {
  readonly call: Pick<CurrentCall, "dkt" | "deviceName" | "elapsed" | "end">;
  /** Why, in words. */
  readonly why: string;
  readonly again: (device: Device, roomType: RoomType) => void;
  readonly done: () => void;
}

/** The end of a call: why, how long it was, and calling again. */
export function endView({ call, why, again, done }: EndParts): HTMLElement {
  const known = device(call.dkt);
  const forbidden = call.end?.cause === "forbidden" || call.end?.detail === "revoked";
  const may = known && mayCall(known) && !forbidden;
  const { end } = pageSettings();
  const button = (roomType: RoomType, to: Device): HTMLElement =>
    h(
      "button",
      { type: "button", class: `button ${roomType === "video" ? "primary" : "tonal"}`, "data-testid": `call-${roomType}`, onclick: () => { again(to, roomType); } },
      icon(roomType === "video" ? "video" : "phone"),
      h("span", {}, words(roomType === "video" ? "videoCall" : "voiceCall")),
    );
  const leave = (): void => {
    if (!end) {
      done();
      return;
    }
    const url = end.url + (end.options === undefined ? "" : `?${end.options}`);
    if ((end.routeType ?? "redirectTo") === "redirectTo") location.replace(url);
    else location.assign(url);
  };
  return h(
    "section",
    { class: "card end", "data-testid": "end" },
    h("div", { class: "avatar", "aria-hidden": "true" }, initial(call.deviceName)),
    h("p", { class: "end-name", "data-testid": "device-name" }, call.deviceName),
    h("h1", { tabindex: "-1", "data-testid": "end-why" }, why),
    call.elapsed > 0 ? h("p", { class: "end-time", "data-testid": "end-time" }, words("talked", { time: clockTime(call.elapsed) })) : undefined,
    h(
      "div",
      { class: "actions" },
      ...(may ? [button("video", known), button("voice", known)] : []),
      h("button", { type: "button", class: "button plain", "data-testid": "done", onclick: leave }, words("done")),
    ),
  );
}
