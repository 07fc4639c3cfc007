// A partner's page: its microphone is a Web Audio graph that speaks at known instants, heard by the gateway and,
// over a connection of its own, by the floor. What the page says and paints of cues is kept for whoever asks.
(() => {
  const CLIPS = "/bench-clips.wav";
  const cues = (window.benchCues = []);
  const Native = WebSocket;
  window.WebSocket = class extends Native {
    send(text) {
      const message = JSON.parse(text);
      if (message.type === "painted")
        cues.push({
          cue: message.cue,
          received: (performance.timeOrigin + message.received_ms) / 1000,
          painted: (performance.timeOrigin + message.painted_ms) / 1000,
        });
      super.send(text);
    }
  };

  if (!navigator.mediaDevices) return; // an empty page has none
  navigator.mediaDevices.getUserMedia = async () => {
    const context = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
    const sound = await context.decodeAudioData(await (await fetch(CLIPS)).arrayBuffer());
    const out = context.createMediaStreamDestination();
    const tone = context.createBufferSource(); // as in any room; a graph without a source sends nothing at all
    tone.buffer = context.createBuffer(1, 48000, 48000);
    tone.buffer.getChannelData(0).forEach((_, i, data) => {
      data[i] = (Math.random() - 0.5) * 0.0005;
    });
    tone.loop = true;
    tone.connect(out);
    tone.start();
    // The context's clock moves a block at a time, so it is never ahead of the page's: the least lag seen of late
    // tells when a sample is really made.
    const lags = [];
    setInterval(() => {
      lags.push(performance.now() - context.currentTime * 1000);
      if (lags.length > 300) lags.shift();
    }, 7);
    window.benchSay = (unixS, fromS, lengthS) => {
      const source = context.createBufferSource();
      source.buffer = sound;
      source.connect(out);
      const at = unixS * 1000 - performance.timeOrigin - Math.min(...lags);
      source.start(at / 1000, fromS, lengthS);
      return at / 1000 - context.currentTime;
    };
    window.benchFloor = async (address, name) => {
      const peer = new RTCPeerConnection({ iceServers: [] });
      peer.addTrack(out.stream.getAudioTracks()[0].clone(), out.stream);
      await peer.setLocalDescription(await peer.createOffer());
      while (peer.iceGatheringState !== "complete") await new Promise((next) => setTimeout(next, 20));
      const socket = new Native(address);
      await new Promise((open) => (socket.onopen = open));
      const answer = new Promise((resolve) => (socket.onmessage = (event) => resolve(JSON.parse(event.data))));
      socket.send(JSON.stringify({ name, sdp: peer.localDescription.sdp }));
      await peer.setRemoteDescription({ type: "answer", sdp: (await answer).sdp });
      window.benchPeer = peer;
    };
    return out.stream;
  };
})();
