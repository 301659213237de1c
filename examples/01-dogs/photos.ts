import { stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { DataError, Dataset, type LabeledFile } from 'millstream'
import { shuffled } from './random.ts'

/** What a photo is used for: to learn from, to judge rounds by, or for the final test alone. */
export type Part = 'train' | 'validation' | 'test'

/** One file that should be a photo. */
export interface PhotoFile {
  readonly path: string
  /** The path from the folder that was given. */
  readonly name: string
  /** Place of its class in `classes`. */
  readonly label: number
  readonly part: Part
}

/** A folder of photos, listed and split, nothing opened yet. */
export interface PhotoFolder {
  readonly classes: readonly string[]
  readonly files: readonly PhotoFile[]
}

/** Share of each class that is kept for the test where there is no test folder. */
const testShare = 0.2
/** Share of what is left that judges the rounds. */
const validationShare = 0.1
const fewest = 10
const fewestOfClass = 3

const shape = 'It needs a folder of photos for each class: DIR/cat/1.jpg, DIR/dog/1.jpg'

/**
 * Lists `folder/CLASS/...`, or `folder/train/CLASS/...` and `folder/test/CLASS/...`, and splits every class
 * by the seed.
 *
 * @throws DataError when there is no folder, one class or too few files.
 */
export async function listPhotos(folder: string, seed: number): Promise<PhotoFolder> {
  if (!(await isFolder(folder))) throw new DataError(`There is no folder ${folder}. ${shape}.`)
  const apart = (await isFolder(join(folder, 'train'))) && (await isFolder(join(folder, 'test')))
  const train = await Dataset.labeledFiles(apart ? join(folder, 'train') : folder).toArray()
  const test = apart ? await Dataset.labeledFiles(join(folder, 'test')).toArray() : []
  const classes = [...new Set(train.map(({ className }) => className))]
  check(folder, classes, train, test)
  const files = classes.flatMap((name, label) => {
    const own = train.filter(({ className }) => className === name)
    const mixed = shuffled(own, seed + label)
    const held = test.filter(({ className }) => className === name)
    const cut = apart ? 0 : Math.max(1, Math.round(mixed.length * testShare))
    const rest = mixed.slice(cut)
    const judging = Math.max(1, Math.round(rest.length * validationShare))
    const as =
      (part: Part) =>
      (file: LabeledFile): PhotoFile => {
        return { path: file.path, name: relative(folder, file.path), label, part }
      }
    return [
      ...rest.slice(judging).map(as('train')),
      ...rest.slice(0, judging).map(as('validation')),
      ...[...held, ...mixed.slice(0, cut)].map(as('test')),
    ]
  })
  return { classes, files }
}

function check(
  folder: string,
  classes: readonly string[],
  train: readonly LabeledFile[],
  test: readonly LabeledFile[],
): void {
  if (classes.length === 0) throw new DataError(`There are no photos in ${folder}. ${shape}.`)
  if (classes.length === 1) {
    throw new DataError(
      `All photos in ${folder} are of one class, '${classes[0]}': there is nothing to tell apart. ${shape}.`,
    )
  }
  const count = train.length + test.length
  if (count < fewest) throw tooFew(folder, count)
  for (const name of classes) {
    const n = train.filter(({ className }) => className === name).length
    if (n < fewestOfClass) {
      throw new DataError(
        `The class '${name}' in ${folder} has ${n} photos; to learn, judge and test takes at least ` +
          `${fewestOfClass} of each. Add some, or remove the folder.`,
      )
    }
  }
  const strange = test.find(({ className }) => !classes.includes(className))
  if (strange !== undefined) {
    throw new DataError(
      `${strange.path} is of class '${strange.className}', which ${join(folder, 'train')} does not have.`,
    )
  }
  if (test.length === 0 && train.length < fewest) throw tooFew(folder, train.length)
}

/** Also for what is left when damaged files are dropped. */
export function tooFew(folder: string, count: number, details = ''): DataError {
  return new DataError(
    `${folder} has ${count} usable photos; training takes at least ${fewest}, and is worth it from some hundred.${details}`,
  )
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  )
}
