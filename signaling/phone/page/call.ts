import { currentCall, flipCamera, hangUp, localStream, remoteStream, setCamera, setMic, type CurrentCall } from "../src/sdk.js";
import { h, icon, setText, show, type IconName } from "./dom.js";
import { initial } from "./home.js";
import { clockTime, problemKey, stateKey } from "./strings.js";
import { words } from "./words.js";

const slowPermission = 1200;

/** The call: the device's picture, own picture, and what can be done. */
export class CallView {
  readonly element: HTMLElement;
  readonly #remote = h("video", { class: "remote", autoplay: true, playsinline: true, "data-testid": "remote-video" });
  readonly #local = h("video", { class: "local", autoplay: true, playsinline: true, muted: true, "data-testid": "local-video", "aria-label": words("yourPicture") });
  readonly #avatar = h("div", { class: "avatar", "aria-hidden": "true" });
  readonly #hello = h("p", { class: "hello", "aria-hidden": "true" });
  readonly #name = h("h1", { class: "call-name", "data-testid": "device-name" });
  readonly #state = h("p", { class: "call-state", role: "status", "data-testid": "state" });
  readonly #timer = h("span", { class: "timer", "data-testid": "timer" });
  readonly #remaining = h("span", { class: "remaining", role: "timer", "data-testid": "remaining" });
  readonly #notice = h("p", { class: "notice", role: "status", "data-testid": "notice" });
  readonly #sound = h("button", { type: "button", class: "button tonal sound", "data-testid": "sound" }, icon("sound"), h("span", {}, words("tapForSound")));
  readonly #mute = control("mute", "M", ["mic", "slash"]);
  readonly #camera = control("camera", "V", ["video", "slash"]);
  readonly #flip = control("flip", undefined, ["flip"]);
  readonly #hangUp = control("hang-up", "Escape", ["phone"]);
  #localTracks = "";
  #playing: MediaStream | undefined;
  #hint: ReturnType<typeof setTimeout> | undefined;
  #slow = false;

