/**
 * Writes docs/figures.md from docs/figures/NAME.json, one for each benchmark that was run:
 *
 *     npm run bench -- NAME --json docs/figures/NAME.json
 *     npm run figures
 *
 * With --check it only says whether the page is what the results give. A machine under load measures its load: run
 * the benchmarks alone, one after the other.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { benchmarks } from '../bench/benchmarks.ts'
import type { Row } from '../bench/harness.ts'

interface Result {
  readonly rows: readonly Row[]
  readonly machine: Readonly<Record<string, string | number>>
  readonly date: string
}

const docs = new URL('../docs/', import.meta.url)
const page = new URL('figures.md', docs)

function resultOf(name: string): Result | undefined {
  const file = new URL(`figures/${name}.json`, docs)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Result) : undefined
}

const cell = (text: string | number): string => String(text).replaceAll('|', '\\|')

function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const own = rows.find((other) => other.case === row.case && other.subject === 'millstream')
    const ratio = own === undefined || own.median === 0 ? '' : (row.median / own.median).toFixed(2)
    const figures = [row.median, `${row.min} to ${row.max}`, row.unit, row.runs, ratio]
    return `| ${[row.case, row.subject, ...figures].map(cell).join(' | ')} |`
  })
  return `| case | subject | median | from, to | unit | runs | x millstream |
| --- | --- | --- | --- | --- | --- | --- |
${lines.join('\n')}`
}

function whereOf({ machine, date }: Result): string {
  const { cpu, cores, memoryGiB, os, node, load1min } = machine
  return `${date.slice(0, 10)}; ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${os}, Node ${node}, load before it ${load1min}.`
}

const sections = Object.entries(benchmarks).map(([name, { summary }]) => {
  const result = resultOf(name)
  const figures =
    result === undefined
      ? 'Not measured yet.'
      : `Measured ${whereOf(result)}\n\n${tableOf(result.rows)}`
  return `## ${name}

\`npm run bench -- ${name}\`: ${summary}.

${figures}
`
})

const text = `# Figures

Written by \`npm run figures\` from what \`npm run bench -- NAME --json docs/figures/NAME.json\` wrote. Medians of some runs,
the smallest and the largest beside them; the subjects of a case ran in turn on the same machine, and their results were
compared: a benchmark fails when they did not do the same work. Only ratios carry over to other machines.

${sections.join('\n')}
## Faults, in full size

What \`npm test\` does in small, with a verdict instead of figures:

| command | what must hold |
| --- | --- |
| \`MILLSTREAM_KILLS=30 npx vitest run test/postgres/faults\` | 150,000 rows into a table, killed with \`kill -9\` at 30 random moments (COPY, then upsert), and the connection broken at 30 (two seeds): each row once, as in an uncut run |
| \`MILLSTREAM_KILLS=30 npx vitest run test/sinks/kill\` | 300,000 rows into a file, killed at 30 random moments: byte for byte the file of an uncut run |
| \`npm run chaos\` | 100,000 paid calls, killed 30 times: none lost, none doubled, what was paid is not paid again |
| \`npm run chaos:workers\` | 200 deaths of workers in a run on threads (exit, full heap, endless loop), and in processes (also \`kill -9\` and abort): none lost, none doubled, order kept |
| \`MILLSTREAM_SEED=7 MILLSTREAM_PLANS=5000 npx vitest run test/conformance/plans\` | 5,000 random pipelines equal their models in every shape, and resume at every element |
`

const formatted = execFileSync('npx', ['prettier', '--parser', 'markdown'], {
  input: text,
  encoding: 'utf8',
})
if (process.argv.includes('--check')) {
  if (readFileSync(page, 'utf8') !== formatted) {
    console.error('docs/figures.md is stale: run npm run figures')
    process.exitCode = 1
  }
} else {
  writeFileSync(page, formatted)
}
