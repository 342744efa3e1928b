/** What this server is asked, and its answers: JSON, a picture, or a sentence that says why not. */

const KEY = "segwright-api-key";

const REASONS = {
  404: "The server has no such model, or it stands at another address than this page.",
  413: "The picture is larger than this server takes.",
  415: "The server cannot read this as a picture.",
};

/** Why the server did not do it, in a sentence for the reader. */
export class Refusal extends Error {
  /** @param {boolean} passing whether the same request may succeed another time */
  constructor(sentence, passing) {
    super(sentence);
    this.passing = passing;
  }
}

export class Server {
  #askForKey;
  #onWait;

  /**
   * @param {(refused: boolean) => Promise<string | null>} askForKey asks the reader; null where they would not say
   * @param {(seconds: number) => void} onWait told each second while a busy server is left in peace
   */
  constructor(askForKey, onWait) {
    this.#askForKey = askForKey;
    this.#onWait = onWait;
  }

  get wantsKey() {
    return sessionStorage.getItem(KEY) !== null;
  }

  /** Where a model takes pictures. @returns {URL} */
  address(model, output) {
    return new URL(`models/${encodeURIComponent(model)}/segment?output=${output}`, document.baseURI);
  }

  async models() {
    const { response } = await this.#ask(new URL("models", document.baseURI), {});
    return (await response.json()).models;
  }

  /**
   * Send a picture to a model.
   * @param {{blob: Blob, name: string}} picture
   * @param {"png" | "json" | "overlay"} output
   * @returns {Promise<{body: Blob, total: number, stages: {name: string, ms: number}[]}>} total: milliseconds from
   *   sending to the last byte of the answer; stages: where the server spent its share
   */
  async segment(model, picture, output, signal) {
    const body = new FormData();
    body.append("image", picture.blob, picture.name);
    const { response, sent } = await this.#ask(this.address(model, output), { method: "POST", body, signal });
    const answer = await response.blob();
    return { body: answer, total: performance.now() - sent, stages: stages(response.headers.get("Server-Timing")) };
  }

  async #ask(url, options) {
    for (;;) {
      const key = sessionStorage.getItem(KEY);
      const sent = performance.now();
      const response = await this.#fetch(url, { ...options, headers: key ? { Authorization: `Bearer ${key}` } : {} });
      if (response.ok) return { response, sent };
      if (response.status === 401) await this.#renewKey(key);
      else if (response.status === 429) await this.#wait(response.headers.get("Retry-After"), options.signal);
      else throw new Refusal(await reason(response), response.status >= 500);
    }
  }

  async #fetch(url, options) {
    try {
      return await fetch(url, options);
    } catch (error) {
      if (options.signal?.aborted) throw error;
      // A server that turns a large body away may hang up before its answer is read.
      const large = options.body ? ", or the picture is larger than it takes" : "";
      throw new Refusal(`The server did not answer. It may have stopped, the connection may be down${large}.`, true);
    }
  }

  async #renewKey(refused) {
    // Two requests may be refused at once: the second finds the key that the first was given.
    if (sessionStorage.getItem(KEY) !== refused) return;
    const key = await this.#askForKey(refused !== null);
    if (key === null) throw new Refusal("This server needs an API key. Ask whoever runs it, then try again.", true);
    sessionStorage.setItem(KEY, key);
  }

  async #wait(retryAfter, signal) {
    const seconds = Math.ceil(Number(retryAfter)) || 1; // the header may also be a date, or missing
    for (let left = seconds; left > 0; left -= 1) {
      this.#onWait(left);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      signal?.throwIfAborted();
    }
  }
}

async function reason(response) {
  const said = await response.json().catch(() => ({}));
  return said.error || REASONS[response.status] || `The server answered with status ${response.status}.`;
}

/** "infer;dur=140.2, encode;dur=2.0" -> names and milliseconds. https://www.w3.org/TR/server-timing/ */
function stages(header) {
  return (header ?? "").split(",").flatMap((entry) => {
    const [name, ...parameters] = entry.split(";").map((part) => part.trim());
    const duration = parameters.find((parameter) => parameter.startsWith("dur="));
    return duration ? [{ name, ms: Number(duration.slice(4)) }] : [];
  });
}
