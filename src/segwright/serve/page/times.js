/** How long an answer took, and where the time went. */

const NAMES = {
  queue: "waiting in the queue",
  decode: "reading the picture",
  infer: "running the model",
  encode: "writing the answer",
};

const element = (id) => document.getElementById(id);
const text = (ms) => (ms < 1000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`);

/** @param {{total: number, stages: {name: string, ms: number}[]}} answer in milliseconds */
export function showTimes({ total, stages }) {
  element("total").textContent = text(total);
  const onTheWay = Math.max(0, total - stages.reduce((sum, { ms }) => sum + ms, 0));
  const parts = [...stages, { name: "to the server and back", ms: onTheWay }];
  element("times").replaceChildren(
    ...parts.flatMap(({ name, ms }) => [filled("dt", NAMES[name] ?? name), filled("dd", text(ms))]),
  );
  element("time-bar").replaceChildren(
    ...parts.map(({ ms }) => {
      const part = document.createElement("span");
      part.style.flexGrow = ms;
      return part;
    }),
  );
}

/** @param {number | null} framesPerSecond null where no video runs */
export function showRate(framesPerSecond) {
  element("rate").hidden = framesPerSecond === null;
  element("rate").textContent = framesPerSecond === null ? "" : `${framesPerSecond.toFixed(1)} frames per second`;
}

function filled(tag, content) {
  const made = document.createElement(tag);
  made.textContent = content;
  return made;
}
