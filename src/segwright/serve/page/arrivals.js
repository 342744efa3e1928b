/** The ways in which a picture comes to this page: chosen, photographed, dropped, pasted. */

/**
 * @param {(file: File) => void} onPicture
 * @param {(sentence: string) => void} onMistake told when something came that is no file
 */
export function listen(onPicture, onMistake) {
  for (const id of ["file", "photo"]) {
    const input = document.getElementById(id);
    input.addEventListener("change", () => {
      if (input.files.length) onPicture(input.files[0]);
      input.value = ""; // so that choosing the same file again is a change
    });
  }

  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (!file) return; // text, for the field that has the focus
    event.preventDefault();
    onPicture(file);
  });

  const over = (on) => document.body.classList.toggle("dragging", on);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    over(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) over(false); // left the window, not just one element for the next
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    const [file] = event.dataTransfer.files;
    if (file) onPicture(file);
    else onMistake("What was dropped is not a file. Save the picture first, or copy it and paste it here.");
  });
}
