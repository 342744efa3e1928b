/** The page: a model's folder, then pictures or the webcam; classes over them, and how long it took. */

import { listen } from "../page/arrivals.js";
import { Camera, whyNoCamera } from "../page/camera.js";
import { countPixels } from "../page/label_map.js";
import { Legend } from "../page/legend.js";
import { Palette } from "../page/palette.js";
import { Stage } from "../page/stage.js";
import { showRate } from "../page/times.js";
import { SegwrightError, load } from "../src/index.js";
import { filesIn, folderIn } from "./folder.js";

const RATE_OVER = 12; // frames
const STAGES = {
  decode: "reading the picture",
  preprocess: "preparing it",
  infer: "running the model",
  postprocess: "labels at its size",
};
const element = (id) => document.getElementById(id);

const palette = new Palette();
const stage = new Stage(palette, (id) => legend.point(id));
const legend = new Legend(palette, () => stage.repaint());
const camera = new Camera(element("camera"), () => stopWebcam("The camera was disconnected."));

let predictor = null;
let live = null; // a mark of the running webcam; another run has another mark
let turn = null; // a mark of the latest thing that was asked for

function progress(sentence) {
  element("progress").hidden = sentence === null;
  element("progress").firstElementChild.textContent = sentence ?? "";
}

function complain(sentence) {
  element("message").hidden = sentence === null;
  element("message").firstElementChild.textContent = sentence ?? "";
}

/** Do what may fail; `isCurrent()` is false once something else was asked for. */
async function attempt(sentence, action) {
  const own = (turn = Symbol(sentence));
  const isCurrent = () => turn === own;
  complain(null);
  progress(sentence);
  await new Promise((resolve) => setTimeout(resolve)); // the sentence appears before work that keeps the page busy
  try {
    await action(isCurrent);
  } catch (error) {
    if (isCurrent()) complain(error.message);
    if (!(error instanceof SegwrightError)) console.warn(error);
  } finally {
    if (isCurrent()) progress(null);
  }
}

// The model.

function useModel(source, name) {
  stopWebcam();
  return attempt(`Loading ${name} …`, async (isCurrent) => {
    const query = new URLSearchParams(location.search);
    const threads = query.has("threads") ? Number(query.get("threads")) : undefined;
    const loaded = await load(source, { backend: query.get("backend") ?? "auto", threads });
    if (!isCurrent()) return loaded.release();
    await predictor?.release();
    predictor = loaded;
    const { labels, palette: colours, inputShape, numClasses, precision } = predictor.manifest;
    palette.use(
      Array.from({ length: numClasses }, (_, id) => ({
        id,
        name: labels?.[id] ?? `class ${id}`,
        color: colours[id] && hex(colours[id]),
      })),
    );
    legend.clear();
    const [, , height, width] = inputShape;
    const size = width > 0 && height > 0 ? `input ${width} × ${height}` : "any input size";
    element("tested").textContent = "";
    element("model-name").textContent = name;
    element("model-facts").textContent = [`${numClasses} classes`, size, precision, engine()].join(" · ");
    element("invitation").textContent = "Drop a picture here";
    document.body.dataset.model = name;
    element("result").hidden = true;
    document.body.dataset.state = "empty";
  });
}

function engine() {
  if (predictor.backend === "webgpu") return "WebGPU";
  const threads = predictor.threads === 1 ? "1 thread" : `${predictor.threads} threads`;
  const hint = crossOriginIsolated ? "" : " (more with the headers that serve.py sends)";
  return `WebAssembly, ${threads}${hint}`;
}

const hex = (colour) => `#${colour.map((value) => value.toString(16).padStart(2, "0")).join("")}`;

// Pictures.

async function segment(file) {
  stopWebcam();
  if (!predictor) return complain("Choose a model first: the folder that 'segwright export' has written.");
  await attempt(`Looking at ${file.name} …`, async (isCurrent) => {
    const prediction = await predictor.predict(file);
    const bitmap = await createImageBitmap(file);
    if (isCurrent()) present(bitmap, prediction, true);
    bitmap.close();
  });
}

