/**
 * The fake device inside a browser, in the place of WebSocket: a moving picture
 * and a real connection, for looking at the page.
 */
import { FakeDevice, textOf, type Received } from "./device.js";
import { formatPairingLink } from "../../src/pairing.js";

declare global {
  var fakeDevice: { fragment(): string; accept(timeLimit?: number): void; end(): void };
}

const making = FakeDevice.make("vestibule-7Q2K", "Front door");
let device: FakeDevice | undefined;
let peer: RTCPeerConnection | undefined;
let room = "";
let answer = "";
let wait: Promise<void> | undefined;

/** A street at dusk, with something that moves. */
function picture(): MediaStream {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
  const g = canvas.getContext("2d");
  const draw = (at: number): void => {
    if (!g) return;
    const sky = g.createLinearGradient(0, 0, 0, 480);
    sky.addColorStop(0, "#31456b");
    sky.addColorStop(0.6, "#d99a6c");
    sky.addColorStop(1, "#3d3a37");
    g.fillStyle = sky;
    g.fillRect(0, 0, 640, 480);
    g.fillStyle = "#2b2a2d";
    for (let i = 0; i < 6; i++) g.fillRect(i * 115, 150 + ((i * 53) % 90), 95, 330);
    g.fillStyle = "#1b1d22";
    g.fillRect(0, 380, 640, 100);
    g.fillStyle = "#ffe6a8";
    g.beginPath();
    g.arc(320 + 200 * Math.sin(at / 900), 330, 26, 0, 7);
    g.fill();
    requestAnimationFrame(draw);
  };
  draw(0);
  return canvas.captureStream(20);
}

async function connect(offer: Received): Promise<void> {
  const pc = new RTCPeerConnection();
  peer = pc;
  pc.createDataChannel("callbox", { negotiated: true, id: 0 });
  await pc.setRemoteDescription({ type: "offer", sdp: textOf(offer.payload["sdp"]) });
  const [track] = picture().getVideoTracks();
  const video = pc.getTransceivers().find((t) => t.receiver.track.kind === "video");
  if (video && track) {
    await video.sender.replaceTrack(track);
    video.direction = "sendrecv";
  }
  await pc.setLocalDescription(await pc.createAnswer());
  await new Promise<void>((done) => {
    const check = (): void => {
      if (pc.iceGatheringState === "complete") done();
    };
    pc.onicegatheringstatechange = check;
    check();
  });
  answer = pc.localDescription?.sdp ?? "";
}

function opened(): FakeDevice {
  if (!device) throw new Error("no device yet");
  return device;
}

globalThis.fakeDevice = {
  fragment: () => `#pair=${formatPairingLink(opened().link([location.origin]))}`,
  accept: (timeLimit) => {
    void (async () => {
      await wait;
      const limit = timeLimit === undefined ? {} : { timeLimit };
      await opened().answer(room, "accept", { sdp: answer, ...limit });
      await opened().send(room, "start", limit);
    })();
  },
  end: () => {
    void opened().send(room, "bye", { cause: "hangup", origin: "timeLimit" });
    peer?.close();
  },
};

void making.then((made) => {
  device = made;
  made.onMessage = (message) => {
    if (message.t === "offer") {
      room = message.roomId;
      wait = connect(message).then(async () => {
        await made.answer(room, "ringing", { ringTimeout: 60, nonce: "n", sdp: answer });
      });
    }
    if (message.t === "candidates") {
      const list = message.payload["candidates"] as unknown as readonly RTCIceCandidateInit[];
      for (const candidate of list) void peer?.addIceCandidate(candidate);
    }
  };
});

Object.defineProperty(globalThis, "WebSocket", {
  value: function WebSocket(url: string) {
    return opened().openSocket(url);
  },
});
