/** Frames of a camera of this device. */

const WIDEST = 640; // pixels: small enough to send many a second, and models seldom look closer

const REASONS = {
  NotAllowedError: "The browser does not let this page use the camera. Allow it for this site, then start it again.",
  NotFoundError: "This device has no camera that the browser can see.",
  NotReadableError: "The camera does not start; another program may be using it.",
};

/** Why this page cannot use a camera, or null where it can. */
export function whyNoCamera() {
  if (navigator.mediaDevices?.getUserMedia) return null;
  if (window.isSecureContext) return "This browser gives pages no access to a camera.";
  return (
    "The live webcam is off: browsers give a camera only to pages that come over https or from localhost, " +
    `and this one came over ${location.protocol.slice(0, -1)} from ${location.hostname}.`
  );
}

const turnOff = (stream) => stream.getTracks().forEach((track) => track.stop());

export class Camera {
  #video;
  #stream = null;
  #turn = null; // a mark of the latest start
  #canvas = document.createElement("canvas");

  /**
   * @param {HTMLVideoElement} video
   * @param {() => void} onLost told when the camera went away by itself
   */
  constructor(video, onLost) {
    this.#video = video;
    this.onLost = onLost;
  }

  /** @param {string | null} deviceId null takes the one that looks away from the reader, where there are two */
  async start(deviceId = null) {
    this.stop();
    const turn = (this.#turn = Symbol("start"));
    const wanted = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "environment" };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { ...wanted, width: { ideal: 1280 } } });
    } catch (error) {
      throw new Error(REASONS[error.name] ?? `The camera does not start: ${error.message}.`);
    }
    if (this.#turn !== turn) return turnOff(stream); // stopped while the browser asked for permission
    stream.getVideoTracks()[0].addEventListener("ended", () => this.onLost());
    this.#stream = this.#video.srcObject = stream;
    await this.#video.play();
  }

  stop() {
    if (this.#stream) turnOff(this.#stream);
    this.#stream = this.#video.srcObject = this.#turn = null;
  }

  /** The camera after this one, or null where there is just one. @returns {Promise<string | null>} */
  async next() {
    const devices = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    const current = this.#stream?.getVideoTracks()[0].getSettings().deviceId;
    const at = devices.findIndex(({ deviceId }) => deviceId === current);
    return devices.length > 1 ? devices[(at + 1) % devices.length].deviceId : null;
  }

  /** What the camera sees now. @returns {Promise<{blob: Blob, canvas: HTMLCanvasElement}>} a JPEG, and its pixels */
  async frame() {
    const { videoWidth, videoHeight } = this.#video;
    const shrink = Math.min(1, WIDEST / videoWidth);
    this.#canvas.width = Math.round(videoWidth * shrink);
    this.#canvas.height = Math.round(videoHeight * shrink);
    this.#canvas.getContext("2d").drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    const blob = await new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", 0.85));
    return { blob, canvas: this.#canvas };
  }
}
