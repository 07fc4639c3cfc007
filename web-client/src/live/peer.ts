// One WebRTC peer. The gateway knows no ICE restart: after any loss it is closed and a new one is made.
import type { IceServer } from "../protocol";

const GATHER_MS = 1_500; // candidates that have not come by then are not worth the wait
const DISCONNECTED_MS = 2_500; // short dropouts heal by themselves

export interface PeerListener {
  offer(sdp: string): void;
  voice(stream: MediaStream): void;
  failed(): void;
}

export class Peer {
  private readonly connection: RTCPeerConnection;
  private doubt = 0;
  private over = false;

  constructor(
    servers: IceServer[],
    private readonly listener: PeerListener,
  ) {
    this.connection = new RTCPeerConnection({ iceServers: servers });
    this.connection.ontrack = (event) => listener.voice(event.streams[0] ?? new MediaStream([event.track]));
    this.connection.onconnectionstatechange = () => this.changed();
  }

  async offer(stream: MediaStream): Promise<void> {
    try {
      for (const track of stream.getAudioTracks()) this.connection.addTrack(track, stream);
      await this.connection.setLocalDescription(await this.connection.createOffer());
      await this.gathered();
      const sdp = this.connection.localDescription?.sdp;
      if (sdp && !this.over) this.listener.offer(sdp);
    } catch {
      this.fail();
    }
  }

  async answer(sdp: string): Promise<void> {
    if (this.connection.signalingState !== "have-local-offer") return; // an answer to a peer long gone
    try {
      await this.connection.setRemoteDescription({ type: "answer", sdp });
    } catch {
      this.fail();
    }
  }

  close(): void {
    this.over = true;
    clearTimeout(this.doubt);
    this.connection.onconnectionstatechange = null;
    this.connection.close();
  }

  private gathered(): Promise<void> {
    const { connection } = this;
    if (connection.iceGatheringState === "complete") return Promise.resolve();
    return new Promise((resolve) => {
      const late = setTimeout(resolve, GATHER_MS);
      connection.addEventListener("icegatheringstatechange", () => {
        if (connection.iceGatheringState !== "complete") return;
        clearTimeout(late);
        resolve();
      });
    });
  }

  private changed(): void {
    clearTimeout(this.doubt);
    const state = this.connection.connectionState;
    if (state === "failed" || state === "closed") this.fail();
    if (state === "disconnected") this.doubt = window.setTimeout(() => this.fail(), DISCONNECTED_MS);
  }

  private fail(): void {
    if (this.over) return;
    this.close();
    this.listener.failed();
  }
}
