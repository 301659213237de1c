import { shuffled } from '../random.ts'

/** The ten classes of CIFAR-10, in the order of its labels. */
export const classNames = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
] as const

const dog = classNames.indexOf('dog')

/** Which photos are part of the job is fixed, whatever `--seed` says. */
const selectionSeed = 20_240_501

/**
 * Numbers of the photos to take, in rising order: `dogs` dogs, and as many others evenly from the other
 * classes (some give one more where it does not divide).
 */
export function selectPhotos(labels: readonly number[], dogs: number): number[] {
  const others = classNames.map((_, label) => label).filter((label) => label !== dog)
  const base = Math.floor(dogs / others.length)
  const more = new Set(shuffled(others, selectionSeed).slice(0, dogs % others.length))
  const wanted = (label: number): number =>
    label === dog ? dogs : base + (more.has(label) ? 1 : 0)
  return classNames
    .flatMap((_, label) => {
      const all = labels.flatMap((l, i) => (l === label ? [i] : []))
      return shuffled(all, selectionSeed + label).slice(0, wanted(label))
    })
    .sort((a, b) => a - b)
}

/** Where a photo goes: `dog/00012-dog.png`, `other/00013-cat.png`. */
export function photoPath(index: number, label: number): string {
  const name = classNames[label] ?? String(label)
  const number = String(index).padStart(5, '0')
  return `${label === dog ? 'dog' : 'other'}/${number}-${name}.png`
}
