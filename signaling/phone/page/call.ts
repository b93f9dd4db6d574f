import { currentCall, flipCamera, hangUp, localStream, pageSettings, remoteStream, setCamera, setMic, setSpeaker, type CurrentCall } from "../src/sdk.js";
import { control } from "./controls.js";
import { DoorButton } from "./door.js";
import { h, icon, setText, show } from "./dom.js";
import { initial } from "./home.js";
import { Fit } from "./fit.js";
import { letterKeys } from "./letters.js";
import { Peer } from "./peer.js";
import { Picture } from "./picture.js";
import { Quiet } from "./quiet.js";
import { Screen } from "./screen.js";
import { Speaker } from "./speaker.js";
import { clockTime, problemKey, stateKey } from "./strings.js";
import { words } from "./words.js";

const slowPermission = 1200;
/** Two presses on the picture within so many milliseconds are one double press. */
const double = 300;

/** The call: the device's picture, own picture, and what can be done. */
export class CallView {
  readonly element: HTMLElement;
  readonly #remote = new Picture("remote");
  readonly #local = new Picture("local");
  readonly #avatar = h("div", { class: "avatar", "aria-hidden": "true" });
  readonly #hello = h("p", { class: "hello", "aria-hidden": "true" });
  readonly #name = h("h1", { class: "call-name", "data-testid": "device-name" });
  readonly #state = h("p", { class: "call-state", role: "status", "data-testid": "state" });
  readonly #timer = h("span", { class: "timer", "data-testid": "timer" });
  readonly #remaining = h("span", { class: "remaining", role: "timer", "data-testid": "remaining" });
  readonly #peer = new Peer();
  readonly #notice = h("p", { class: "notice", role: "status", "data-testid": "notice" });
  readonly #sound = h("button", { type: "button", class: "button tonal sound", "data-testid": "sound" }, icon("sound"), h("span", {}, words("tapForSound")));
  readonly #door = new DoorButton();
  readonly #speaker = new Speaker(this.#remote.video);
  readonly #screen = new Screen(this.#remote.video);
  readonly #fit = new Fit(this.#remote);
  readonly #mute = control("mute", "M", ["mic", "slash"]);
  readonly #camera = control("camera", "V", ["video", "slash"]);
  readonly #flip = control("flip", "C", ["flip"]);
  readonly #hangUp = control("hang-up", "Escape", ["phone"]);
  readonly #quiet: Quiet;
  #localTracks = "";
  #cameras = 1;
  #playing: MediaStream | undefined;
  #pressed = 0;
  #hint: ReturnType<typeof setTimeout> | undefined;
  #slow = false;

