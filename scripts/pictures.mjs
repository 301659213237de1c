/**
 * Makes the README's pictures from the report of a real run, with Chromium:
 *
 *     npm start && node scripts/pictures.mjs [result/report.html]
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const report = resolve(process.argv[2] ?? 'result/report.html')
const images = new URL('../docs/images/', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'pictures-'))

/** @param {string} page @param {string} name @param {number} width @param {number} height */
function shoot(page, name, width, height) {
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--hide-scrollbars',
    '--disable-background-networking',
  ]
  const size = [`--window-size=${width},${height}`, `--user-data-dir=${folder}/profile`]
  execFileSync(
    'chromium',
    [...flags, ...size, `--screenshot=${join(images, name)}`, `file://${page}`],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
}

const html = readFileSync(report, 'utf8')
const figures = html.match(/<figure>(?:(?!<\/figure>)[\s\S])*% busy[\s\S]*?<\/figure>/g) ?? []
if (figures.length < 2) throw new Error(`${report} holds no pipeline picture`)
const style = /<style>[\s\S]*?<\/style>/.exec(html)?.[0] ?? ''
const lanes = join(folder, 'lanes.html')
writeFileSync(
  lanes,
  `<!doctype html><meta charset="utf-8">${style}<body style="padding:12px">${figures.join('\n')}`,
)
shoot(lanes, 'pipeline.png', 1000, 400)
shoot(report, 'report.png', 1100, 1250)
rmSync(folder, { recursive: true })