  constructor() {
    this.#local.muted = true;
    this.element = h(
      "section",
      { class: "call", "data-testid": "call" },
      this.#remote,
      this.#local,
      h("div", { class: "centre" }, h("div", { class: "pulse" }, this.#avatar), this.#hello),
      h("header", { class: "call-head" }, this.#name, h("div", { class: "call-line" }, this.#state, this.#timer, this.#remaining), this.#notice),
      h("div", { class: "sound-box" }, this.#sound),
      h("div", { class: "controls", role: "toolbar" }, this.#mute.element, this.#camera.element, this.#flip.element, this.#hangUp.element),
    );
    this.#mute.onPress(() => {
      this.#toggleMic();
    });
    this.#camera.onPress(() => {
      this.#toggleCamera();
    });
    this.#flip.onPress(() => {
      void flipCamera();
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
    // A picture that is cropped to fill the screen can be seen whole.
    this.#remote.addEventListener("click", () => this.#remote.classList.toggle("whole"));
    const picture = (): void => {
      this.element.classList.toggle("has-picture", this.#remote.videoWidth > 0);
    };
    this.#remote.addEventListener("resize", picture);
    this.#remote.addEventListener("loadeddata", picture);
  }

  /** Takes the keys of a call. Reports whether the key was one. */
  key(event: KeyboardEvent): boolean {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return false;
    switch (event.key.toLowerCase()) {
      case "m":
        this.#toggleMic();
        return true;
      case "v":
        this.#toggleCamera();
        return true;
      case "h":
      case "escape":
        leave();
        return true;
      default:
        return false;
    }
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
    this.#remote.setAttribute("aria-label", words("picture", { name: call.deviceName }));
    this.#state.dataset["state"] = call.phase;
    setText(this.#state, words(stateKey(call.phase, call.isCaller)));
    show(this.#state, call.phase !== "talking");
    show(this.#timer, talking);
    setText(this.#timer, clockTime(call.elapsed));
    show(this.#remaining, call.remaining !== undefined);
    if (call.remaining !== undefined) {
      setText(this.#remaining, words("left", { time: clockTime(call.remaining) }));
      this.#remaining.dataset["hurry"] = call.remaining <= 10 ? "much" : call.remaining <= 30 ? "some" : "none";
    }
    this.#notices(call);
    setText(this.#hello, call.remote?.camera === false && call.roomType === "video" ? words("remoteCameraOff") : "");
    this.#controls(call);
    this.#streams(call);
  }

  /** The call page is left. */
  close(): void {
    clearTimeout(this.#hint);
    this.#hint = undefined;
    this.#slow = false;
    this.#remote.srcObject = null;
    this.#local.srcObject = null;
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
    lines.push(...call.problems.map((problem) => words(problemKey(problem))));
    if (call.remote?.mic === false) lines.push(words("remoteMuted", { name: call.deviceName }));
    if (call.remote && call.remote.quality <= 1 && call.phase === "talking") lines.push(words("weak"));
    show(this.#notice, lines.length > 0);
    setText(this.#notice, lines.join("\n"));
  }

  #controls(call: CurrentCall): void {
    const usable = call.here && call.phase !== "preparing" && call.phase !== "leaving" && call.phase !== "ended";
    this.#mute.label(words(call.mic ? "mute" : "unmute"), !call.mic);
    this.#camera.label(words(call.camera ? "cameraOff" : "cameraOn"), !call.camera);
    this.#mute.enable(usable);
    this.#camera.enable(usable);
    show(this.#mute.element, call.here);
    show(this.#camera.element, call.here && call.roomType === "video");
    show(this.#flip.element, call.here && call.camera && navigator.maxTouchPoints > 0 && call.roomType === "video");
    this.#hangUp.enable(call.phase !== "leaving" && call.phase !== "ended");
  }

  #streams(call: CurrentCall): void {
    const local = call.here ? localStream() : undefined;
    const video = local?.getVideoTracks()[0];
    if ((video?.id ?? "") !== this.#localTracks) {
      this.#localTracks = video?.id ?? "";
      this.#local.srcObject = video ? local : null;
      // The back camera is not shown as a mirror.
      this.#local.classList.toggle("mirror", video?.getSettings().facingMode !== "environment");
    }
    show(this.#local, video !== undefined);
    const remote = call.here ? remoteStream() : undefined;
    if (remote === this.#playing) return;
    this.#playing = remote;
    this.#remote.srcObject = remote ?? null;
    if (remote) this.#play();
  }

  /** Browsers refuse to play sound on a page that nobody has touched: then a button asks for the touch. */
  #play(): void {
    this.#remote.play().then(
      () => {
        show(this.#sound, false);
      },
      (error: unknown) => {
        show(this.#sound, error instanceof DOMException && error.name === "NotAllowedError");
      },
    );
  }

  #toggleMic(): void {
    const call = currentCall();
    if (call?.here) void setMic(!call.mic).catch(() => undefined); // the call ended meanwhile
  }

  #toggleCamera(): void {
    const call = currentCall();
    if (call?.here && call.roomType === "video") void setCamera(!call.camera).catch(() => undefined);
  }
}

function leave(): void {
  void hangUp().catch(() => undefined); // it is over already
}

interface Control {
  readonly element: HTMLElement;
  onPress(press: () => void): void;
  /** What the button does; `off`: what it stands for is off; `short` stands below it. */
  label(text: string, off: boolean, short?: string): void;
  enable(enabled: boolean): void;
}

/** A round button with its word below. */
function control(id: string, shortcut: string | undefined, icons: readonly IconName[]): Control {
  const button = h(
    "button",
    { type: "button", class: `round round-${id}`, "data-testid": id, ...(shortcut === undefined ? {} : { "aria-keyshortcuts": shortcut }) },
    icon(...icons),
  );
  const caption = h("span", { class: "caption", "aria-hidden": "true" });
  return {
    element: h("div", { class: "control" }, button, caption),
    onPress: (press) => {
      button.addEventListener("click", press);
    },
    label: (text, off, short = text) => {
      setText(caption, short);
      button.setAttribute("aria-label", text);
      button.title = text;
      button.classList.toggle("off", off);
    },
    enable: (enabled) => {
      button.disabled = !enabled;
    },
  };
}
