/** The phone's own microphone and camera. */

/** What went wrong with own media; the call goes on without it. */
export type MediaProblem = "micDenied" | "micMissing" | "micFailed" | "cameraDenied" | "cameraMissing" | "cameraFailed";

/** What the maker of a page may set before a call. */
export interface MediaSettings {
  /** Of the microphone. Default: echo cancellation, noise suppression and gain control. */
  readonly audio: MediaTrackConstraints;
  /** Of the camera. Default: 640 x 480 at 30 pictures a second, the one that faces the person. */
  readonly video: MediaTrackConstraints;
}

export const defaultMedia: MediaSettings = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30, max: 30 }, facingMode: "user" },
};

/** What session.ts needs of own media; tests bring their own. */
export interface OwnMedia {
  readonly audio: MediaStreamTrack | null;
  readonly video: MediaStreamTrack | null;
  readonly problems: ReadonlySet<MediaProblem>;
  /** Opens what is wanted; what cannot be opened is noted in `problems`. */
  open(want: { readonly audio: boolean; readonly video: boolean }): Promise<void>;
  /** Turns a kind on or off. Off stops a camera (its light goes out); a microphone is muted. False: it could not be opened. */
  set(kind: "audio" | "video", on: boolean): Promise<boolean>;
  /** Takes the other camera of the phone (front, back). */
  flip(): Promise<boolean>;
  close(): void;
}

type GetUserMedia = (constraints: MediaStreamConstraints) => Promise<MediaStream>;

/** The browser's media. */
export class BrowserMedia implements OwnMedia {
  readonly #settings: MediaSettings;
  readonly #get: GetUserMedia;
  /** A track has ended by itself: unplugged, or taken back by the person. */
  readonly #ended: () => void;
  readonly problems = new Set<MediaProblem>();
  audio: MediaStreamTrack | null = null;
  video: MediaStreamTrack | null = null;
  /** What flip has chosen, over the settings. */
  #which: MediaTrackConstraints = {};
  #closed = false;

  constructor(settings: MediaSettings, ended: () => void, get: GetUserMedia = async (c) => navigator.mediaDevices.getUserMedia(c)) {
    this.#settings = settings;
    this.#ended = ended;
    this.#get = get;
  }

  async open(want: { readonly audio: boolean; readonly video: boolean }): Promise<void> {
    if (want.audio && want.video) {
      // One question to the person when both are there.
      try {
        const stream = await this.#get({ audio: this.#settings.audio, video: this.#video() });
        this.#take("audio", stream);
        this.#take("video", stream);
        return;
      } catch {
        // One of the two is missing or denied: each by itself tells which.
      }
    }
    if (want.audio) await this.#acquire("audio");
    if (want.video) await this.#acquire("video");
  }

  async set(kind: "audio" | "video", on: boolean): Promise<boolean> {
    const track = this[kind];
    if (on) {
      if (track) {
        track.enabled = true;
        return true;
      }
      return this.#acquire(kind);
    }
    if (!track) return true;
    if (kind === "audio") {
      track.enabled = false;
    } else {
      track.stop();
      this.video = null;
    }
    return true;
  }

  async flip(): Promise<boolean> {
    const before = this.#which;
    const { facingMode, deviceId } = this.video?.getSettings() ?? {};
    // A phone's cameras look to the front or to the back; elsewhere each one has its turn.
    const next = facingMode === undefined && this.video ? await nextCamera(deviceId) : undefined;
    const back = /env/.test(facingMode ?? JSON.stringify(this.#video().facingMode));
    this.#which = next === undefined ? { facingMode: back ? "user" : "environment" } : { deviceId: { exact: next } };
    if (!this.video) return true;
    // Phones open one camera at a time: the old one has to go first.
    this.video.stop();
    this.video = null;
    if (await this.#acquire("video")) return true;
    this.#which = before;
    return this.#acquire("video");
  }

  close(): void {
    this.#closed = true;
    this.audio?.stop();
    this.video?.stop();
    this.audio = null;
    this.video = null;
  }

  #video(): MediaTrackConstraints {
    return { ...this.#settings.video, ...this.#which };
  }

  async #acquire(kind: "audio" | "video"): Promise<boolean> {
    const name = kind === "audio" ? "mic" : "camera";
    for (const end of ["Denied", "Missing", "Failed"] as const) this.problems.delete(`${name}${end}`);
    try {
      const stream = await this.#get(kind === "audio" ? { audio: this.#settings.audio } : { video: this.#video() });
      this.#take(kind, stream);
      return this[kind] !== null;
    } catch (error) {
      this.problems.add(`${name}${reason(error)}`);
      return false;
    }
  }

  #take(kind: "audio" | "video", stream: MediaStream): void {
    const track = (kind === "audio" ? stream.getAudioTracks() : stream.getVideoTracks())[0];
    if (!track) return;
    if (this.#closed) {
      track.stop();
      return;
    }
    this[kind]?.stop();
    this[kind] = track;
    track.onended = () => {
      if (this[kind] !== track) return;
      this[kind] = null;
      this.problems.add(kind === "audio" ? "micFailed" : "cameraFailed");
      this.#ended();
    };
  }
}

/** The camera behind that one, in the browser's list. */
async function nextCamera(deviceId: string | undefined): Promise<string | undefined> {
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  const at = cameras.findIndex((camera) => camera.deviceId === deviceId);
  return cameras.length > 1 ? cameras[(at + 1) % cameras.length]?.deviceId : undefined;
}

function reason(error: unknown): "Denied" | "Missing" | "Failed" {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "Denied";
  return name === "NotFoundError" || name === "OverconstrainedError" ? "Missing" : "Failed";
}
