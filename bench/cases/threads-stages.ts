import { stage } from 'millstream/stage'
import { numbersOf, personOf, photoOf } from './threads-work.ts'

export const photos = stage(import.meta, photoOf)
export const numbers = stage(import.meta, numbersOf)
export const records = stage(import.meta, personOf)
