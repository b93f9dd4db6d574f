/**
 * The call page. It uses only the SDK.
 *
 * `window.callbox` is the SDK's own module namespace: frozen, and the same
 * functions that this page calls. Support and end-to-end tests read
 * `callbox.events()` (the last 200 events with their times), `callbox.stats()`,
 * `callbox.currentCall()`, `callbox.devices()`, `callbox.remoteStream()` and
 * `callbox.localStream()` there. The main elements carry `data-testid`:
 * paste-link, paste-confirm, touch, pair-confirm, pair-name, call-video, call-voice, notify, wake, wake-why, incoming, answer,
 * decline, hang-up, mute, camera, remote-video, local-video, toast, timer, remaining, notice, state (with
 * `data-state`: the phase), device-name, device-state (with `data-link`).
 * More in a call: door, speaker, pip, full, flip, quality, peer-muted. On a device's card: rights, device-why, more,
 * forget. After a call: end, end-why, end-time, done, and call-video and call-voice again.
 * It is entered with `?roomId=`, and `wokenBy=` with the thumbprint or the serial number of the device that calls.
 * The root element has `data-view`: problem, pairing, home, incoming, call or end.
 */
import * as callbox from "../src/sdk.js";
import { Attention } from "./attention.js";
import { Awake } from "./awake.js";
import { CallView } from "./call.js";
import { EndView, type EndParts } from "./end.js";
import { HomeView } from "./home.js";
import { IncomingView, kindOf } from "./incoming.js";
import { follow } from "./known.js";
import { brokerLogin } from "./login.js";
import { isCalled, ringOf, tidyNotices } from "./notices.js";
import { pairingView } from "./pairing.js";
import { problemView } from "./problem.js";
import { Ringback } from "./ringback.js";
import { Ringtone } from "./ringtone.js";
import { keepShell } from "./shell.js";
import { onSounds, waitForTouch } from "./sounds.js";
import { endKey, errorKey, type StringKey } from "./strings.js";
import { clearToast, toast } from "./toast.js";
import { language, words } from "./words.js";

declare global {
  interface Window {
    readonly callbox: typeof callbox;
  }
}

type View = "problem" | "pairing" | "home" | "incoming" | "call" | "end";

/** Failures of an attempt that the person has watched. */
const attempts: readonly callbox.ErrorCode[] = ["unreachable", "unsupported", "badRequest", "needNonce", "aborted", "mediaUnavailable"];

