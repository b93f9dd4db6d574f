import assert from "node:assert/strict";
import { beforeEach, describe as suite, test } from "node:test";
import { BrowserMedia, defaultMedia } from "../src/media.js";

/** A camera or a microphone of this browser. */
class FakeTrack {
  enabled = true;
  stopped = false;
  onended: (() => void) | null = null;
  constructor(
    readonly kind: "audio" | "video",
    private readonly settings: MediaTrackSettings,
  ) {}
  getSettings(): MediaTrackSettings {
    return this.settings;
  }
  stop(): void {
    this.stopped = true;
  }
}

const asked: MediaTrackConstraints[] = [];
let refused: (wanted: MediaTrackConstraints) => boolean = () => false;
/** Whether the cameras have a side, as a phone's. */
let sided = true;
let cameras = ["front", "back"];

async function get({ audio, video }: MediaStreamConstraints): Promise<MediaStream> {
  const tracks: FakeTrack[] = [];
  if (audio !== undefined) tracks.push(new FakeTrack("audio", {}));
  if (typeof video === "object") {
    asked.push(video);
    if (refused(video)) throw new DOMException("", "NotReadableError");
    const { facingMode, deviceId } = video;
    tracks.push(new FakeTrack("video", sided && typeof facingMode === "string" ? { facingMode } : { deviceId: (deviceId as { exact?: string } | undefined)?.exact ?? cameras[0] ?? "" }));
  }
  const of = (kind: string): FakeTrack[] => tracks.filter((track) => track.kind === kind);
  return Promise.resolve({ getAudioTracks: () => of("audio"), getVideoTracks: () => of("video") } as unknown as MediaStream);
}

Object.defineProperty(globalThis, "navigator", {
  value: { mediaDevices: { enumerateDevices: async () => Promise.resolve(cameras.map((deviceId) => ({ kind: "videoinput", deviceId }))) } },
  configurable: true,
});

beforeEach(() => {
  asked.length = 0;
  refused = () => false;
  sided = true;
  cameras = ["front", "back"];
});

async function opened(settings = defaultMedia): Promise<BrowserMedia> {
  const media = new BrowserMedia(settings, () => undefined, get);
  await media.open({ audio: true, video: true });
  return media;
}

suite("another camera", () => {
  test("of a phone: to the back, and to the front again; the old one goes first", async () => {
    const media = await opened();
    const first = media.video as unknown as FakeTrack;
    assert.equal(await media.flip(), true);
    assert.equal(first.stopped, true);
    assert.equal(await media.flip(), true);
    assert.deepEqual(asked.map(({ facingMode }) => facingMode), ["user", "environment", "user"]);
  });
  test("of a computer: each has its turn", async () => {
    sided = false;
    cameras = ["a", "b", "c"];
    const media = await opened();
    for (let i = 0; i < 3; i++) await media.flip();
    assert.deepEqual(asked.slice(1).map(({ deviceId }) => deviceId), [{ exact: "b" }, { exact: "c" }, { exact: "a" }]);
    assert.equal(media.video?.getSettings().deviceId, "a");
  });
  test("that cannot be opened gives the old one back", async () => {
    const media = await opened();
    refused = ({ facingMode }) => facingMode === "environment";
    assert.equal(await media.flip(), true);
    assert.equal(media.video?.getSettings().facingMode, "user");
  });
  for (const [name, side] of Object.entries<ConstrainDOMString>({ "as a word": "environment", "as a wish": { ideal: "environment" } })) {
    test(`begins as the page has configured it, ${name}, and goes to the front from there`, async () => {
      const media = await opened({ ...defaultMedia, video: { facingMode: side } });
      await media.set("video", false);
      await media.flip();
      await media.set("video", true);
      assert.deepEqual(asked.map(({ facingMode }) => facingMode), [side, "user"]);
    });
  }
  test("leaves what the page has configured alone", async () => {
    const video = { deviceId: { exact: "front" }, width: 1280 };
    await opened({ ...defaultMedia, video });
    assert.deepEqual(asked, [video]);
  });
  test("is remembered while the camera is off", async () => {
    const media = await opened();
    await media.set("video", false);
    assert.equal(await media.flip(), true);
    assert.equal(media.video, null);
    await media.set("video", true);
    assert.deepEqual(asked.map(({ facingMode }) => facingMode), ["user", "environment"]);
  });
});
