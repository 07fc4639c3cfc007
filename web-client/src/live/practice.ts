// A partner's side: consent, microphone and peer kept in step with what the room wants.
import type { FromGateway, Partner, Room } from "../protocol";
import { waitMs } from "./backoff";
import { MicrophoneError, type MicrophoneFault, openMicrophone, whenPluggedIn } from "./microphone";
import { Observable } from "./observe";
import { Peer } from "./peer";
import { Session } from "./session";

export interface Sound {
  microphone: "none" | "asking" | "open" | MicrophoneFault;
  voice: MediaStream | null; // the other partner's
  takenBack: boolean; // this partner's yes, whatever the room still shows
}

interface Yes {
  name: string;
  sameRoom: boolean;
  observer: boolean;
  words: boolean;
}

const ANSWER_MS = 6_000; // an offer unanswered by then is sent anew
const CALL_S = 60; // credentials that end sooner are not worth a call

export class Practice {
  readonly session: Session;
  readonly sound = new Observable<Sound>({ microphone: "none", voice: null, takenBack: false });
  private stream: MediaStream | null = null;
  private streamFor: boolean | null = null; // same_room that the stream was opened for
  private peer: Peer | null = null;
  private attempt = 0;
  private retrying = 0;
  private unanswered = 0;
  private told: "ok" | "unplugged" | "muted" = "ok"; // of the microphone, to the gateway
  private roomAtMs = 0; // when it was told last
  private readonly unwatch: () => void;
  private yes: Yes | null = null; // under way: the room does not show it yet

  constructor(token: string) {
    this.session = new Session(token);
    this.session.onMessage = (message) => this.heard(message);
    const unplugged = whenPluggedIn(() => {
      if (this.told === "unplugged" && this.streamFor !== null) void this.listen(this.streamFor);
    });
    // Another network: the call is made anew as soon as the gateway is reached, however the old one seems.
    const moved = () => this.drop();
    addEventListener("online", moved);
    this.unwatch = () => {
      unplugged();
      removeEventListener("online", moved);
    };
  }

  /** Asks for the microphone; consent is only sent once there is one. */
  async agree(name: string, sameRoom: boolean, observer: boolean, words: boolean): Promise<void> {
    this.yes = { name, sameRoom, observer, words };
    this.sound.value = { ...this.sound.value, takenBack: false };
    if (await this.listen(sameRoom)) this.sendYes();
  }

  /** Holds at once on this device, and with the gateway as soon as it can be reached. */
  withdraw(): void {
    this.yes = null;
    this.sound.value = { ...this.sound.value, takenBack: true };
    this.sendNo();
    this.hush();
  }

  /** After a fault: opens the microphone again, and goes on with a yes that was under way. */
  async retry(sameRoom: boolean): Promise<void> {
    if (await this.listen(sameRoom)) this.sendYes();
  }

  /** Opens the microphone. A browser asks its person here. */
  async listen(sameRoom: boolean): Promise<boolean> {
    this.sound.value = { ...this.sound.value, microphone: "asking" };
    try {
      const stream = await openMicrophone(sameRoom);
      this.release();
      this.stream = stream;
      this.streamFor = sameRoom;
      for (const track of stream.getAudioTracks()) this.watch(track);
      this.sound.value = { ...this.sound.value, microphone: "open" };
      this.match();
      return true;
    } catch (error) {
      // While the partner can still be heard, a microphone that is not back yet is no screen of its own.
      const fault = this.stream ? "open" : error instanceof MicrophoneError ? error.fault : "busy";
      this.sound.value = { ...this.sound.value, microphone: fault };
      return false;
    }
  }

  close(): void {
    this.unwatch();
    this.hush();
    this.session.close();
  }

  private sendNo(): void {
    this.session.send({ type: "consent", practice: false, observer: false, words: false });
  }

  private sendYes(): void {
    if (!this.yes) return;
    this.session.send({ type: "setup", same_room: this.yes.sameRoom, name: this.yes.name });
    this.session.send({ type: "consent", practice: true, observer: this.yes.observer, words: this.yes.words });
  }

