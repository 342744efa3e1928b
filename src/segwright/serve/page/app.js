/** The page: a picture goes to the server, its classes come back and are shown. */

import { listen } from "./arrivals.js";
import { Camera, whyNoCamera } from "./camera.js";
import { countPixels, readLabelMap } from "./label_map.js";
import { Legend } from "./legend.js";
import { composed, decoded } from "./paint.js";
import { Palette } from "./palette.js";
import { Server } from "./server.js";
import { Stage } from "./stage.js";
import { copy, curl, save, stem } from "./takeaway.js";
import { showRate, showTimes } from "./times.js";

const RATE_OVER = 12; // frames
const element = (id) => document.getElementById(id);

const server = new Server(askForKey, (seconds) => progress(`The server is busy. Trying again in ${seconds} s.`));
const palette = new Palette();
const stage = new Stage(palette, (id) => legend.point(id));
const legend = new Legend(palette, () => stage.repaint());
const camera = new Camera(element("camera"), () => stopWebcam("The camera was disconnected."));

let models = [];
let loading = null; // promise that they are there
let shown = null; // the picture on the page: {blob, name, labels, answer}
let request = null; // AbortController of what is on its way
let live = null; // a mark of the running webcam; another run has another mark

const model = () => models[element("model").value];

// What is going on, and what went wrong.

function progress(sentence) {
  element("progress").hidden = sentence === null;
  element("progress").firstElementChild.textContent = sentence ?? "";
}

/** @param {(() => void) | null} again what a button to try again does */
function complain(sentence, again = null) {
  const [text, button] = element("message").children;
  element("message").hidden = sentence === null;
  text.textContent = sentence ?? "";
  button.hidden = again === null;
  button.onclick = again;
}

async function askForKey(refused) {
  const dialog = element("key-dialog");
  element("key-refused").hidden = !refused;
  element("key").value = "";
  dialog.returnValue = "cancel";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "use" ? element("key").value : null;
}

/** Do what may be refused; whatever was on its way before is dropped. */
async function attempt(action, again = null) {
  request?.abort();
  const own = (request = new AbortController());
  complain(null);
  try {
    await action(own.signal);
  } catch (error) {
    if (!own.signal.aborted) complain(error.message, error.passing ? again : null);
  } finally {
    if (request === own) progress(null);
  }
}

// Models.

/** Ask for the models once; where that failed, ask anew. */
function ready() {
  loading ??= loadModels().catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

async function loadModels() {
  models = await server.models();
  element("model").replaceChildren(...models.map(({ name }, index) => new Option(name, index)));
  element("model-choice").hidden = models.length < 2;
  element("model-name").hidden = models.length !== 1;
  useModel();
}

function useModel() {
  if (!model()) throw new Error("This server has no model yet.");
  const { name, version, input, precision, engine, classes } = model();
  const size = input.height && input.width ? `input ${input.width} × ${input.height}` : "any input size";
  element("model-name").textContent = name;
  const facts = [`version ${version}`, `${classes.length} classes`, size, precision, engine];
  element("model-facts").textContent = facts.join(" · ");
  palette.use(classes);
  legend.clear();
}

const prepare = () => attempt(ready, prepare);

// One picture.

async function segment(picture) {
  await attempt(
    async (signal) => {
      await ready();
      const size = picture.blob.size / 1e6;
      progress(`Sending ${picture.name} (${size < 0.1 ? "< 0.1" : size.toFixed(1)} MB) to ${model().name} …`);
      const bitmap = decoded(picture.blob);
      await present(picture, await bitmap, signal, true);
      element("done").textContent = `Done. ${legend.summary}`;
      (await bitmap)?.close();
      if (!(await bitmap)) complain("This browser cannot show such a file itself; these are its classes alone.");
    },
    () => segment(picture),
  );
}

/** Ask for a picture's classes and show them. */
async function present(picture, pixels, signal, sorted) {
  const answer = await server.segment(model().name, picture, "png", signal);
  const labels = await readLabelMap(answer.body);
  signal.throwIfAborted();
  element("result").hidden = false;
  document.body.dataset.state = "result";
  palette.useFile(labels.palette);
  legend.show(countPixels(labels.ids), labels.ids.length, sorted);
  stage.show(pixels, labels);
  showTimes(answer);
  shown = { ...picture, labels, answer };
  const commands = curl(server, model().name, picture.name);
  if (element("curl").textContent !== commands) element("curl").textContent = commands;
}

function take(file) {
  stopWebcam();
  segment({ blob: file, name: file.name || "picture.png" });
}

// The webcam: the next frame goes when the answer to the last has come.

async function startWebcam(deviceId = null) {
  const run = (live = Symbol("webcam"));
  element("webcam").textContent = "Stop the webcam";
  document.body.classList.add("live");
  await attempt(async (signal) => {
    await ready();
    progress("Starting the camera …");
    await camera.start(deviceId);
    signal.throwIfAborted();
    element("next-camera").hidden = (await camera.next()) === null;
    const times = [];
    while (!signal.aborted) {
      const { blob, canvas } = await camera.frame();
      await present({ blob, name: "frame.jpg" }, canvas, signal, times.length === 0);
      progress(null);
      times.push(performance.now());
      if (times.length > RATE_OVER) times.shift();
      if (times.length > 1) showRate((1000 * (times.length - 1)) / (times.at(-1) - times[0]));
    }
  });
  if (live === run) stopWebcam(element("message").firstElementChild.textContent || null);
}

/** @param {string | null} reason a sentence, where the reader did not stop it themselves */
function stopWebcam(reason = null) {
  if (!live) return;
  live = null;
  request?.abort();
  camera.stop();
  element("webcam").textContent = "Webcam";
  element("next-camera").hidden = true;
  document.body.classList.remove("live");
  progress(null);
  showRate(null);
  complain(reason);
}

// Wiring.

listen(take, complain);

element("model").addEventListener("change", () => {
  useModel();
  if (shown && !live) segment(shown);
});
element("cancel").addEventListener("click", () => {
  if (live) stopWebcam();
  else request?.abort();
  progress(null);
});

element("webcam").addEventListener("click", () => (live ? stopWebcam() : startWebcam()));
element("next-camera").addEventListener("click", async () => {
  const next = await camera.next();
  stopWebcam();
  startWebcam(next);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stopWebcam("The webcam was stopped because this page was out of sight.");
});
element("webcam").hidden = whyNoCamera() !== null;
element("no-webcam").hidden = whyNoCamera() === null;
element("no-webcam").textContent = whyNoCamera();

element("save-labels").addEventListener("click", () => save(shown.answer.body, `${stem(shown.name)}.labels.png`));
element("save-overlay").addEventListener("click", () => {
  stopWebcam();
  const { blob, name, labels } = shown;
  attempt(async () => save(await composed(blob, labels, palette, stage.opacity), `${stem(name)}.overlay.png`));
});
element("save-polygons").addEventListener("click", () => {
  stopWebcam();
  const picture = shown;
  attempt(async (signal) => {
    progress("Asking for polygons …");
    const { body } = await server.segment(model().name, picture, "json", signal);
    save(body, `${stem(picture.name)}.polygons.json`);
  });
});
element("copy").addEventListener("click", async ({ target }) => {
  await copy(element("curl"));
  target.textContent = "Copied";
  setTimeout(() => (target.textContent = "Copy"), 1500);
});

prepare();
