/**
 * Calls back with the time of the frame that follows the one in which what was just put into the
 * page is painted. The first callback runs before that paint, the second after it, so the time
 * errs by up to one frame to the late side. A hidden page paints nothing and does not call back.
 */
export function whenPainted(then: (atMs: number) => void): () => void {
  let handle = requestAnimationFrame(() => {
    handle = requestAnimationFrame((atMs) => then(atMs));
  });
  return () => cancelAnimationFrame(handle);
}