class Page {
  readonly #root = document.getElementById("app") ?? document.body;
  readonly #home = new HomeView((device, roomType) => {
    void this.#call(device, roomType);
  });
  readonly #callView = new CallView();
  readonly #incoming = new IncomingView();
  readonly #ringback = new Ringback();
  readonly #ringtone = new Ringtone();
  readonly #attention = new Attention();
  readonly #awake = new Awake("wakeLock" in navigator ? navigator.wakeLock : undefined, document);
  #link: callbox.PairingLink | undefined;
  /** The question about it. */
  #pairing: HTMLElement | undefined;
  /** The address that the link came by. */
  #linkAddress = "";
  #view = "";
  /** The call whose end was told, or that failed with an error of its own. */
  #told = "";
  /** The end of the last call, until the person has seen it. */
  #end: EndView | undefined;
  /** The call that was said to be seen. */
  #shown = "";

  async run(): Promise<void> {
    document.documentElement.lang = language;
    const fragment = location.hash;
    this.#takeLink();
    void keepShell();
    const env = self === top ? callbox.environment() : "framed";
    if (env !== "ok") {
      this.#show("problem", problemView(env, fragment));
      return;
    }
    waitForTouch();
    onSounds(() => {
      if (this.#view === "incoming") this.#render();
    });
    addEventListener("hashchange", () => {
      this.#takeLink();
      this.#render();
    });
    addEventListener("popstate", () => {
      this.#address(callbox.currentCall());
    });
    document.addEventListener("visibilitychange", () => {
      this.#shown = "";
      this.#render();
    });
    addEventListener("keydown", (event) => {
      const view = this.#view === "call" ? this.#callView : this.#view === "incoming" ? this.#incoming : undefined;
      if (view?.key(event)) event.preventDefault();
    });
    callbox.onVoipEvent(({ eventName, data }) => {
      if (eventName === "limitWarning") toast(words("limitWarning", { seconds: String(data.secondsLeft) }));
      else if (eventName === "ringBusy") toast(words("end_missed", { name: data.deviceName }));
    });
    callbox.onCall(() => {
      this.#render();
    });
    callbox.setBrokerLogin(brokerLogin);
    try {
      await callbox.start();
    } catch (error) {
      this.#say(error);
    }
    this.#render();
    await follow(() => {
      this.#render();
    });
    tidyNotices();
    await this.#home.open();
    const wish = callbox.takeCallWish();
    if (wish) await this.#place(wish);
    else await this.#enter();
  }

  /**
   * The page was entered with a room, perhaps by the notification of a ring, which comes
   * once the device is connected. A call that does not run here or in another tab is over.
   */
  async #enter(): Promise<void> {
    const { search } = location;
    const { groupId, roomId = groupId, wokenBy } = callbox.getPluginEnterOptions().query;
    if (roomId === undefined) return;
    const ring = await ringOf(roomId, wokenBy);
    const call = callbox.currentCall();
    if (ring === "rings" || (call && call.phase !== "ended") || location.search !== search) return;
    history.replaceState(null, "", callbox.CALL_PAGE_PATH);
    const name = wokenBy === undefined ? undefined : (await callbox.devices()).find((device) => isCalled(device, wokenBy))?.name;
    if (name === undefined) toast(words("callOver"));
    else toast(words(ring === "over" ? "end_missed" : "end_unreachable", { name }));
  }

  #takeLink(): void {
    const address = location.href;
    const link = callbox.takePairingLink();
    if (link === "invalid") toast(words("error_pairLinkInvalid"));
    else if (link) {
      this.#link = link;
      this.#pairing = undefined;
      this.#linkAddress = address;
      this.#end = undefined;
      if (this.#view === "pairing") this.#view = ""; // the question on the page is about an earlier link
    }
  }

  async #call(device: callbox.Device, roomType: callbox.RoomType): Promise<void> {
    await this.#place({ dkt: device.dkt, roomType });
  }

  async #place(options: callbox.CallOptions): Promise<void> {
    try {
      await callbox.callDevice(options);
    } catch (error) {
      const call = callbox.currentCall();
      // The person has seen the attempt: its end gets a page as any other's.
      if (error instanceof callbox.CallboxError && attempts.includes(error.code) && call && (options.dkt ?? call.dkt) === call.dkt) {
        this.#showEnd(call, errorKey(error.code));
        this.#render();
      } else {
        this.#say(error, call?.deviceName);
      }
    }
  }

  #say(error: unknown, name = ""): void {
    toast(words(error instanceof callbox.CallboxError ? errorKey(error.code) : "error_unknown", { name }));
  }

  #render(): void {
    const call = callbox.currentCall();
    if (call?.phase === "incoming" && this.#view !== "incoming") this.#title("incoming", call); // the title that blinks, and comes back
    this.#ring(call);
    if (call && call.phase !== "ended") this.#end = undefined;
    this.#tellShown(call);
    if (call?.phase === "incoming") {
      if (this.#view !== "incoming") clearToast();
      this.#incoming.update(call);
      this.#show("incoming", this.#incoming.element);
      this.#awake.keep(true);
      return;
    }
    if (call && call.phase !== "ended") {
      if (this.#view !== "call") clearToast();
      this.#show("call", this.#callView.element);
      this.#callView.update(call);
      this.#address(call);
      this.#awake.keep(true);
      return;
    }
    this.#awake.keep(false);
    if (this.#view === "call") this.#callView.close();
    if (this.#view === "call" || this.#view === "incoming") {
      history.replaceState(null, "", callbox.CALL_PAGE_PATH);
    }
    if (call && (this.#view === "call" || this.#view === "incoming")) this.#tellEnd(call);
    if (this.#link) {
      if (this.#view === "pairing") return;
      const link = this.#link;
      // A call may come in between: what was typed is still there afterwards.
      this.#pairing ??= pairingView(link, this.#linkAddress, () => {
        if (this.#link === link) this.#link = this.#pairing = undefined;
        this.#render();
      });
      this.#show("pairing", this.#pairing);
      return;
    }
    this.#end?.update();
    if (this.#end) this.#show("end", this.#end.element);
    else this.#show("home", this.#home.element);
  }

  /** The app hears that the person sees the call. */
  #tellShown(call: callbox.CurrentCall | undefined): void {
    if (!call?.here || call.roomId === "" || call.roomId === this.#shown || call.phase === "inviting" || call.phase === "ended") return;
    if (document.visibilityState !== "visible") return;
    this.#shown = call.roomId;
    void callbox.callPageShown().catch(() => undefined); // it ended meanwhile
  }

  /** What is heard of a call before it is answered, at either end. */
  #ring(call: callbox.CurrentCall | undefined): void {
    if (call?.here && call.isCaller && call.phase === "ringing") this.#ringback.start();
    else this.#ringback.stop();
    if (call?.here && call.phase === "incoming") {
      this.#ringtone.start();
      this.#attention.call(call, kindOf(call));
    } else {
      this.#ringtone.stop();
      this.#attention.stop();
    }
  }

  #tellEnd(call: callbox.CurrentCall): void {
    // An attempt that the device never answered is told by callDevice's error.
    const answered = callbox.events().some((event) => event.roomId === call.roomId);
    if (!answered || call.roomId === this.#told) return;
    this.#told = call.roomId;
    const why = endKey(call);
    // What the person did, or need not do any more, is no news.
    const { cause, origin } = call.end ?? {};
    const known = cause === "answeredElsewhere" || (!call.endedByDevice && (cause === "cancelled" || (cause === "rejected" && !call.isCaller)));
    const limit = origin === "timeLimit";
    if (!known) this.#showEnd(call, limit ? "timeUp" : why);
    if (known) toast(words(why, { name: call.deviceName }));
  }

  #showEnd(call: EndParts["call"], why: StringKey): void {
    const again = (device: callbox.Device, roomType: callbox.RoomType): void => {
      void this.#call(device, roomType);
    };
    const done = (): void => {
      this.#end = undefined;
      this.#render();
    };
    this.#end = new EndView({ call, why, again, done });
  }

  /** The page's name in the list of tabs and in a screen reader's mouth. */
  #title(view: View, call: callbox.CurrentCall | undefined): void {
    const name = call?.deviceName ?? "";
    const says: Readonly<Record<View, string>> = {
      problem: words("problemTitle"),
      pairing: words("pairTitle"),
      home: "",
      incoming: words("callsYou", { name }),
      call: words("callWith", { name }),
      end: this.#end?.why ?? "",
    };
    document.title = says[view] === "" ? words("appName") : `${says[view]} · ${words("appName")}`;
  }

  /** The address names the running call; going back does not leave it. */
  #address(call: callbox.CurrentCall | undefined): void {
    if (!call || call.phase === "ended" || call.roomId === "") return;
    if (callbox.getPluginEnterOptions().query["roomId"] === call.roomId) return;
    history.pushState(null, "", `${callbox.CALL_PAGE_PATH}?roomId=${encodeURIComponent(call.roomId)}`);
  }

  #show(view: View, element: HTMLElement): void {
    if (this.#view === view && element.isConnected) return;
    this.#view = view;
    document.documentElement.dataset["view"] = view;
    this.#title(view, callbox.currentCall());
    this.#root.replaceChildren(element);
    scrollTo(0, 0);
    if (view === "incoming") this.#incoming.opened();
    if (view === "call") this.#callView.opened();
    if (view === "end") element.querySelector("h1")?.focus();
    if (view === "pairing") element.querySelector<HTMLElement>("[data-testid=pair-confirm]")?.focus();
  }
}

Object.defineProperty(window, "callbox", { value: callbox, enumerable: true });
void new Page().run();