function present(picture, { labelMap, width, height, timing }, sorted) {
  if (!(labelMap instanceof Uint8Array))
    throw new SegwrightError("This page shows class ids up to 255, and this picture has larger ones.");
  element("result").hidden = false;
  document.body.dataset.state = "result";
  legend.show(countPixels(labelMap), labelMap.length, sorted);
  stage.show(picture, { width, height, ids: labelMap });
  element("total").textContent = milliseconds(timing.total);
  element("times").replaceChildren(
    ...Object.entries(STAGES).flatMap(([key, name]) => [filled("dt", name), filled("dd", milliseconds(timing[key]))]),
  );
}

const milliseconds = (time) => `${time.toFixed(time < 10 ? 1 : 0)} ms`;

function filled(tag, content) {
  const made = document.createElement(tag);
  made.textContent = content;
  return made;
}

function test() {
  stopWebcam();
  return attempt("Predicting the test pictures of the export …", async () => {
    const results = await predictor.selftest();
    const pixels = results.reduce((sum, result) => sum + result.pixels, 0);
    const agreed = pixels - results.reduce((sum, { different }) => sum + different, 0);
    const counts = `${agreed.toLocaleString("en")} of ${pixels.toLocaleString("en")} test pixels agree`;
    if (!results.every(({ passed }) => passed)) {
      throw new SegwrightError(
        `This device computes something else than the trained model (${counts}): do not rely on it here.`,
      );
    }
    element("tested").textContent = `This device gives the labels of the trained model: ${counts}.`;
  });
}

// The webcam: the next frame is taken when the last one is shown.

async function startWebcam() {
  const run = (live = Symbol("webcam"));
  element("webcam").textContent = "Stop the webcam";
  document.body.classList.add("live");
  await attempt("Starting the camera …", async (isCurrent) => {
    await camera.start();
    const times = [];
    while (isCurrent() && live === run) {
      const { canvas } = await camera.frame();
      const prediction = await predictor.predict(canvas);
      if (live !== run) return;
      present(canvas, prediction, times.length === 0);
      progress(null);
      times.push(performance.now());
      if (times.length > RATE_OVER) times.shift();
      if (times.length > 1) showRate((1000 * (times.length - 1)) / (times.at(-1) - times[0]));
      await new Promise(requestAnimationFrame);
    }
  });
  if (live === run) stopWebcam(element("message").firstElementChild.textContent || null);
}

function stopWebcam(reason = null) {
  if (!live) return;
  live = null;
  camera.stop();
  element("webcam").textContent = "Webcam";
  document.body.classList.remove("live");
  progress(null);
  showRate(null);
  complain(reason);
}

// Wiring.

document.addEventListener(
  "drop",
  (event) => {
    const folder = folderIn(event.dataTransfer);
    if (!folder) return; // a picture
    event.preventDefault();
    event.stopImmediatePropagation();
    document.body.classList.remove("dragging");
    filesIn(folder).then((files) => useModel(files, folder.name));
  },
  { capture: true },
);
listen(segment, complain);

element("folder").addEventListener("change", ({ target }) => {
  const files = [...target.files];
  target.value = ""; // so that choosing the same folder again is a change
  if (files.length) useModel(files, files[0].webkitRelativePath.split("/")[0]);
});
element("selftest").addEventListener("click", test);
element("webcam").addEventListener("click", () => (live ? stopWebcam() : startWebcam()));
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stopWebcam("The webcam was stopped because this page was out of sight.");
});
element("webcam").hidden = whyNoCamera() !== null;
element("no-webcam").hidden = whyNoCamera() === null;
element("no-webcam").textContent = whyNoCamera();

const address = new URLSearchParams(location.search).get("model");
if (address)
  useModel(
    address,
    address
      .replace(/\/(deploy\.yaml)?$/, "")
      .split("/")
      .at(-1),
  );
