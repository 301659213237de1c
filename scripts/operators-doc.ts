/**
 * Writes docs/operators.md from the operator table. `--check` compares instead and exits with 1 when it is stale.
 *
 *     node --import tsx scripts/operators-doc.ts [--check]
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { operators } from '../src/operators/table.ts'

const file = new URL('../docs/operators.md', import.meta.url)

const rows = operators.map(
  ({ op, kind, summary, tfData }) => `| \`${op}\` | ${summary} | ${tfData} | ${kind} |`,
)
const text = `# Operators

Written by \`npm run docs:operators\` from the operator table. What tf.data has and this table lacks is not there yet.

| here | what it does | in tf.data | kind |
| --- | --- | --- | --- |
${rows.join('\n')}

On datasets, without an operator of their own: \`reduce\`, \`toArray\`, \`forEach\`, \`first\`, \`apply\`, \`cardinality\`, \`elementSpec\`,
\`explain\`, \`iterate\`, \`resume\`, \`toReadableStream\`, \`toNodeStream\`. \`map\` becomes \`mapAsync\` for \`async\` functions, with \`parallelism\` or \`onError: 'skip'\`, and for
stages with a place. \`validate\` becomes \`keepValid\` with \`onError: 'skip'\`, and \`mapAsync\`
with \`parallelism\`, \`maxErrors\` or \`onError: 'deadLetter'\`. \`shuffle('global')\`
is \`globalShuffle\`.

## Values

| element | its batch | tf.data |
| --- | --- | --- |
| number | \`Float64Array\` | a vector |
| typed array, all of one length | \`Tensor\` of \`[n, length]\` | a matrix |
| \`Tensor\`, all of one shape | \`Tensor\` of \`[n, ...shape]\` | a tensor |
| plain array: a tuple | a tuple of batches | a tuple |
| plain object: a record | a record of batches | a dict |
| string, boolean, bigint, anything else | \`Column\`, an array | a vector |
`

const formatted = execFileSync('npx', ['prettier', '--parser', 'markdown'], {
  input: text,
  encoding: 'utf8',
})
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== formatted) {
    console.error('docs/operators.md is stale: run npm run docs:operators')
    process.exitCode = 1
  }
} else {
  writeFileSync(file, formatted)
}
