// A strip below the video: a tick for each frame that was seen, one for the center frame, and where the video is.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const HEIGHT = 24;

// line: duration, center and marked, in seconds. seek: called with the nearest mark when the strip is pressed.
export function drawMarks(place, line, seek) {
  const strip = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "strip" });
  const x = (time) => (line.duration ? (time / line.duration) * WIDTH : 0);
  for (const time of line.marked) strip.append(tick(x(time), "seen"));
  if (line.center !== null) strip.append(tick(x(line.center), "center"));
  const head = tick(0, "head");
  strip.append(head);
  strip.addEventListener("click", (event) => {
    const box = strip.getBoundingClientRect();
    const time = ((event.clientX - box.left) / box.width) * line.duration;
    const targets = line.center === null ? line.marked : [...line.marked, line.center];
    if (targets.length) seek(targets.reduce((a, b) => (Math.abs(b - time) < Math.abs(a - time) ? b : a)));
  });
  place.replaceChildren(strip);
  return { move: (time) => ["x1", "x2"].forEach((end) => head.setAttribute(end, x(time))) };
}

function tick(x, kind) {
  const [top, bottom] = kind === "seen" ? [8, HEIGHT] : [0, HEIGHT];
  return element("line", { x1: x, x2: x, y1: top, y2: bottom, class: kind, "vector-effect": "non-scaling-stroke" });
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
