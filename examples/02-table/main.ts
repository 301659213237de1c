/** node --import tsx examples/02-table/main.ts [ROWS] [FOLDER] */
import { cleanTable, type Outcome } from './job.ts'

function summary({ inline, overlapped, rowsIn, rowsOut, report }: Outcome): string {
  const working = overlapped.seconds - overlapped.starting
  const times = (seconds: number): string =>
    `${(inline.seconds / seconds).toFixed(2)} times as fast`
  return `rows           ${rowsIn} in, ${rowsOut} out
in one thread  ${inline.seconds.toFixed(2)} s
overlapped     ${overlapped.seconds.toFixed(2)} s, ${times(overlapped.seconds)}
  threads      ${overlapped.starting.toFixed(2)} s to start
  work         ${working.toFixed(2)} s, ${times(working)}
results        equal, byte by byte
pictures       ${report}`
}

const [, , rows = '20000', folder = 'result/table'] = process.argv
if (/^[1-9]\d*$/.test(rows)) console.log(summary(await cleanTable(Number(rows), folder)))
else {
  console.error(`ROWS is a whole number above 0, not ${rows}`)
  process.exitCode = 2
}
