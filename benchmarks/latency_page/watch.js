// The observer's page: when lines came in and when what they draw was painted; the floor's answers beside them.
(() => {
  const WANTED = { speech: "rect.speech", overlap: "g.mark", cue: "g.mark" };
  const shown = (window.benchShown = []);
  const known = new Set();
  const unix = (ms) => (performance.timeOrigin + ms) / 1000;
  // The callback runs before the paint, the message that it posts after it.
  const whenPainted = (then) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => then(performance.now());
      port2.postMessage(null);
    });

  function whenDrawn(selector, then) {
    const drawn = (node) => node.nodeType === 1 && (node.matches(selector) || node.querySelector(selector));
    const observer = new MutationObserver((changes) => {
      if (!changes.some((change) => [...change.addedNodes].some(drawn))) return;
      observer.disconnect();
      whenPainted(then);
    });
    observer.observe(document.body, { childList: true, subtree: true });
  }

  function take(event) {
    const received = unix(performance.now());
    const message = JSON.parse(event.data);
    const lines = message.type === "lines" ? message.lines : message.type === "cue" ? [message.line] : [];
    for (const line of lines) {
      const wanted = WANTED[line.kind];
      if (!wanted || known.has(line.id) || (line.status !== "open" && line.kind !== "cue")) continue;
      known.add(line.id);
      const entry = { id: line.id, received, painted: null };
      shown.push(entry);
      whenDrawn(wanted, (atMs) => {
        entry.painted = unix(atMs);
      });
    }
  }

  const Native = WebSocket;
  window.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", take);
    }
  };
  window.benchFloor = async (address) => {
    const badge = document.body.appendChild(document.createElement("div"));
    badge.style.cssText = "position:fixed;right:0;top:0";
    const answers = (window.benchAnswers = []);
    const socket = new Native(address);
    await new Promise((open) => (socket.onopen = open));
    socket.onmessage = (event) => {
      const { name } = JSON.parse(event.data);
      const entry = { name, received: unix(performance.now()), painted: null };
      answers.push(entry);
      badge.textContent = `${name} ${answers.length}`;
      whenPainted((atMs) => {
        entry.painted = unix(atMs);
      });
    };
    socket.send(JSON.stringify({ watch: true }));
  };
})();
