// The video: speed, single frames by their real times, loop, and marks at what the models saw.

import { drawMarks } from "./marks.js";

const LEFT = "apollobench.left";
const SPEEDS = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 4];
const video = document.querySelector("video");
const at = document.getElementById("at");
const whoSaw = document.getElementById("who-saw");
// In seconds; frames: when each appears. Known as soon as the server has told.
let line = { frames: [], center: null, duration: 0, seen: [], problem: "" };
let marks = null;

const actions = {
  play: () => (video.paused ? video.play() : video.pause()),
  back: () => seek(video.currentTime - 1),
  on: () => seek(video.currentTime + 1),
  frameBack: () => toFrame(currentFrame() - 1),
  frameOn: () => toFrame(currentFrame() + 1),
  slower: () => speed(-1),
  faster: () => speed(+1),
  loop: (button) => button.setAttribute("aria-pressed", String((video.loop = !video.loop))),
  center: () => line.center === null || toTime(line.center),
  seenBack: () => toMark(seenTimes().findLast((time) => frameAt(time) < currentFrame())),
  seenOn: () => toMark(seenTimes().find((time) => frameAt(time) > currentFrame())),
};

for (const button of document.querySelectorAll("[data-do]")) {
  button.addEventListener("click", () => actions[button.dataset.do](button));
}
for (const name of ["timeupdate", "seeked", "ratechange", "loadedmetadata"]) video.addEventListener(name, tell);
video.addEventListener("error", unplayable);
if (video.error) unplayable();
document.getElementById("controls").hidden = false;
if (whoSaw) whoSaw.addEventListener("change", redraw);
takeUp();
addEventListener("pagehide", () => sessionStorage.setItem(LEFT, JSON.stringify(state())));
load();

// Where the video was, for the same item after a page in between; the speed for any item.
function state() {
  return { src: video.currentSrc, time: video.currentTime, speed: video.playbackRate };
}

function takeUp() {
  const left = JSON.parse(sessionStorage.getItem(LEFT) ?? "null");
  if (!left) return;
  video.playbackRate = left.speed;
  if (left.src === video.src) video.currentTime = left.time;
}

async function load() {
  const answer = await fetch(video.dataset.timeline);
  if (!answer.ok) return;
  line = await answer.json();
  if (whoSaw) {
    const names = line.seen.map((plan) => `${plan.models.join(", ")} (${plan.times.length} frames)`);
    whoSaw.append(new Option("any model", "all"), ...names.map((name, number) => new Option(name, number)));
  }
  redraw();
  if (line.problem) complain(line.problem);
}

function redraw() {
  marks = drawMarks(document.getElementById("marks"), { ...line, marked: seenTimes() }, toTime);
  tell();
}

function seenTimes() {
  const chosen = whoSaw && whoSaw.value !== "all" ? [line.seen[Number(whoSaw.value)]] : line.seen;
  return [...new Set(chosen.flatMap((plan) => plan.times))].sort((a, b) => a - b);
}

// The number of the frame that is shown at a time: the last that has appeared.
function frameAt(time) {
  let low = 0;
  let high = line.frames.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (line.frames[middle] <= time + 1e-4) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

function currentFrame() {
  return frameAt(video.currentTime);
}

// To the middle of the time for which a frame is shown, so that rounding cannot lead to its neighbour.
function toFrame(number) {
  if (!line.frames.length) return;
  const frame = Math.min(Math.max(number, 0), line.frames.length - 1);
  const ends = line.frames[frame + 1] ?? Math.max(line.duration, line.frames[frame]);
  video.pause();
  seek((line.frames[frame] + ends) / 2);
}

function toTime(time) {
  toFrame(frameAt(time));
}

function toMark(time) {
  if (time !== undefined) toTime(time);
}

function seek(time) {
  video.currentTime = Math.min(Math.max(time, 0), video.duration || 0);
}

function speed(step) {
  const now = SPEEDS.indexOf(video.playbackRate);
  video.playbackRate = SPEEDS[Math.min(Math.max((now < 0 ? 4 : now) + step, 0), SPEEDS.length - 1)];
}

function tell() {
  const frame = line.frames.length ? `frame ${currentFrame() + 1} of ${line.frames.length}` : "";
  const rate = video.playbackRate === 1 ? "" : `speed ${video.playbackRate}`;
  at.textContent = [`${video.currentTime.toFixed(2)} s`, frame, rate].filter(Boolean).join(" · ");
  if (marks) marks.move(video.currentTime);
}

function unplayable() {
  complain("This browser cannot play the file.");
}

function complain(text) {
  const told = document.getElementById("no-video");
  if (told.textContent.includes(text)) return;
  told.textContent = [told.textContent, text].filter(Boolean).join(" ");
  told.hidden = false;
}
