// Draws the page's diagrams, and draws them anew when the page turns light or dark.
const diagrams = [...document.querySelectorAll('pre.mermaid')];
const texts = diagrams.map((diagram) => diagram.textContent);
const prefersDark = matchMedia('(prefers-color-scheme: dark)');
const LEGIBLE = 0.7; // of the size that it is drawn for: what is wider than the page can be scrolled

const isDark = () => {
  const { theme } = document.body.dataset;
  return theme === 'dark' || (theme !== 'light' && prefersDark.matches);
};

const draw = async () => {
  mermaid.initialize({ startOnLoad: false, theme: isDark() ? 'dark' : 'neutral' });
  diagrams.forEach((diagram, i) => {
    delete diagram.dataset.processed;
    diagram.textContent = texts[i];
  });
  await mermaid.run({ nodes: diagrams });
  for (const picture of document.querySelectorAll('pre.mermaid > svg')) {
    picture.style.minWidth = `${LEGIBLE * picture.viewBox.baseVal.width}px`;
  }
};

let drawn = draw();
const drawAnew = () => { drawn = drawn.then(draw); };
prefersDark.addEventListener('change', drawAnew);
new MutationObserver(drawAnew).observe(document.body, { attributeFilter: ['data-theme'] });