  private heard(message: FromGateway): void {
    if (message.type === "answer") {
      clearTimeout(this.unanswered);
      this.unanswered = 0;
      this.attempt = 0;
      void this.peer?.answer(message.sdp);
    } else if (message.type === "refused" && REFUSED_OFFER.has(message.code) && this.unanswered) {
      this.again();
    } else if (message.type === "refused" && message.fatal) this.hush();
    else if (message.type === "ended") this.hush();
    else if (message.type === "welcome" || message.type === "room") {
      this.roomAtMs = performance.now();
      if (message.type === "welcome" && this.told !== "ok") this.tell(this.told);
      this.match(message.type === "welcome");
    }
  }

  /** Brings microphone and peer to what the room wants; `greeted`: the socket is new. */
  private match(greeted = false): void {
    const { room, role } = this.session.state.value;
    if (!room || (role !== "a" && role !== "b")) return;
    if (this.sound.value.takenBack) {
      if (greeted && room.partners[role].practice) this.sendNo();
      return this.hush();
    }
    if (room.partners[role].practice) this.yes = null;
    else if (!this.yes) return this.hush();
    else if (greeted && this.stream) this.sendYes();
    if (room.phase === "ended") return this.hush();
    const { microphone } = this.sound.value;
    if (microphone === "none" || (this.stream && this.streamFor !== room.same_room && microphone === "open"))
      return void this.listen(room.same_room);
    if (greeted && this.gone(room, role)) this.drop();
    if (!this.peer && this.stream && !this.yes) this.call(room);
  }

  /** After a restart the gateway knows nothing of the peer, long before ICE notices. */
  private gone(room: Room, role: Partner): boolean {
    return room.partners[role].media !== "connected";
  }

  private call(room: Room): void {
    if (!this.stream) return;
    const age_s = (performance.now() - this.roomAtMs) / 1_000;
    if (room.ice_good_s !== null && age_s > room.ice_good_s - CALL_S) {
      this.session.send({ type: "ice" }); // the room comes again, and with it this call
      return;
    }
    clearTimeout(this.retrying);
    this.peer = new Peer(room.ice_servers, {
      offer: (sdp) => {
        this.session.send({ type: "offer", sdp });
        this.unanswered = window.setTimeout(() => this.again(), ANSWER_MS);
      },
      voice: (voice) => {
        this.sound.value = { ...this.sound.value, voice };
      },
      failed: () => this.again(),
    });
    void this.peer.offer(this.stream);
  }

  private again(): void {
    this.drop();
    clearTimeout(this.retrying);
    this.retrying = window.setTimeout(() => this.match(), waitMs(this.attempt++));
  }

  private drop(): void {
    clearTimeout(this.unanswered);
    this.unanswered = 0;
    this.peer?.close();
    this.peer = null;
  }

  /** Both are told what the browser alone knows; the partner is heard as before. */
  private watch(track: MediaStreamTrack): void {
    track.onended = () => this.tell("unplugged");
    track.onmute = () => this.tell("muted");
    track.onunmute = () => this.tell("ok");
    const state = track.muted ? "muted" : "ok";
    if (state !== this.told) this.tell(state);
  }

  private tell(state: "ok" | "unplugged" | "muted"): void {
    this.told = state;
    this.session.send({ type: "microphone", state });
  }

  /** Nothing leaves this device any more: the browser's own microphone sign goes out too. */
  private hush(): void {
    clearTimeout(this.retrying);
    this.release();
    const { microphone, voice } = this.sound.value;
    if (microphone === "open" || voice) this.sound.value = { ...this.sound.value, microphone: "none", voice: null };
  }

  private release(): void {
    this.drop();
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = track.onmute = track.onunmute = null;
      track.stop();
    }
    this.stream = null;
  }
}

const REFUSED_OFFER = new Set(["bad_offer", "too_many_offers", "not_now"]);
