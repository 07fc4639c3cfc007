// What pictures taught and axe does not see, as one list of faults of the page as it stands. An expression: a function.
() => {
  const SLACK_PX = 2;
  const LEAST_TAP_PX = 44;
  const LEAST_TYPE_PX = 16;
  const PHONE_PX = 480;
  const SENTENCE = 25; // characters; less may stand beside something
  const layer = document.querySelector("dialog[open]") ?? document.querySelector(".cue") ?? document.body;
  const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest(".unseen");
  const told = (e) => (e.textContent.trim() || e.getAttribute("aria-label") || e.outerHTML).replace(/\s+/g, " ").slice(0, 60);
  const inside = (a, b) => a.left >= b.left - SLACK_PX && a.right <= b.right + SLACK_PX && a.top >= b.top - SLACK_PX && a.bottom <= b.bottom + SLACK_PX;
  const meet = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > SLACK_PX && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > SLACK_PX;
  const common = (a, b) =>
    meet(a, b) && { left: Math.max(a.left, b.left), right: Math.min(a.right, b.right), top: Math.max(a.top, b.top), bottom: Math.min(a.bottom, b.bottom) };
  const faults = [];

  if (document.documentElement.scrollWidth > innerWidth) faults.push(`scrolls sideways: ${document.documentElement.scrollWidth} px`);

  /** Each run of text with the boxes of its lines; the ends of letters may touch, hence the fifth off. */
  const texts = [];
  const walker = document.createTreeWalker(layer, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const owner = node.parentElement;
    if (!node.data.trim() || !shown(owner) || owner.closest("option, script, style")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const lines = [...range.getClientRects()].filter((box) => box.width > 1);
    const boxes = lines.map((box) => ({ left: box.left, right: box.right, top: box.top + box.height / 5, bottom: box.bottom - box.height / 5 }));
    texts.push({ owner, text: node.data.trim(), boxes, picture: owner.closest("svg") !== null });
  }

  for (const one of texts) {
    const { owner, text, picture } = one;
    if (!picture && parseFloat(getComputedStyle(owner).fontSize) < LEAST_TYPE_PX) faults.push(`small type: ${text.slice(0, 60)}`);
    for (let frame = owner; frame && frame !== layer; frame = frame.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(frame);
      const box = frame.getBoundingClientRect();
      if (/auto|scroll/.test(overflowX + overflowY)) one.boxes = one.boxes.map((line) => common(line, box)).filter((line) => line);
      else if (/hidden|clip/.test(overflowX + overflowY) && !picture && one.boxes.some((line) => !inside(line, box))) faults.push(`cut off: ${text.slice(0, 60)}`);
    }
    if (!picture && one.boxes.some((line) => line.left < -SLACK_PX || line.right > innerWidth + SLACK_PX)) faults.push(`beyond the edge: ${text.slice(0, 60)}`);
  }

  const PRESSED = "button, a[href], summary, select, input, textarea, label.toggle, label.place";
  const controls = [...layer.querySelectorAll(PRESSED)].filter(
    (e) => shown(e) && !e.closest("svg") && !(e.matches("input") && e.closest("label.toggle, label.place")),
  );
  for (const control of controls) {
    const { width, height } = control.getBoundingClientRect();
    const inText = getComputedStyle(control).display === "inline";
    if (!inText && Math.min(width, height) < LEAST_TAP_PX - 0.5) faults.push(`small to tap, ${Math.round(width)}x${Math.round(height)}: ${told(control)}`);
  }

  const floats = (e) => {
    for (let each = e; each && each !== layer; each = each.parentElement)
      if (/sticky|fixed/.test(getComputedStyle(each).position)) return true;
    return false;
  };
  const things = [
    ...texts.filter(({ picture }) => !picture),
    ...controls.map((control) => ({ owner: control, text: told(control), boxes: [control.getBoundingClientRect()] })),
  ].filter(({ owner }) => !floats(owner));
  for (const [n, one] of things.entries())
    for (const other of things.slice(n + 1)) {
      if (one.owner.contains(other.owner) || other.owner.contains(one.owner)) continue;
      if (one.boxes.some((a) => other.boxes.some((b) => meet(a, b)))) faults.push(`one over the other: ${one.text.slice(0, 40)} / ${other.text.slice(0, 40)}`);
    }

  const shape = layer.querySelector(".couple > .calm .core");
  if (shape?.checkVisibility({ visibilityProperty: true })) {
    const box = shape.getBoundingClientRect(); // round: its corners hold nothing
    const { left, top, width } = box;
    const round = { left: left + width / 7, right: box.right - width / 7, top: top + width / 7, bottom: box.bottom - width / 7 };
    for (const { text, boxes } of things) if (boxes.some((each) => meet(each, round))) faults.push(`over the shape: ${text.slice(0, 40)}`);
  }

  if (innerWidth <= PHONE_PX) {
    const sentences = [...layer.querySelectorAll("p, li, dd, small, h1, h2, h3")].filter(
      (e) => shown(e) && e.textContent.trim().length >= SENTENCE && !e.closest("table") && !e.querySelector("p, li, dd, small"),
    );
    const boxes = sentences.map((e) => [e, e.getBoundingClientRect()]);
    for (const [n, [one, a]] of boxes.entries())
      for (const [other, b] of boxes.slice(n + 1)) {
        const beside = a.right <= b.left + SLACK_PX || b.right <= a.left + SLACK_PX;
        const level = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (beside && level > SLACK_PX && !one.contains(other)) faults.push(`side by side: ${told(one)} / ${told(other)}`);
      }
  }
  return faults;
}
