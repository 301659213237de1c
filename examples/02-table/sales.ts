/** A table to clean: sales of houses, as several agents wrote them down, made from a seed. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { chance } from '../random.ts'

const towns = ['Ålesund', 'Bergen', 'Tromsø', 'Lillehammer', 'Kristiansand', 'Stavanger']
const kinds = ['flat', 'flat', 'flat', 'house', 'house', 'cottage']
const words =
  `bright quiet view of the fjord garden balcony cellar new roof old kitchen near school café harbour two floors
  fireplace renovated windows oak floor south facing garage sauna shared attic lift low costs sold as seen`.split(
    /\s+/,
  )

/**
 * `rows` lines below a header. One line in eight tells of an earlier sale again, spelled otherwise; one value in eight is
 * missing.
 */
export function salesCsv(rows: number, seed = 1): string {
  const random = chance(seed)
  const below = (n: number): number => Math.floor(random() * n)
  const gap = (value: string | number): string => (random() < 1 / 8 ? '' : String(value))
  const made: string[][] = []
  const lines = ['agent,town,kind,area,rooms,year,price,note']
  for (let row = 0; row < rows; row++) {
    const agent = `agent ${1 + below(9)}`
    if (made.length > 0 && random() < 1 / 8) {
      lines.push([agent, ...respelled(made[below(made.length)] ?? [])].join(','))
      continue
    }
    const t = below(towns.length)
    const k = below(kinds.length)
    const area = Math.round(25 + 20 * k + 60 * random())
    const rooms = 1 + Math.round(area / 30 + random())
    const year = 1900 + below(125)
    const price = Math.round(area * (30 + 5 * t + 20 * random()) * (0.7 + (year - 1900) / 250))
    const note = Array.from({ length: 90 }, () => words[below(words.length)]).join(' ')
    const facts = [gap(kinds[k] ?? ''), gap(area), gap(rooms), gap(year)]
    const sale = [towns[t] ?? '', ...facts, String(price), note]
    made.push(sale)
    lines.push([agent, ...sale].join(','))
  }
  return `${lines.join('\n')}\n`
}

/** What another agent makes of the same sale: shouting, without accents, with more blanks. */
function respelled([town = '', ...others]: readonly string[]): string[] {
  const note = others.at(-1) ?? ''
  const plain = town.toUpperCase().normalize('NFD').replaceAll(/\p{M}/gu, '')
  return [plain, ...others.slice(0, -1), `  ${note.replaceAll(' ', '  ')}`]
}

export async function writeSales(path: string, rows: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, salesCsv(rows))
}