  constructor() {
    this.#local.video.muted = true;
    this.#local.video.setAttribute("aria-label", words("yourPicture"));
    const tools = h("div", { class: "tools" }, this.#fit.tool.element, this.#speaker.element, this.#screen.pip.element, this.#screen.full.element);
    this.element = h(
      "section",
      { class: "call", tabindex: "-1", "aria-label": words("callArea"), "data-testid": "call" },
      h("div", { class: "stage" }, this.#remote.element),
      this.#local.element,
      h("div", { class: "centre" }, h("div", { class: "pulse" }, this.#avatar), this.#hello),
      h(
        "header",
        { class: "call-head" },
        h("div", { class: "call-who" }, this.#name, h("div", { class: "call-line" }, this.#state, this.#timer, this.#peer.element, this.#remaining)),
        tools,
        this.#notice,
      ),
      h("div", { class: "sound-box" }, this.#sound),
      h(
        "footer",
        { class: "call-foot" },
        this.#door.element,
        h(
          "div",
          { class: "controls", role: "group", "aria-label": words("controls") },
          this.#mute.element,
          this.#camera.element,
          this.#flip.element,
          this.#hangUp.element,
        ),
      ),
    );
    this.#quiet = new Quiet(this.element);
    this.#mute.onPress(() => {
      this.#toggleMic();
    });
    this.#camera.onPress(() => {
      this.#toggleCamera();
    });
    this.#flip.onPress(() => {
      this.#flipCamera();
    });
    this.#hangUp.onPress(() => {
      leave();
    });
    this.#hangUp.label(words("hangUp"), false);
    this.#flip.label(words("flipCamera"), false, words("flip"));
    show(this.#sound, false);
    this.#sound.addEventListener("click", () => {
      this.#play();
    });
    this.#remote.element.addEventListener("click", () => {
      this.#press();
    });
    const picture = (): void => {
      this.element.classList.toggle("has-picture", this.#remote.video.videoWidth > 0);
      const now = currentCall();
      if (now && now.phase !== "ended") this.update(now);
    };
    this.#remote.video.addEventListener("resize", picture);
    this.#remote.video.addEventListener("loadeddata", picture);
  }

  /** It has been put on the page. */
  opened(): void {
    this.element.focus({ preventScroll: true });
  }

  /** Takes the keys of a call. Reports whether the key was one. */
  key(event: KeyboardEvent): boolean {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return false;
    const does: Readonly<Record<string, () => void>> = {
      m: () => { this.#toggleMic(); },
      v: () => { this.#toggleCamera(); },
      c: () => { this.#flipCamera(); },
      s: () => { this.#speaker.open(); },
      p: () => { this.#screen.togglePip(); },
      f: () => { this.#screen.toggleFull(); },
      w: () => { this.#fit.toggle(); },
      // The browser leaves the full screen by this key, and a list closes.
      escape: document.fullscreenElement || document.activeElement?.tagName === "SELECT" ? () => undefined : leave,
    };
    const act = Object.entries(does).find(([key]) => key === event.key.toLowerCase())?.[1];
    if (!act || (event.key.length === 1 && !letterKeys())) return false;
    // In the list of loudspeakers letters choose.
    if (document.activeElement?.tagName === "SELECT" && event.key !== "Escape") return false;
    this.#quiet.wake();
    act();
    return true;
  }

  update(call: CurrentCall): void {
    const { classList } = this.element;
    const talking = call.phase === "talking" || call.phase === "reconnecting";
    classList.toggle("video", call.roomType === "video");
    classList.toggle("talking", talking || call.phase === "connecting");
    classList.toggle("waiting", !talking);
    classList.toggle("elsewhere", !call.here);
    classList.toggle("remote-off", call.remote?.camera === false || call.roomType === "voice");
    this.element.dataset["phase"] = call.phase;

    setText(this.#name, call.deviceName);
    setText(this.#avatar, initial(call.deviceName));
    this.#remote.video.setAttribute("aria-label", words("picture", { name: call.deviceName }));
    this.#state.dataset["state"] = call.phase;
    setText(this.#state, words(stateKey(call.phase, call.isCaller)));
    this.#state.classList.toggle("only-heard", call.phase === "talking"); // the timer shows it
    show(this.#timer, talking);
    setText(this.#timer, clockTime(call.elapsed));
    show(this.#remaining, call.remaining !== undefined);
    if (call.remaining !== undefined) {
      setText(this.#remaining, words("left", { time: clockTime(call.remaining) }));
      this.#remaining.dataset["hurry"] = call.remaining <= 10 ? "much" : call.remaining <= 30 ? "some" : "none";
    }
    this.#peer.update(call);
    this.#notices(call);
    setText(this.#hello, call.remote?.camera === false && call.roomType === "video" ? words("remoteCameraOff") : "");
    this.#streams(call);
    this.#controls(call, talking);
    this.#door.update(call);
  }

  /** The call page is left. */
  close(): void {
    clearTimeout(this.#hint);
    this.#hint = undefined;
    this.#slow = false;
    this.#screen.leave();
    this.#fit.leave();
    this.#quiet.allow(false);
    document.documentElement.style.removeProperty("--head");
    this.#remote.video.srcObject = null;
    this.#local.video.srcObject = null;
    this.#playing = undefined;
    this.#localTracks = "";
    this.element.classList.remove("has-picture");
    show(this.#sound, false);
  }

  #notices(call: CurrentCall): void {
    if (call.phase === "preparing") {
      this.#hint ??= setTimeout(() => {
        this.#slow = true;
        const now = currentCall();
        if (now) this.update(now);
      }, slowPermission);
    }
    const lines: string[] = [];
    if (!call.here) lines.push(words("elsewhere"));
    if (call.phase === "preparing" && this.#slow) lines.push(words("permission"));
    lines.push(...call.problems.map((problem) => words(problemKey(problem))), ...this.#peer.lines(call));
    setText(this.#notice, lines.join("\n"));
    // Toasts stand below it.
    const lowest = lines.length > 0 ? this.#notice : this.#state.parentElement;
    document.documentElement.style.setProperty("--head", `${String(lowest?.getBoundingClientRect().bottom ?? 0)}px`);
  }

  #controls(call: CurrentCall, talking: boolean): void {
    const usable = call.here && call.phase !== "preparing" && call.phase !== "leaving" && call.phase !== "ended";
    const { callerUI, listenerUI, handsFree } = pageSettings().ui;
    this.#speaker.prefer(handsFree !== false);
    const [own, theirs] = call.isCaller ? [callerUI, listenerUI] : [listenerUI, callerUI];
    this.#remote.shape(theirs);
    // Own picture is a mirror; the back camera's is not.
    this.#local.shape(own, this.#facing() !== "environment");
    this.#mute.label(words(call.mic ? "mute" : "unmute"), !call.mic);
    this.#camera.label(words(call.camera ? "cameraOff" : "cameraOn"), !call.camera);
    this.#mute.enable(usable);
    this.#camera.enable(usable);
    this.#flip.enable(usable);
    const video = call.here && call.roomType === "video";
    show(this.#mute.element, call.here);
    show(this.#camera.element, video && own?.enableToggleCamera !== false);
    show(this.#flip.element, video && call.camera && this.#cameras > 1);
    this.#hangUp.enable(call.phase !== "leaving" && call.phase !== "ended");
    const seen = video && talking && this.element.classList.contains("has-picture") && call.remote?.camera !== false;
    this.#screen.update(seen);
    this.#fit.update(seen, theirs?.objectFit === undefined);
    this.#quiet.allow(seen && call.phase === "talking");
  }

  #facing(): string | undefined {
    const stream = this.#local.video.srcObject;
    return stream instanceof MediaStream ? stream.getVideoTracks()[0]?.getSettings().facingMode : undefined;
  }

  #streams(call: CurrentCall): void {
    const local = call.here ? localStream() : undefined;
    const video = local?.getVideoTracks()[0];
    if ((video?.id ?? "") !== this.#localTracks) {
      this.#localTracks = video?.id ?? "";
      this.#local.video.srcObject = video ? local : null;
      void this.#countCameras();
    }
    show(this.#local.element, video !== undefined);
    const remote = call.here ? remoteStream() : undefined;
    if (remote === this.#playing) return;
    this.#playing = remote;
    this.#remote.video.srcObject = remote ?? null;
    if (!remote) return;
    this.#play();
    void this.#speaker.look(pageSettings().ui.handsFree !== false);
  }

  /** Browsers tell of all cameras only once one is open. */
  async #countCameras(): Promise<void> {
    const all = await navigator.mediaDevices.enumerateDevices().catch(() => []);
    this.#cameras = all.filter(({ kind }) => kind === "videoinput").length;
    const now = currentCall();
    if (now && now.phase !== "ended") this.update(now);
  }

  /** A finger's press on the picture shows or hides the controls; two, of a mouse too, show the whole picture, or let it fill the page. */
  #press(): void {
    const now = performance.now();
    if (now - this.#pressed < double) {
      this.#fit.toggle();
      this.#pressed = 0;
    } else {
      this.#pressed = now;
    }
    if (this.#quiet.hidden || matchMedia("(hover: hover)").matches) this.#quiet.wake();
    else this.#quiet.hide();
  }

  /** Browsers refuse to play sound on a page that nobody has touched: then a button asks for the touch. */
  #play(): void {
    this.#remote.video.play().then(
      () => {
        this.#heard(true);
      },
      (error: unknown) => {
        if (error instanceof DOMException && error.name === "NotAllowedError") this.#heard(false);
      },
    );
  }

  /** The device is told, too. */
  #heard(yes: boolean): void {
    show(this.#sound, !yes);
    setSpeaker(yes).catch(() => undefined); // the call is over
  }

  #toggleMic(): void {
    const call = currentCall();
    if (call?.here) void setMic(!call.mic).catch(() => undefined); // the call ended meanwhile
  }

  #toggleCamera(): void {
    const call = currentCall();
    if (call?.here && !this.#camera.element.hidden) void setCamera(!call.camera).catch(() => undefined);
  }

  #flipCamera(): void {
    if (!this.#flip.element.hidden) void flipCamera().catch(() => undefined);
  }
}

function leave(): void {
  void hangUp().catch(() => undefined); // it is over already
}
