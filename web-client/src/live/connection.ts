// One WebSocket to the gateway that comes back by itself, with the same device secret.
import { type FromGateway, PROTOCOL_VERSION, type ToGateway } from "../protocol";
import { waitMs } from "./backoff";
import { deviceSecret } from "./kept";

const PING_EVERY_MS = 2_000;
const FIRST_PINGS_MS = [150, 500, 1_200, 2_500]; // the quickest of several tells the time best
const SILENT_MS = 6_000; // two pings unanswered: the network is gone, whatever the socket says
const OPEN_MS = 4_000; // four round trips of the farthest; a try from before the network's return waits longer and longer

export interface Listener {
  message(message: FromGateway, atMs: number): void;
  lost(): void;
}

export class Connection {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private retry = 0;
  private ping = 0;
  private first: number[] = [];
  private opening = 0;
  private heardMs = 0;
  private closed = false;

  constructor(
    private readonly token: string,
    private readonly listener: Listener,
  ) {
    addEventListener("online", this.hurry);
  }

  open(): void {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws`);
    this.socket = socket;
    this.opening = window.setTimeout(() => this.dropped(), OPEN_MS);
    socket.onopen = () => this.greet();
    socket.onmessage = (event) => socket === this.socket && this.read(String(event.data));
    socket.onclose = () => socket === this.socket && this.dropped();
  }

  /** False where there is no open socket: what matters is sent again after the next welcome. */
  send(message: ToGateway): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  close(): void {
    this.closed = true;
    removeEventListener("online", this.hurry);
    clearTimeout(this.retry);
    this.hush();
    this.socket?.close();
    this.socket = null;
  }

  /** The device has a network again, perhaps another one: what was open before leads nowhere. */
  private readonly hurry = (): void => {
    if (!this.socket && !this.attempt) return; // not opened yet
    clearTimeout(this.retry);
    this.attempt = 0;
    this.leave();
    this.open();
  };

  private greet(): void {
    clearTimeout(this.opening);
    this.heardMs = performance.now();
    this.send({ type: "hello", v: PROTOCOL_VERSION, token: this.token, device: deviceSecret(this.token), name: "" });
    this.ping = window.setInterval(() => this.beat(), PING_EVERY_MS);
    this.first = FIRST_PINGS_MS.map((ms) => window.setTimeout(() => this.beat(), ms));
  }

  private hush(): void {
    clearTimeout(this.opening);
    clearInterval(this.ping);
    this.first.forEach(clearTimeout);
  }

  private beat(): void {
    if (performance.now() - this.heardMs > SILENT_MS) this.dropped();
    else this.send({ type: "ping", t: performance.now() });
  }

  private read(text: string): void {
    const atMs = performance.now();
    this.heardMs = atMs;
    const message = JSON.parse(text) as FromGateway;
    if (message.type === "welcome") this.attempt = 0;
    if (message.type === "refused" && message.fatal) this.close();
    this.listener.message(message, atMs);
  }

  private leave(): void {
    this.hush();
    const old = this.socket;
    this.socket = null;
    old?.close();
    if (!this.closed) this.listener.lost();
  }

  private dropped(): void {
    this.leave();
    if (this.closed) return;
    this.retry = window.setTimeout(() => this.open(), waitMs(this.attempt++));
  }
}
