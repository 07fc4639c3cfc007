import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** The element's width in pixels, kept up to date. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(360);
  useLayoutEffect(() => {
    const node = element.current;
    if (!node) return;
    setWidth(node.clientWidth || 360);
    const observer = new ResizeObserver(() => setWidth(node.clientWidth || 360));
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  return width;
}
