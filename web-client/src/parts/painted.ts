/**
 * Calls back once what was just put into the page has been painted, with the time. An animation frame's callbacks run
 * before its paint, a message that they post after it: the time errs by the paint's own length to the late side. A
 * hidden page paints nothing and does not call back. Begin in a layout effect: other effects wait for a frame.
 */
export function whenPainted(then: (atMs: number) => void): () => void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    then(performance.now());
  };
  const handle = requestAnimationFrame(() => port2.postMessage(null));
  return () => {
    cancelAnimationFrame(handle);
    port1.close();
  };
}
