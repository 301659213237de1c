import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { DataError, MillstreamError, UsageError, messageOf } from 'millstream'
import { decodeImage } from 'millstream/image'
import { onnxEngine } from 'millstream/ml'

const help = `Tells what is on photos, with the model that \`npm start\` made.

  npm run predict -- photo.jpg [more ...]

  --model FILE     default result/model.onnx

Prints a line for each photo: its path, the class, the probability.`

/**
 * Answers for every photo that can be read; false when one could not.
 *
 * @throws UsageError for wrong flags; DataError where there is no model.
 */
async function predict(args: readonly string[]): Promise<boolean> {
  const { paths, model, wantsHelp } = read(args)
  if (wantsHelp) {
    process.stdout.write(`${help}\n`)
    return true
  }
  if (paths.length === 0)
    throw new UsageError('name one photo or more: npm run predict -- photo.jpg')
  if (!existsSync(model)) {
    throw new DataError(
      `There is no model ${model}. Make one with npm start, or name it with --model.`,
    )
  }
  const predictor = await onnxEngine.load(model)
  try {
    const { classes, input } = predictor.spec
    let allRead = true
    for (const path of paths) {
      try {
        const { data } = await decodeImage(path, { size: input.shape[0] })
        const probabilities = await predictor.predict(data, 1)
        const sure = probabilities.reduce((a, b) => Math.max(a, b), 0)
        const name = classes[probabilities.indexOf(sure)] ?? ''
        process.stdout.write(`${path}  ${name}  ${sure.toFixed(4)}\n`)
      } catch (error) {
        allRead = false
        process.stderr.write(
          `${path}  cannot be used: ${messageOf(error).replace(`${path}: `, '')}\n`,
        )
      }
    }
    return allRead
  } finally {
    await predictor.dispose()
  }
}

function read(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        model: { type: 'string', default: 'result/model.onnx' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    return { paths: positionals, model: resolve(values.model), wantsHelp: values.help }
  } catch (cause) {
    throw new UsageError(`${messageOf(cause)}. See: npm run predict -- --help`, { cause })
  }
}

try {
  process.exitCode = (await predict(process.argv.slice(2))) ? 0 : 1
} catch (error) {
  if (!(error instanceof MillstreamError)) throw error
  process.stderr.write(`error ${error.code}: ${error.message}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
