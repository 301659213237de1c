/**
 * Runs a benchmark: Millstream and what it is compared with, in the same run.
 *
 *     npm run bench -- NAME [--json FILE] [--quick]
 *
 * Prints a table of medians with ratios; `--json` writes `{ rows, machine, date }`. Exits with 1 when subjects did
 * not do the same work, 2 on wrong usage. `--quick` only shows that it works.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { benchmarks } from './benchmarks.ts'
import { type Benchmark, checkRows, machine, type Options, tableOf } from './harness.ts'
import { installPeers } from './peers/index.ts'

function usage(problem: string): never {
  const names = Object.entries(benchmarks).map(([name, { summary }]) => `  ${name}: ${summary}`)
  console.error(`bench: ${problem}`)
  console.error('usage: npm run bench -- NAME [--json FILE] [--quick], where NAME is one of')
  console.error(names.join('\n'))
  process.exit(2)
}

function parse(): { benchmark: Benchmark; json: string | undefined; quick: boolean } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'string' }, quick: { type: 'boolean', default: false } },
    })
    const [name = '', ...more] = positionals
    const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined
    if (benchmark === undefined) return usage(name === '' ? 'no name' : `there is no ${name}`)
    if (more.length > 0) return usage(`one name at a time, not also ${more.join(' ')}`)
    return { benchmark, json: values.json, quick: values.quick }
  } catch (error) {
    if (error instanceof TypeError) return usage(error.message)
    throw error
  }
}

async function main(): Promise<void> {
  const { benchmark, json, quick } = parse()
  const options: Options = { quick, log: (line) => console.error(`bench: ${line}`) }
  if (benchmark.needsPeers) installPeers(options.log)
  const before = machine()
  const rows = await benchmark.run(options)
  console.log(tableOf(rows))
  if (quick) console.log('(--quick: too small to mean anything)')
  checkRows(rows)
  if (json === undefined) return
  mkdirSync(dirname(resolve(json)), { recursive: true })
  writeFileSync(
    json,
    `${JSON.stringify({ rows, machine: before, date: new Date().toISOString() }, undefined, 2)}\n`,
  )
}

try {
  await main()
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
