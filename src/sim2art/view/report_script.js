for (const figure of document.querySelectorAll("figure.scrub")) {
  const pictures = figure.querySelectorAll("img");
  const slider = figure.querySelector("input");
  const caption = figure.querySelector("figcaption");
  const show = () => {
    pictures.forEach((picture, index) => picture.classList.toggle("on", index === Number(slider.value)));
    caption.textContent = pictures[Number(slider.value)].dataset.caption;
  };
  slider.hidden = false;
  slider.addEventListener("input", show);
  show();
}
