/**
 * Writes docs/operators.md from the operator table. `--check` compares instead and exits with 1 when it is stale.
 *
 *     node --import tsx scripts/operators-doc.ts [--check]
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { Dataset } from '../src/index.ts'
import { operators } from '../src/operators/table.ts'
import { besides, leftOut, missing, tfDataOf, written } from './tf-data.ts'

const file = new URL('../docs/operators.md', import.meta.url)

const code = (text: string): string => `\`${text}\``

const rows = operators.map(({ op, summary, tfData }) => {
  const { name, differences } = tfDataOf(tfData)
  const here = written[op] ?? (op in Dataset ? `Dataset.${op}` : op)
  return `| ${name === undefined ? '' : code(name)} | ${code(here)} | ${summary} | ${differences} |`
})
const others = besides.map(
  ({ tf, here, differences }) => `| ${code(tf)} | ${code(here)} | ${differences} |`,
)
const reasons = Object.entries(leftOut).map(([name, reason]) => `| ${code(name)} | ${reason} |`)
const open = missing()

const text = `# Operators

Written by \`npm run docs:operators\` from the operator table. Who knows tf.data finds the same names, in camel case. Where
nothing is said, what comes out is the same: results of tf.data itself are among the tests.

| tf.data | here | what it does | differences |
| --- | --- | --- | --- |
${rows.join('\n')}

\`validate\` also runs asynchronous schemas, with \`parallelism\`, \`maxErrors\` or \`onError: 'deadLetter'\`.

## Of datasets, without an operator

| tf.data | here | differences |
| --- | --- | --- |
${others.join('\n')}

And what tf.data has not: \`toArray\`, \`forEach\`, \`explain\`, \`iterate\`, \`resume\`, \`toReadableStream\`, \`toNodeStream\`.

## Left out on purpose

| tf.data | why, and what to do |
| --- | --- |
${reasons.join('\n')}
${open.length === 0 ? '' : `\nNot here yet: ${open.map(code).join(', ')}.\n`}
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
