// One call of the phone: invite, challenge, offer, accept, start, bye, or its answer to
// a ring of the device. What it leaves out: a restart of ICE (a call ends when the
// phone's network changes), data and door. The SDK in signaling/phone has them.
import { newId } from "./phone.mjs";

export class Call {
  #phone; #pc; #media; #state = "calling"; #invite; #offer; #accepted; #started = false; #early = []; #giveUp;
  onState = () => {}; // (state, cause): calling, incoming, ringing, connecting, talking, ended
  onRemote = () => {}; // the device's picture and sound

  // roomId names the call for ever. A mini program or an app that makes it itself hands
  // it on with ?room=…; both ends then speak of the same call in their logs.
  constructor(phone, { roomType = "video", roomId = newId(), ring } = {}) {
    this.#phone = phone;
    this.roomId = ring?.roomId ?? roomId;
    this.roomType = ring?.roomType ?? roomType;
    this.ring = ring;
    this.local = new MediaStream();
  }

  #to(state, cause) {
    if (this.#state === "ended") return;
    this.#state = state;
    this.onState(state, cause);
  }

  // start asks to call; in a room that the device rings it says so, and nobody is
  // alerted before the device has proved that it rings now.
  async start() {
    const ref = this.ring ? { ref: this.ring.id } : {};
    this.#giveUp = setTimeout(() => this.#end("unreachable"), 10_000);
    this.#invite = await this.#phone.say("invite", this.roomId, { roomType: this.roomType, ...ref }, 10);
  }

  // hangUp ends the call in the word that fits its state.
  async hangUp() {
    const [t, members] = this.#accepted ? ["bye", { cause: "hangup", origin: "manual" }]
      : this.ring ? ["reject", { cause: "rejected" }] : ["cancel", { cause: "cancelled" }];
    const word = await this.#phone.say(t, this.roomId, members);
    this.#end(members.cause, word.answered);
  }

  // end stops the phone's media at once. The connection is closed when the device knows
  // why: else it would take the close itself for the reason.
  #end(cause, known = Promise.resolve()) {
    clearTimeout(this.#giveUp);
    for (const message of [this.#invite, this.#offer]) if (message) this.#phone.stop(message.id);
    for (const track of this.#media?.getTracks() ?? []) track.stop();
    const pc = this.#pc;
    void Promise.race([known, new Promise((resolve) => setTimeout(resolve, 2000))]).then(() => pc?.close());
    this.#to("ended", cause);
  }

  // take handles a verified message of this room.
  async take(m) {
    if (this.#state === "ended") return;
    const answers = m.ref === this.#invite?.id || (this.#offer && m.ref === this.#offer.id);
    switch (m.t) {
      case "challenge":
        if (m.ref !== this.#invite?.id || this.challenge) return; // the first counts
        clearTimeout(this.#giveUp);
        this.challenge = m;
        if (!this.ring) return this.answer();
        return this.#to("incoming"); // now the device has proved that it rings
      case "ringing": return answers ? this.#to("ringing") : undefined;
      case "accept": return answers ? this.#accept(m) : undefined;
      case "start": return this.#talk(); // it may overtake accept
      case "candidates": return this.#candidates(m.candidates);
      case "reject": return answers ? this.#end(m.cause) : undefined;
      case "cancel": case "bye": return this.#end(m.cause);
    }
  }

  // answer proves that this phone is here now, and offers.
  async answer() {
    const video = this.roomType === "video";
    this.#media = await navigator.mediaDevices.getUserMedia({ audio: true, video });
    this.#pc = new RTCPeerConnection({ iceServers: this.challenge.iceServers ?? [], bundlePolicy: "max-bundle" });
    this.#pc.createDataChannel("callbox", { negotiated: true, id: 0 });
    for (const track of this.#media.getTracks()) {
      track.enabled = false; // nothing is heard or seen before accept
      this.local.addTrack(track);
      this.#pc.addTrack(track, this.#media);
    }
    this.#pc.ontrack = ({ track, streams }) => this.onRemote(streams[0] ?? new MediaStream([track]));
    this.#pc.onconnectionstatechange = () => { if (this.#pc.connectionState === "failed") void this.hangUp(); };
    await this.#pc.setLocalDescription(await this.#pc.createOffer());
    await gathered(this.#pc);
    if (this.#state === "ended") return;
    const { nonce, id } = this.challenge;
    this.#offer = await this.#phone.say("offer", this.roomId, { ref: id, nonce, invite: this.#invite.text, sdp: this.#pc.localDescription.sdp }, 10);
  }

  async #accept(m) {
    if (this.#accepted) return;
    this.#accepted = m;
    if (oneFingerprint(m.sdp) === undefined) { // browsers take several: somebody else could be one of them
      await this.#phone.say("bye", this.roomId, { cause: "badRequest" });
      return this.#end("badRequest");
    }
    this.#to("connecting");
    await this.#pc.setRemoteDescription({ type: "answer", sdp: m.sdp });
    for (const track of this.#media.getTracks()) track.enabled = true;
    await this.#candidates(this.#early.splice(0));
    if (this.#started) this.#to("talking");
  }

  #talk() {
    this.#started = true;
    if (this.#pc?.remoteDescription) this.#to("talking");
  }

  async #candidates(list) {
    if (!this.#pc?.remoteDescription) { this.#early.push(...list); return; }
    for (const one of list) if (one.candidate) await this.#pc.addIceCandidate(one).catch(() => {}); // one that cannot be used
  }
}

// gathered waits for the phone's candidates: they are few, and go into the offer.
function gathered(pc) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 1000); // a STUN server that does not answer
    const look = () => { if (pc.iceGatheringState === "complete") { clearTimeout(timer); resolve(); } };
    pc.addEventListener("icegatheringstatechange", look);
    look();
  });
}

function oneFingerprint(sdp) {
  const all = new Set([...sdp.matchAll(/^a=fingerprint:(.+?)\r?$/gm)].map((m) => m[1].toLowerCase()));
  const [first] = all;
  return all.size === 1 && first.startsWith("sha-256 ") ? first : undefined;
}
