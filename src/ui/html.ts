/** Text as it may stand in HTML and SVG, in attributes too. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (c) => entities[c] ?? c)
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** A part of a page; `html` is trusted, `title` and `note` are text. */
export interface Section {
  readonly title: string
  /** A sentence under the title. */
  readonly note?: string
  readonly html: string
}

/** A figure that stands out at the top of a page. */
export interface Fact {
  readonly value: string
  readonly label: string
  /** Colours the value: reached or missed. */
  readonly good?: boolean
}

/** What `page` puts together. */
export interface PageParts {
  readonly title: string
  /** A sentence under the title. */
  readonly lead?: string
  readonly facts?: readonly Fact[]
  readonly sections: readonly Section[]
  /** Further style rules. */
  readonly css?: string
}

/**
 * A whole HTML page that needs nothing from outside: style inside, no scripts, light and dark by the
 * reader's setting, fit for print and narrow screens.
 */
export function page(parts: PageParts): string {
  const { title, lead, facts = [], sections, css = '' } = parts
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${baseCss}${css}</style>
</head>
<body>
<main>
<header>
<h1>${escapeHtml(title)}</h1>
${lead === undefined ? '' : `<p class="lead">${escapeHtml(lead)}</p>`}
${facts.length === 0 ? '' : `<dl class="facts">${facts.map(factHtml).join('')}</dl>`}
</header>
${sections.map(sectionHtml).join('\n')}
</main>
</body>
</html>
`
}

function factHtml({ value, label, good }: Fact): string {
  const tone = good === undefined ? '' : ` class="${good ? 'good' : 'bad'}"`
  return `<div><dt>${escapeHtml(label)}</dt><dd${tone}>${escapeHtml(value)}</dd></div>`
}

function sectionHtml({ title, note, html }: Section): string {
  const sentence = note === undefined ? '' : `<p class="note">${escapeHtml(note)}</p>`
  return `<section>
<h2>${escapeHtml(title)}</h2>
${sentence}
${html}
</section>`
}

// Series colours keep apart for colour-blind readers and hold contrast on both grounds.
const baseCss = `
:root {
  --ground: #f6f6f4; --card: #ffffff; --ink: #1b1d21; --soft: #5d636e; --line: #e3e4e1; --track: #eeefec;
  --good: #17723a; --bad: #b3261e;
  --c1: #2a6fdb; --c2: #c2570c; --c3: #12806a; --c4: #8a4fbf; --c5: #b8336a; --c6: #7a6a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14161a; --card: #1d2026; --ink: #eceef1; --soft: #a0a7b3; --line: #323741; --track: #282c34;
    --good: #58c47d; --bad: #ff8a80;
    --c1: #6aa5ff; --c2: #f2924b; --c3: #3fc0a3; --c4: #bf95ee; --c5: #f07fa8; --c6: #d3bf4a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0; letter-spacing: -0.015em; }
h2 { font-size: 1.15rem; margin: 0 0 0.25rem; }
h3 { font-size: 0.95rem; margin: 1.25rem 0 0.5rem; }
.lead { color: var(--soft); margin: 0.4rem 0 0; max-width: 46rem; }
.note { color: var(--soft); margin: 0 0 1rem; max-width: 46rem; font-size: 0.92rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 1.25rem 1.5rem 1.5rem; margin-top: 1.25rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.75rem;
  margin: 1.5rem 0 0; }
.facts div { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 0.8rem 1rem; }
.facts dt { color: var(--soft); font-size: 0.82rem; }
.facts dd { margin: 0.1rem 0 0; font-size: 1.5rem; font-weight: 650; letter-spacing: -0.01em; }
.good { color: var(--good); } .bad { color: var(--bad); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.25rem 2rem; }
.scroll { overflow-x: auto; }
figure { margin: 0; }
figcaption { font-weight: 600; font-size: 0.92rem; margin-bottom: 0.25rem; }
svg { display: block; width: 100%; height: auto; font: 12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; }
svg text { fill: var(--soft); } svg text.strong { fill: var(--ink); font-weight: 600; }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .track { fill: var(--track); }
table { border-collapse: collapse; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.4rem 0.75rem; text-align: right; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); } th[scope=row], td.text, th.text { text-align: left; }
td.text { overflow-wrap: anywhere; }
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1.1rem; font-size: 0.85rem; color: var(--soft); margin: 0 0 0.4rem; padding: 0; }
.legend li { list-style: none; display: flex; align-items: center; gap: 0.4rem; }
.legend i { width: 1rem; height: 3px; border-radius: 2px; }
.confusion td { min-width: 5.5rem; text-align: center; border: 2px solid var(--card); border-radius: 6px; }
.confusion td b { display: block; font-size: 1.05rem; } .confusion td span { font-size: 0.8rem; opacity: 0.8; }
details > summary { cursor: pointer; color: var(--soft); }
@media print { body { background: #fff; } section { break-inside: avoid; } }
`
